import * as vscode from 'vscode';
import { activeNotebook, openTable1, rerun, runAtSmoke, setUp, studentsCopy } from './commands';
import { NotBuilt } from './home';
import { languageHelp } from './language';
import { Session, type SessionEvents } from './session';
import { VariablesView } from './variables';

/** The kernels whose notebooks are ours: csnotebook's own name, and the one that .NET Interactive had. */
const kernelNames = ['csnotebook', '.net-csharp'];

const controllerId = 'csnotebook';

/** What tests look at. */
export interface Api {
  /** The process of a notebook's kernel. */
  processOf(notebook: vscode.Uri): number | undefined;
}

export function activate(context: vscode.ExtensionContext): Api {
  const log = vscode.window.createOutputChannel('PatchKit');
  const problems = vscode.languages.createDiagnosticCollection('csnotebook');
  const controller = vscode.notebooks.createNotebookController(controllerId, 'jupyter-notebook', 'C# (PatchKit)');
  const sessions = new Map<vscode.NotebookDocument, Session>();
  const selected = new WeakSet<vscode.NotebookDocument>();
  const view = new VariablesView(() => sessions.get(activeNotebook()!));

  const events: SessionEvents = {
    log: line => log.appendLine(line),
    changed: session => {
      if (session.notebook === activeNotebook()) view.refresh();
    },
    notBuilt: reason => void offerSetUp(reason),
  };

  function sessionOf(notebook: vscode.NotebookDocument): Session {
    let session = sessions.get(notebook);
    if (!session) sessions.set(notebook, (session = new Session(notebook, controller, problems, events)));
    return session;
  }

  controller.description = 'csnotebook, without Jupyter';
  controller.supportedLanguages = ['csharp'];
  controller.supportsExecutionOrder = true;
  controller.executeHandler = (cells, notebook) => sessionOf(notebook).run(cells);
  controller.interruptHandler = notebook => sessions.get(notebook)?.interrupt();

  const guarded = (work: () => Promise<unknown>) => async () => {
    try {
      await work();
    } catch (error) {
      if (error instanceof NotBuilt) await offerSetUp(error);
      else void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  };

  context.subscriptions.push(
    log, problems, controller,
    controller.onDidChangeSelectedNotebooks(change => {
      if (change.selected) selected.add(change.notebook);
      else {
        selected.delete(change.notebook);
        close(change.notebook);
      }
      tell();
    }),
    vscode.workspace.onDidOpenNotebookDocument(notebook => prefer(notebook)),
    vscode.workspace.onDidCloseNotebookDocument(close),
    vscode.workspace.onDidChangeTextDocument(change => problems.delete(change.document.uri)),
    vscode.window.onDidChangeActiveNotebookEditor(editor => {
      tell();
      if (editor) void select(editor);
    }),
    vscode.window.registerTreeDataProvider('patchkit.variables', view),
    languageHelp(cell => {
      const notebook = vscode.workspace.notebookDocuments.find(each => each.getCells().some(c => c.document === cell));
      return notebook && selected.has(notebook) ? sessionOf(notebook) : undefined;
    }),
    vscode.commands.registerCommand('patchkit.runAtSmoke', guarded(runAtSmoke)),
    vscode.commands.registerCommand('patchkit.rerun', guarded(rerun)),
    vscode.commands.registerCommand('patchkit.studentsCopy', guarded(studentsCopy)),
    vscode.commands.registerCommand('patchkit.openTable1', guarded(openTable1)),
    vscode.commands.registerCommand('patchkit.setUp', guarded(() => setUp())),
    vscode.commands.registerCommand('patchkit.showLog', () => log.show()),
    vscode.commands.registerCommand('patchkit.walkthrough', () => vscode.commands.executeCommand(
      'workbench.action.openWalkthrough', 'patchkit.patchkit-notebooks#table1', false)),
    vscode.commands.registerCommand('patchkit.restart', guarded(async () => {
      const notebook = activeNotebook();
      if (notebook && selected.has(notebook)) await sessionOf(notebook).restart();
      else void vscode.window.showWarningMessage('The notebook in front is not run by C# (PatchKit).');
    })),
    { dispose: () => [...sessions.keys()].forEach(close) },
  );

  vscode.workspace.notebookDocuments.forEach(prefer);
  tell();
  if (vscode.window.activeNotebookEditor) void select(vscode.window.activeNotebookEditor);

  return { processOf: uri => [...sessions.values()].find(s => `${s.notebook.uri}` === `${uri}`)?.processId };

  /** Tells the view of variables whether the notebook in front is ours, and to look again. */
  function tell(): void {
    const notebook = activeNotebook();
    void vscode.commands.executeCommand('setContext', 'patchkit.inFront', !!notebook && selected.has(notebook));
    view.refresh();
  }

  function isOurs(notebook: vscode.NotebookDocument): boolean {
    const metadata = notebook.metadata.metadata ?? notebook.metadata.custom?.metadata;
    return notebook.notebookType === 'jupyter-notebook' && kernelNames.includes(metadata?.kernelspec?.name);
  }

  function prefer(notebook: vscode.NotebookDocument): void {
    const { Preferred, Default } = vscode.NotebookControllerAffinity;
    controller.updateNotebookAffinity(notebook, isOurs(notebook) ? Preferred : Default);
  }

  /** Selects the kernel without a picker, once per notebook, so that another one that the user chooses stays. */
  async function select(editor: vscode.NotebookEditor): Promise<void> {
    const { notebook } = editor;
    const key = `selected:${notebook.uri}`;
    const wanted = vscode.workspace.getConfiguration('patchkit').get<boolean>('selectKernel', true);
    if (!wanted || !isOurs(notebook) || selected.has(notebook) || context.workspaceState.get(key)) return;
    await vscode.commands.executeCommand(
      'notebook.selectKernel', { notebookEditor: editor, id: controllerId, extension: context.extension.id });
    await context.workspaceState.update(key, true);
  }

  function close(notebook: vscode.NotebookDocument): void {
    sessions.get(notebook)?.dispose();
    sessions.delete(notebook);
  }
}

async function offerSetUp(reason: NotBuilt): Promise<void> {
  const button = 'Set up';
  const chosen = await vscode.window.showErrorMessage(reason.message, ...(reason.home ? [button] : []));
  if (chosen === button) await setUp(reason.home);
}
