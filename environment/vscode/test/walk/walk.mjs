// The walk through the extension in a real VS Code: node walk.mjs ADDRESS FOLDER SCREENS CHROMIUM [NAME...]. Writes a
// line per step, and last "N passed, N failed, 0 skipped". The environment's INSTALL_OTHER is the command of bash that
// installs the extension of test/other-kernel.
import { execSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Editor, until } from './editor.mjs';

const [address, folder, screens, chromium, ...wanted] = process.argv.slice(2);
const table1 = '02-table-1-patch-size.ipynb';

function expect(condition, sentence) {
  if (!condition) throw new Error(sentence);
}

/** Writes a notebook of code cells of C#. */
function write(file, ...sources) {
  writeFor({ name: 'csnotebook', display_name: 'C# (csnotebook)', language: 'C#' }, file, ...sources);
}

function writeFor(kernelspec, file, ...sources) {
  const cells = sources.map((source, i) => ({
    cell_type: 'code', id: `cell-${i}`, execution_count: null, metadata: {}, outputs: [], source,
  }));
  const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
  writeFileSync(path.join(folder, 'notebooks', file), JSON.stringify(notebook, null, 1));
}

const loads = '#r "../bin/TorchSharp.dll"\n#r "../bin/PatchKit.dll"\n'
  + ['Data', 'Display.Figures', 'Experiments', 'Experiments.Tables', 'Training.Runs']
    .map((name) => `using PatchKit.${name};\n`).join('');

write('tour.ipynb',
  `${loads}var answer = 42;\nanswer`,
  'int wrong = 1;\nint other = nothing + 1;',
  'var list = new List<int>();\n\nlist[3] = 1;',
  'Console.ReadLine() + ", thank you"',
  'Console.Write("now"); System.Diagnostics.Process.GetCurrentProcess().Kill();',
  'answer = 43; Console.WriteLine("spoke " + answer);',
  '// To type in.');
write('second.ipynb', 'var answer = "another"; answer', 'answer + "!"');
write('training.ipynb',
  `${loads}var options = ExperimentOptions.Of("teach", "cpu", "", 1);\n`
    + 'var runner = new ExperimentRunner(new RunStore("../runs"));\n"ready"',
  'var report = runner.Showing(display("").Update).Run(new Table1(), options);');
write('both.ipynb',
  'var kept = "kept by " + Environment.ProcessId; kept',
  'kept + "!"',
  'Console.Write("busy"); System.Threading.Thread.Sleep(-1);');
writeFor({ name: 'python3', display_name: 'Python 3', language: 'python' }, 'python.ipynb', '1 + 1');

const editor = await Editor.open(address, folder, screens, chromium);
const { page } = editor;

/** The plotly figures on the page, as one text that changes when they do. */
async function figures() {
  let all = '';
  for (const frame of await editor.outputs('.js-plotly-plot')) {
    const plots = frame.locator('.js-plotly-plot');
    all += await editor.soon(plots.evaluateAll(found => found.map(plot => plot.innerHTML.length).join()), '');
  }
  return all;
}

/** Rests the mouse on the marks of a figure that is in view until plotly tells a value; what it tells. */
async function hovered() {
  for (const { frame, x, y } of await marks()) {
    if (x < 360 || y < 160 || y > 700) continue;
    await page.mouse.move(x - 20, y);
    await page.mouse.move(x, y, { steps: 4 });
    const tip = frame.locator('.hoverlayer .hovertext').first();
    await tip.waitFor({ state: 'attached', timeout: 2000 }).catch(() => {});
    const text = await frame.locator('.hoverlayer .hovertext').allTextContents();
    if (text.length > 0) return text.join(' ');
  }
  return '';
}

/** Where the marks of the figures are on the page: a few of each figure. */
async function marks() {
  const found = [];
  for (const frame of await editor.outputs('.js-plotly-plot .points path')) {
    const paths = frame.locator('.js-plotly-plot .points path');
    const first = await paths.first().boundingBox().catch(() => null);
    if (!first) continue;
    // One question for all: the places in the frame, and by the first one's where the frame is.
    const inside = await frame.locator('.js-plotly-plot').evaluateAll(plots => plots.map(plot =>
      [...plot.querySelectorAll('.points path')].slice(0, 3).map(path => path.getBoundingClientRect())
        .map(box => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 }))));
    const all = inside.flat(), [origin] = all;
    const left = first.x + first.width / 2 - origin.x, top = first.y + first.height / 2 - origin.y;
    found.push(...all.map(mark => ({ frame, x: mark.x + left, y: mark.y + top })));
  }
  return found;
}

