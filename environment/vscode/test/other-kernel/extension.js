// What Jupyter's extension does with VS Code where csnotebook is installed as a kernel of Jupyter's: it lists the
// kernel under a source of its own, and writes it into a notebook that it is selected for. Ctrl+Enter is of Jupyter's
// keymap, which comes with it.
const vscode = require('vscode');

const kernelspec = { name: 'csnotebook', display_name: 'C# (csnotebook)', language: 'C#' };
const type = 'jupyter-notebook';

exports.activate = context => {
  const controller = vscode.notebooks.createNotebookController('.csnotebook.start', type, kernelspec.display_name);
  controller.description = '/opt/csnotebook/csnotebook';
  controller.supportedLanguages = ['csharp', 'raw'];
  controller.supportsExecutionOrder = true;
  let executionOrder = 100;
  controller.executeHandler = cells => {
    for (const cell of cells) {
      const execution = controller.createNotebookCellExecution(cell);
      execution.executionOrder = ++executionOrder;
      execution.start(Date.now());
      const text = vscode.NotebookCellOutputItem.text('run by the other', 'text/plain');
      void execution.replaceOutput(new vscode.NotebookCellOutput([text])).then(() => execution.end(true, Date.now()));
    }
  };

  context.subscriptions.push(
    controller,
    controller.onDidChangeSelectedNotebooks(async ({ notebook, selected }) => {
      if (!selected) return;
      const metadata = { ...notebook.metadata.metadata, kernelspec, language_info: { name: 'C#' } };
      const edit = new vscode.WorkspaceEdit();
      edit.set(notebook.uri, [vscode.NotebookEdit.updateNotebookMetadata({ ...notebook.metadata, metadata })]);
      await vscode.workspace.applyEdit(edit);
    }),
    vscode.notebooks.registerKernelSourceActionProvider(type, {
      provideNotebookKernelSourceActions: () => [
        { label: 'Jupyter Kernel...', command: 'jupyter.kernel.selectLocalKernelSpec' },
      ],
    }),
    vscode.commands.registerCommand('jupyter.kernel.selectLocalKernelSpec', async () => {
      const { notebook } = vscode.window.activeNotebookEditor;
      const { label, description } = controller;
      if (!await vscode.window.showQuickPick([{ label, description }], { title: 'Select a Jupyter Kernel' })) return;
      controller.updateNotebookAffinity(notebook, vscode.NotebookControllerAffinity.Preferred);
      return controller.id;
    }),
  );
};
