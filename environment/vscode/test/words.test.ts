import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAt } from '../src/calls';
import { rows } from '../src/listing';
import { fromCodePoints, Lines, toCodePoints } from '../src/messages';
import { describe } from '../src/traceback';

test('lines end at \\n alone, wherever the pieces are cut', () => {
  const text = '{"a":"é\u2028\u{1F600}"}\r\n\n{"b":1}\n{"c"';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const lines: string[] = [];
    const cutter = new Lines(line => lines.push(line.trim()));
    for (let at = 0; at < bytes.length; at += size) cutter.add(bytes.subarray(at, at + size));
    assert.deepEqual(lines, ['{"a":"é\u2028\u{1F600}"}', '{"b":1}']);
  }
});

test('Jupyter counts code points', () => {
  const code = '"\u{1F600}" + text.ToUpp';
  assert.equal(toCodePoints(code, code.length), code.length - 1);
  assert.equal(fromCodePoints(code, code.length - 1), code.length);
  assert.equal(fromCodePoints(code, 2), 3);
});

test('a failure names its line, and the links of VS Code lose no words', () => {
  const thrown = describe('InvalidOperationException', 'no', [
    'System.InvalidOperationException: no', 'In [3], line 2:', '-->   2 | throw',
    '   at F(Int32), In [1], line 7', '   at In [3], line 2',
  ], 3);
  assert.equal(thrown.line, 2);
  assert.equal(thrown.column, undefined);
  assert.equal(thrown.stack, [
    'System.InvalidOperationException: no', 'Cell In[3], line 2', '-->   2 | throw',
    '   at F(Int32)', 'Cell In[1], line 7', 'Cell In[3], line 2',
  ].join('\n'));

  const words = ['In [4], line 5, column 9: CS0103: The name x', '    x'];
  const wrong = describe('CompilationError', 'CS0103: x', words, 4);
  assert.deepEqual([wrong.line, wrong.column], [5, 9]);
  assert.equal(wrong.stack, 'CS0103: The name x\nCell In[4], line 5\n    x');
});

test('the call around the cursor', () => {
  const at = (text: string) => {
    const call = callAt(text.replace('|', ''), text.indexOf('|'));
    return call && `${call.code} ${call.argument}`;
  };
  assert.equal(at('Math.Max(1, |'), 'Math.Max() 1');
  assert.equal(at('F(a, "x, y", G(1, 2), |)'), 'F() 3');
  assert.equal(at('F(a, G(1, |'), 'F(a, G() 1');
  assert.equal(at('F(x => { G(|'), 'F(x => { G() 0');
  assert.equal(at('new List<int>(|'), 'new List<int>() 0');
  assert.equal(at('F([1, 2], |'), 'F() 1');
  assert.equal(at('F("a\\"(", |'), 'F() 1');
  assert.equal(at('F(@"c:\\", |'), 'F() 1');
  assert.equal(at('F(1); |'), undefined);
  assert.equal(at('if (|'), undefined);
  assert.equal(at('(1, |'), undefined);
  assert.equal(at('// F(|'), undefined);
});

test('the tables that patchkit list prints', () => {
  const listing = [
    'Experiments: patchkit run NAME', '', '  name     what     at teach   ', '──────────',
    '  table1   Table 1: by patch size   10 min; more   it falls   ', '  figure1   Figure 1   5 min   a line', '   ',
    'Scales: patchkit run NAME --scale SCALE', '', '  scale   what', '─────',
    '  smoke   under a minute, for tests', '',
  ].join('\n');
  assert.deepEqual(rows(listing, 'Experiments').map(row => row[0]), ['table1', 'figure1']);
  assert.deepEqual(rows(listing, 'Scales'), [['smoke', 'under a minute, for tests']]);
  assert.deepEqual(rows(listing, 'Nothing'), []);
});