/** Scrolls the notebook in front to a figure that tells a value under the mouse, the first or the last. */
async function scrollToFigure(last = false) {
  const box = await (await editor.front()).boundingBox();
  for (let i = 0; i < 60; i++) {
    const told = await hovered();
    if (told) return told;
    const far = (await marks()).map(mark => mark.y - 450).filter(y => Math.abs(y) > 240 && Math.abs(y) < 20000);
    const next = far.length > 0 ? (last ? Math.max(...far) : Math.min(...far)) : 600;
    await page.mouse.move(box.x + 30, box.y + box.height - 60);
    await page.mouse.wheel(0, next);
    await editor.pause(700);
  }
  throw new Error('no figure was found by scrolling');
}

const steps = {
  'the folder is trusted, and nothing else is asked': async () => {
    await editor.trust();
    await editor.notebook(table1);
    await until('the kernel to be selected', async () => (await editor.kernel()) === 'C# (PatchKit)', 30);
    expect(!(await editor.asks()), 'a list to choose from is open');
  },

  'the figures of an earlier run are interactive before anything runs': async () => {
    console.log(`  a figure tells: ${await scrollToFigure()}`);
    await editor.screenshot('hover');
  },

  'notebook 02 runs at smoke without an error, and its charts change on the way': async () => {
    // The cell that trains, and what it shows, in view.
    const trains = editor.saved(table1).cells.findIndex(cell => cell.source.join('').includes('.Run(table1'));
    const text = await editor.scrollTo(trains);
    const view = await (await editor.front()).boundingBox();
    await page.mouse.wheel(0, (await text.boundingBox()).y - view.y - 70);
    await editor.command('PatchKit: Run This Notebook at Smoke');
    await until('the cells to begin', () => editor.runs(), 30);
    const charts = new Set(), progress = new Set();
    let ended = false, picture = false;
    const end = editor.idle(300).finally(() => (ended = true));
    let looks = 0;
    for (; !ended; looks++) {
      charts.add(await figures());
      progress.add((await editor.shown()).match(/run \d+ of|\d+\/\d+ steps/g)?.join());
      if (!picture && charts.size > 3) await editor.screenshot('live');
      picture ||= charts.size > 3;
      await editor.pause(200);
    }
    await end;
    console.log(`  of ${looks} looks, ${charts.size} saw another chart and ${progress.size} another progress`);
    expect(charts.size > 2 && progress.size > 2, 'they do not change while cells run');
    const done = cell => cell.cell_type !== 'code' || cell.execution_count > 0;
    await until('the last cell to be saved', () => editor.saved(table1).cells.every(done), 30);
    const { cells } = editor.saved(table1);
    expect(cells.find(cell => cell.metadata.tags?.includes('parameters')).source.join('').includes('"smoke"'), 'scale');
    const errors = cells.flatMap(cell => cell.outputs ?? []).filter(output => output.output_type === 'error');
    expect(errors.length === 0, `${errors.length} cells failed: ${JSON.stringify(errors[0])}`);
    const kept = cells.flatMap(cell => cell.outputs ?? []).filter(output => output.output_type === 'execute_result');
    expect(kept.every(output => output.execution_count > 0), 'a result has no number');
  },

  'its figures are interactive afterwards': async () => {
    await page.keyboard.press('Escape');
    await editor.pause(500);
    console.log(`  a figure tells: ${await scrollToFigure(true)}`);
    await editor.screenshot('after');
  },

  'in a dark theme figures take its colours': async () => {
    await editor.command('Toggle between Light/Dark Themes');
    await until('the theme to change', () => page.locator('.monaco-workbench.vs-dark').count(), 20);
    await editor.pause(1500);
    const [frame] = await editor.outputs('.js-plotly-plot .xtick text');
    const tick = frame.locator('.js-plotly-plot .xtick text').first();
    const fill = await tick.evaluate(text => getComputedStyle(text).fill);
    expect(Math.min(...fill.match(/\d+/g).slice(0, 3).map(Number)) > 120, `the ticks are ${fill} on a dark page`);
    await hovered();
    await editor.screenshot('dark');
    await editor.command('Toggle between Light/Dark Themes');
    await until('the theme to change back', async () => !(await page.locator('.monaco-workbench.vs-dark').count()), 20);
  },

  'a cell that does not compile and one that throws name their lines, with a link': async () => {
    await editor.notebook('tour.ipynb');
    await until('the kernel to be selected', async () => (await editor.kernel()) === 'C# (PatchKit)', 30);
    await editor.run(0);
    await until('a value', async () => editor.savedOutput('tour.ipynb', 0).includes('42'), 60);
    await editor.run(1);
    await until('the compiler', async () => editor.savedOutput('tour.ipynb', 1).includes('CS0103'), 30);
    await editor.run(2);
    await until('the exception', async () => editor.savedOutput('tour.ipynb', 2).includes('ArgumentOutOfRange'), 30);
    const links = async line => (await editor.outputs(`a[href*="execution_count"][href$="line=${line}"]`)).length > 0;
    await until('a link to line 2', () => links(2), 10);
    await until('a link to line 3', () => links(3), 10);
    const squiggles = await (await editor.front()).locator('.squiggly-error').count();
    expect(squiggles >= 2, `${squiggles} lines are underlined`);
    const traceback = editor.savedOutput('tour.ipynb', 2);
    expect(traceback.includes('In [3], line 3'), `the file has the kernel's words: ${traceback}`);
    await editor.screenshot('errors');
  },

  'a cell asks for a line': async () => {
    await editor.run(3);
    await page.waitForSelector('.quick-input-widget:visible');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await until('the answer', async () => editor.savedOutput('tour.ipynb', 3).includes('Ada, thank you'), 20);
  },

  'completion, hover and signatures show PatchKit\'s documentation': async () => {
    await editor.focus(6);
    await page.keyboard.press('Enter');
    await page.keyboard.type('ExperimentOptions.');
    const list = page.locator('.suggest-widget.visible .monaco-list-row');
    await list.filter({ hasText: 'Of' }).first().waitFor();
    await page.keyboard.type('Of');
    await page.keyboard.press('Control+Space');
    await until('the documentation', async () =>
      /scale/i.test(await page.locator('.suggest-details:visible').innerText().catch(() => '')), 20);
    await editor.screenshot('completion');
    await page.keyboard.press('Tab');
    await page.keyboard.type('("smoke", ');
    await page.locator('.parameter-hints-widget.visible').filter({ hasText: 'device' }).waitFor();
    await editor.screenshot('signature');
    await page.keyboard.press('Escape');
    const words = (await editor.front()).locator('.monaco-list-row[data-index="6"] .view-line span span');
    await words.filter({ hasText: 'ExperimentOptions' }).last().hover();
    await until('the hover', async () =>
      /ExperimentOptions/.test((await page.locator('.monaco-hover:visible').allInnerTexts()).join()), 20);
  },

  'the variables view shows what is live': async () => {
    await page.keyboard.press('Escape');
    const header = page.locator('.pane-header').filter({ hasText: 'C# Variables' });
    await header.waitFor();
    if (await header.getAttribute('aria-expanded') !== 'true') await header.click();
    await page.locator('.pane').filter({ hasText: 'C# Variables' }).locator('.monaco-list-row')
      .filter({ hasText: 'answer' }).filter({ hasText: '42' }).waitFor();
    await editor.screenshot('variables');
  },

  'a kernel that dies is told and begun again': async () => {
    await editor.run(4);
    await until('the output', async () => editor.savedOutput('tour.ipynb', 4).includes('ended by SIGKILL'), 30);
    const told = async () => (await editor.notifications()).join().includes('A new one has begun');
    await until('the notification', told, 10);
    await editor.screenshot('died');
    await editor.command('Notifications: Clear All Notifications');
    await editor.run(0);
    await until('a value', async () => editor.savedOutput('tour.ipynb', 0).includes('42'), 60);
    await editor.idle(20);
  },

  'two notebooks side by side have variables of their own': async () => {
    await editor.notebook('second.ipynb', true);
    await editor.run(0);
    await until('a value', async () => editor.savedOutput('second.ipynb', 0).includes('another'), 60);
    await editor.run(1);
    await until('a value', async () => editor.savedOutput('second.ipynb', 1).includes('another!'), 30);
    await page.locator('.tab[data-resource-name="tour.ipynb"]').click();
    await editor.run(5);
    await until('a value', async () => editor.savedOutput('tour.ipynb', 5).includes('spoke 43'), 30);
    await editor.screenshot('two');
  },

  'a restart forgets the variables': async () => {
    await editor.command('PatchKit: Restart the C# Kernel');
    await editor.pause(1500);
    await editor.run(5);
    await until('the compiler', async () => editor.savedOutput('tour.ipynb', 5).includes('CS0103'), 30);
  },

  'a training cell stops within a second, and goes on when it runs again': async () => {
    await editor.command('Join All Editor Groups');
    await editor.notebook('training.ipynb');
    await editor.run(0);
    await until('a value', async () => editor.savedOutput('training.ipynb', 0).includes('ready'), 60);
    await editor.idle(20);
    await editor.run(1);
    // Which run, and which of its steps, as one number.
    const step = async () => {
      const found = /run (\d+) of[^]*?(\d+)\/(\d+) steps/.exec(await editor.shown());
      return found ? Number(found[1]) * 1e6 + Number(found[2]) : 0;
    };
    await until('the training to begin', async () => (await editor.runs()) && (await step()) > 0, 60);
    await editor.pause(4000);
    await editor.screenshot('training');
    const began = Date.now();
    await (await editor.stop()).click();
    await until('the cell to end', async () => !(await editor.runs()), 10);
    const took = Date.now() - began;
    const before = await step();
    console.log(`  it stopped after ${took} ms, at step ${before % 1e6} of run ${Math.floor(before / 1e6)}`);
    expect(took < 1000, `it took ${took} ms`);
    await until('the words', async () => editor.savedOutput('training.ipynb', 1).includes('The cell was stopped'), 10);
    await editor.run(1);
    let now = 0;
    await until('the training to go on', async () => (await editor.runs()) && (now = await step()) > 0, 60);
    console.log(`  it went on at step ${now % 1e6} of run ${Math.floor(now / 1e6)}`);
    expect(now >= before, 'it began anew');
    await editor.pause(3000);
    await (await editor.stop()).click();
    await editor.idle(10);
  },

  'beside Jupyter\'s extension ours is chosen, told apart, left and chosen again': async () => {
    const ours = 'C# (PatchKit)', other = 'C# (csnotebook)', file = 'both.ipynb';
    const isSelected = label => until(`${label} to be selected`, async () => (await editor.kernel()) === label, 30);
    const quiet = async () => {
      expect(!(await editor.asks()), 'a list to choose from is open');
      const told = await editor.notifications();
      expect(told.length === 0, `it is told: ${told.join()}`);
    };
    const output = (index, part) => until(part, async () => editor.savedOutput(file, index).includes(part), 60);
    const variables = page.locator('.pane').filter({ hasText: 'C# Variables' });
    const processOf = () => Number(/kept by (\d+)/.exec(editor.savedOutput(file, 0))?.[1]);
    const lives = id => {
      try {
        return process.kill(id, 0);
      } catch {
        return false;
      }
    };

    execSync(process.env.INSTALL_OTHER, { shell: 'bash', stdio: 'ignore' });
    await editor.reload();
    await editor.notebook(file);
    await isSelected(ours);
    await quiet();
    await editor.run(0);
    const first = await until('a value', processOf, 60);
    expect(lives(first), `the kernel's process ${first} is not there`);

    await editor.run(2);
    await output(2, '["busy"]');
    await editor.kernels();
    await editor.choose('Select Another Kernel...');
    await editor.choose('Jupyter Kernel...');
    await editor.choose(other);
    await isSelected(other);
    await until('our kernel to end', () => !lives(first), 10);
    await editor.idle(10);
    await output(2, 'The cell was stopped');
    expect(await variables.count() === 0, 'there is a view of variables that are not ours');
    await editor.run(1);
    await output(1, 'run by the other');
    await quiet();

    await editor.command('View: Close Editor');
    await page.locator(`.tab[data-resource-name="${file}"]`).waitFor({ state: 'detached' });
    await editor.notebook(file);
    await isSelected(other);

    const both = await editor.kernels();
    console.log(`  the kernels: ${both.join(' | ')}`);
    await editor.screenshot('kernels');
    expect(both.some(row => row.startsWith(`${ours}csnotebook, without Jupyter`)), `ours is not in ${both}`);
    expect(both.some(row => row.startsWith(`${other}/opt`)), `the other is not in ${both}`);
    await editor.choose(ours);
    await isSelected(ours);
    if (await variables.locator('.pane-header').getAttribute('aria-expanded') !== 'true') await variables.click();
    await variables.filter({ hasText: 'appear here once a cell has run' }).waitFor();
    await editor.run(1);
    await output(1, 'CS0103');
    await editor.run(0);
    const second = await until('a value of another process', () => processOf() !== first && processOf(), 60);
    await editor.run(1);
    await output(1, `kept by ${second}!`);
    await editor.screenshot('both');
    await quiet();
    const { source } = editor.saved(file).cells[2];
    expect(source.join('').endsWith('Sleep(-1);'), `what was meant for a list is in a cell: ${source}`);

    await editor.notebook('python.ipynb');
    await isSelected('Select Kernel');
    await quiet();
  },
};

let passed = 0, failed = 0;
for (const [name, step] of Object.entries(steps)) {
  if (wanted.length > 0 && !wanted.some(part => name.includes(part))) continue;
  const began = Date.now();
  try {
    await step();
    passed++;
    console.log(`${name}: passed, ${((Date.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    failed++;
    console.log(`${name}: failed, ${error.message.split('\n')[0]}`);
    await editor.screenshot(`failed-${failed}`);
    appendFileSync(path.join(screens, 'failures.txt'), `${name}\n${error.stack}\n\n`);
    await page.keyboard.press('Escape');
  }
}
await editor.close();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;
