// Debian's jupyter-notebook with csnotebook, as a learner uses it: run all, watch, stop, go on.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { check, open } from './page.mjs';

const name = '02-table-1-patch-size.ipynb', sweep = 'watched.Showing';

const freePort = () => new Promise(done => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

const find = program => {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
};

// A folder that looks like the project to the notebook, with no runs yet and the small scale set.
const prepare = (home, folder) => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'notebooks'), { recursive: true });
  mkdirSync(join(folder, 'runs'));
  symlinkSync(join(home, 'bin'), join(folder, 'bin'));
  symlinkSync(join(home, 'notebooks/recorded'), join(folder, 'notebooks/recorded'));
  const notebook = JSON.parse(readFileSync(join(home, 'notebooks', name), 'utf8'));
  for (const cell of notebook.cells.filter(cell => cell.cell_type === 'code')) {
    Object.assign(cell, { outputs: [], execution_count: null });
    if (cell.metadata.tags?.includes('parameters'))
      cell.source = cell.source.map(line => line.replace('"teach"', '"smoke"').replace('seeds = 0', 'seeds = 2'));
  }
  writeFileSync(join(folder, 'notebooks', name), JSON.stringify(notebook));
};

const until = async (what, seconds, condition) => {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const value = await condition();
    if (value) return value;
    check(Date.now() < end, `${what}: not within ${seconds} s`);
    await new Promise(done => setTimeout(done, 100));
  }
};

export const run = async ({ browser, home, work, test, skip }) => {
  await test('jupyter-notebook: run all, see it change, stop a training, go on, see it finish', async () => {
    const program = find('jupyter-notebook') || skip('jupyter-notebook is missing: apt-get install jupyter-notebook.');
    const folder = join(work, 'jupyter'), prefix = join(work, 'kernel');
    prepare(home, folder);
    rmSync(prefix, { recursive: true, force: true });
    execFileSync(join(home, 'bin/csnotebook'), ['install', '--prefix', prefix]);
    const port = await freePort(), log = [];
    const server = spawn(program, [
      '--no-browser', '--allow-root', '--ip=127.0.0.1', `--port=${port}`, '--NotebookApp.token=',
      '--NotebookApp.password=', `--notebook-dir=${folder}`,
    ], {
      // One thread: beside other work two wait for each other, and small nets are as fast.
      env: {
        ...process.env, OMP_NUM_THREADS: '1', JUPYTER_PATH: join(prefix, 'share/jupyter'), JUPYTER_CONFIG_DIR: folder,
      },
    });
    server.stdout.on('data', text => log.push(text));
    server.stderr.on('data', text => log.push(text));
    const at = `http://127.0.0.1:${port}`;
    const { page, close } = await open(browser, 1400, 'light');
    try {
      await until(`the server: ${log.join('').slice(-300)}`, 30, () => fetch(`${at}/api`).then(r => r.ok, () => false));
      await page.goto(`${at}/notebooks/notebooks/${name}`);
      await until('the kernel is ready', 60, () => page.evaluate(() =>
        window.Jupyter?.notebook?.kernel?.is_connected() && document.querySelector('.kernel_idle_icon') !== null));
      const kernel = await page.evaluate(() => Jupyter.notebook.kernel.name);
      check(kernel === 'csnotebook', `the notebook opened with the kernel ${kernel}`);
      const index = await page.evaluate(
        text => Jupyter.notebook.get_cells().findIndex(cell => cell.get_text().includes(text)), sweep);
      check(index > 0, `no cell of ${name} has "${sweep}" in it`);
      const cell = page.locator('.cell').nth(index);
      const shown = () => cell.locator('.output_area').evaluateAll(all =>
        all.map(output => output.innerText + [...output.querySelectorAll('img')].map(image => image.src)));
      const state = () => page.evaluate(i => {
        const cell = Jupyter.notebook.get_cell(i);
        return { running: cell.element.hasClass('running'), count: cell.input_prompt_number,
          outputs: cell.output_area.outputs.map(output => output.ename ?? output.output_type) };
      }, index);

      await page.getByRole('link', { name: 'Cell', exact: true }).click();
      await page.locator('#run_all_cells a').click();
      await until('the sweep begins', 90, async () => (await shown()).length >= 2);
      const first = await shown();
      await until('the progress line changes', 60, async () => (await shown())[1] !== first[1]);
      await until('the chart changes', 90, async () => (await shown())[0] !== first[0]);
      await page.screenshot({ path: join(work, 'seen', 'notebook-training.png') });
      check((await state()).running, 'the sweep had ended before it could be stopped');
      await page.locator('button[data-jupyter-action="jupyter-notebook:interrupt-kernel"]').click();
      await until('the cell stops', 20, async () => !(await state()).running);
      const stopped = await state();
      check(stopped.outputs.includes('KeyboardInterrupt'), `after the stop the cell shows ${stopped.outputs}`);
      await page.screenshot({ path: join(work, 'seen', 'notebook-stopped.png') });

      // All cells after it were given up; the sweep goes on, then the rest runs.
      await page.evaluate(i => Jupyter.notebook.select(i), index);
      await page.getByRole('link', { name: 'Cell', exact: true }).click();
      await page.locator('#run_all_cells_below a').click();
      await until('the notebook finishes', 400, () => page.evaluate(() => Jupyter.notebook.get_cells()
        .filter(cell => cell.cell_type === 'code').every(cell => cell.input_prompt_number > 0)));
      const errors = await page.evaluate(() => Jupyter.notebook.get_cells()
        .filter(cell => cell.cell_type === 'code').flatMap(cell => cell.output_area.outputs)
        .filter(output => output.output_type === 'error').map(output => `${output.ename}: ${output.evalue}`));
      check(errors.length === 0, `cells failed: ${errors.join('; ')}`);
      const end = await shown();
      check(end.length === 2, `the sweep shows ${end.length} outputs in the end`);
      await page.screenshot({ path: join(work, 'seen', 'notebook-finished.png') });
    } finally {
      await close();
      server.kill('SIGTERM');
      await Promise.race([new Promise(done => server.on('exit', done)), new Promise(done => setTimeout(done, 5000))]);
      if (server.exitCode === null) server.kill('SIGKILL');
      writeFileSync(join(work, 'jupyter.log'), log.join(''));
    }
  });
};
