import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Kernel, KernelDied } from '../src/kernel';
import type { Message } from '../src/messages';

/** The kernel that set-up built. The bundled tests lie in dist/test. */
const program = path.resolve(import.meta.dirname, '../../../../bin/csnotebook');
const skip = !existsSync(program) && 'bin/csnotebook is not built';

/** Long, for a machine that does much else. */
const limit = { timeout: 180_000 };

function start(context: TestContext): { kernel: Kernel; log: string[]; deaths: string[]; late: Message[] } {
  const [log, deaths, late]: [string[], string[], Message[]] = [[], [], []];
  const kernel = new Kernel([program, 'stdio'], tmpdir(), {
    log: line => log.push(line),
    late: message => late.push(message),
    died: how => deaths.push(how),
  });
  context.after(() => kernel.shutDown());
  return { kernel, log, deaths, late };
}

async function execute(kernel: Kernel, code: string, shown: (message: Message) => void = () => {}): Promise<any> {
  return kernel.ask('shell', 'execute_request', { code }, shown);
}

test('a cell runs, shows, asks, and the kernel leaves when told to', { skip, ...limit }, async context => {
  const { kernel, deaths } = start(context);
  const seen: string[] = [];
  const reply = await execute(kernel, 'Console.WriteLine("a"); var name = Console.ReadLine(); name + "!"', message => {
    seen.push(message.header.msg_type);
    if (message.channel === 'stdin') kernel.answer(message, 'Ada');
    if (message.header.msg_type === 'execute_result') assert.equal(message.content.data['text/plain'], 'Ada!');
  });
  assert.equal(reply.status, 'ok');
  assert.deepEqual(seen, ['execute_input', 'stream', 'input_request', 'execute_result']);
  const help = await kernel.ask('control', 'complete_request', { code: 'name.ToUpp', cursor_pos: 10 });
  assert.ok(help.matches.includes('ToUpper'));
  await kernel.shutDown();
  assert.deepEqual(deaths, []);
  await assert.rejects(execute(kernel, '1'), KernelDied);
});

test('a bare loop stops within a second, and variables live on', { skip, ...limit }, async context => {
  const { kernel } = start(context);
  await execute(kernel, 'var alive = 41;');
  let began = 0;
  const reply = execute(kernel, 'Console.WriteLine(1); while (true) { }', message => {
    if (message.header.msg_type !== 'stream') return;
    began = Date.now();
    kernel.interrupt();
  });
  assert.equal((await reply).ename, 'KeyboardInterrupt');
  assert.ok(Date.now() - began < 1000, `it took ${Date.now() - began} ms`);
  assert.equal((await execute(kernel, 'alive + 1')).status, 'ok');
  await kernel.shutDown();
});

test('a death is told to whoever waits', { skip, ...limit }, async context => {
  const { kernel, deaths } = start(context);
  const code = 'Console.WriteLine(1); System.Diagnostics.Process.GetCurrentProcess().Kill();';
  await assert.rejects(execute(kernel, code), (error: KernelDied) => error.how === 'by SIGKILL');
  assert.deepEqual(deaths, ['by SIGKILL']);
  assert.equal(kernel.alive, false);
  await kernel.shutDown();
});

test('a program that is not there is a death before the beginning', async () => {
  const deaths: string[] = [];
  const kernel = new Kernel(['/nowhere/csnotebook'], tmpdir(), { log() {}, late() {}, died: how => deaths.push(how) });
  await assert.rejects(execute(kernel, '1'), KernelDied);
  assert.match(deaths[0], /^before it began: .*ENOENT/);
  assert.equal(kernel.spoke, false);
});
