import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { checkout, csnotebook, folders, NotBuilt, program } from './home';
import { rows } from './listing';

const run = promisify(execFile);

/** The notebook in front. */
export function activeNotebook(): vscode.NotebookDocument | undefined {
  return vscode.window.activeNotebookEditor?.notebook;
}

/** The cell that a notebook's parameters stand in, by Jupyter's tag. */
function parametersCell(notebook: vscode.NotebookDocument): vscode.NotebookCell | undefined {
  return notebook.getCells().find(cell => {
    const metadata = cell.metadata.metadata ?? cell.metadata.custom?.metadata ?? cell.metadata;
    return (metadata.tags as string[] | undefined)?.includes('parameters');
  });
}

/** Sets the parameter `scale` of the notebook in front to smoke, where undo can take it back, and runs all cells. */
export async function runAtSmoke(): Promise<void> {
  const notebook = activeNotebook();
  if (!notebook) return say('No notebook is open in front; open one of notebooks/, and again.');
  const document = parametersCell(notebook)?.document;
  const found = document && /\bscale\s*=\s*"([^"]*)"/.exec(document.getText());
  if (!document || !found) {
    const name = path.basename(notebook.uri.path);
    return say(`${name} has no parameter scale, which a cell with the tag "parameters" would set.`);
  }
  const end = found.index + found[0].length - 1;
  const range = new vscode.Range(document.positionAt(end - found[1].length), document.positionAt(end));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, 'smoke');
  await vscode.workspace.applyEdit(edit);
  await vscode.commands.executeCommand('notebook.execute');
}

/** Lets the user choose an experiment and a scale, and runs it in a terminal. */
export async function rerun(): Promise<void> {
  const patchkit = folders(activeNotebook()?.uri).map(folder => program(folder, 'patchkit')).find(found => found);
  const home = checkout(activeNotebook()?.uri);
  if (!patchkit) {
    throw new NotBuilt('bin/patchkit is not there. Set-up builds it: some minutes, once.', home);
  }
  const { stdout } = await run(patchkit[0], [...patchkit.slice(1), 'list'], { env: { ...process.env, NO_COLOR: '1' } });
  const [experiments, scales] = [rows(stdout, 'Experiments'), rows(stdout, 'Scales')];
  const what = await vscode.window.showQuickPick(
    experiments.map(([label, detail, time]) => ({ label, detail, description: time })),
    { title: 'Which table or figure? What has been trained is not trained again.', matchOnDetail: true },
  );
  const scale = what && (await vscode.window.showQuickPick(
    scales.map(([label, detail]) => ({ label, detail })), { title: `At which scale does ${what.label} run?` },
  ));
  if (!scale) return;
  const terminal = vscode.window.createTerminal({ name: `${what.label} at ${scale.label}`, cwd: home });
  terminal.show();
  terminal.sendText(`${patchkit.map(quoted).join(' ')} run ${what.label} --scale ${scale.label}`);
}

/** Writes a copy of the notebook in front without its solutions and outputs. */
export async function studentsCopy(): Promise<void> {
  const notebook = activeNotebook();
  if (notebook?.uri.scheme !== 'file') return say('No notebook of a folder is open in front; open one, and again.');
  await notebook.save();
  const name = path.basename(notebook.uri.fsPath);
  const folder = path.join(checkout(notebook.uri) ?? path.dirname(notebook.uri.fsPath), 'students');
  const target = await vscode.window.showSaveDialog({
    title: 'Where does the copy go?',
    defaultUri: vscode.Uri.file(path.join(folder, name)),
    filters: { Notebooks: ['ipynb'] },
  });
  if (!target) return;
  mkdirSync(path.dirname(target.fsPath), { recursive: true });
  const [command, ...before] = csnotebook(notebook.uri);
  try {
    const { stderr } = await run(command, [...before, 'release', notebook.uri.fsPath, '--out', target.fsPath]);
    const open = 'Open it';
    const chosen = await vscode.window.showInformationMessage(stderr.trim(), open);
    if (chosen === open) await vscode.commands.executeCommand('vscode.openWith', target, 'jupyter-notebook');
  } catch (error) {
    void vscode.window.showErrorMessage(((error as { stderr?: string }).stderr || String(error)).trim());
  }
}

/** Opens the notebook that the walkthrough is about. */
export async function openTable1(): Promise<void> {
  const home = checkout();
  if (!home) return say('This folder is not PatchKit\'s: open the one that holds README.md and notebooks/.');
  const file = vscode.Uri.file(path.join(home, 'notebooks', '02-table-1-patch-size.ipynb'));
  await vscode.commands.executeCommand('vscode.openWith', file, 'jupyter-notebook');
}

/** Runs environment/setup.sh in a terminal; whether it succeeded. */
export async function setUp(home = checkout(activeNotebook()?.uri)): Promise<boolean> {
  if (!home) {
    await say('This folder is not PatchKit\'s: there is no environment/setup.sh in it or above it.');
    return false;
  }
  const script = path.join(home, 'environment', 'setup.sh');
  const task = new vscode.Task(
    { type: 'patchkit' }, vscode.TaskScope.Workspace, 'set up', 'PatchKit',
    new vscode.ProcessExecution('bash', [script], { cwd: home }),
  );
  task.presentationOptions = { reveal: vscode.TaskRevealKind.Always, clear: true };
  const started = await vscode.tasks.executeTask(task);
  const code = await new Promise<number | undefined>(resolve => {
    const listener = vscode.tasks.onDidEndTaskProcess(event => {
      if (event.execution !== started) return;
      listener.dispose();
      resolve(event.exitCode);
    });
  });
  if (code === 0) void vscode.window.showInformationMessage('PatchKit is set up: run the cell again.');
  return code === 0;
}

function quoted(word: string): string {
  return /^[\w./:\\-]+$/.test(word) ? word : `"${word}"`;
}

async function say(sentence: string): Promise<void> {
  void vscode.window.showWarningMessage(sentence);
}
