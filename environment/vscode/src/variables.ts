import * as vscode from 'vscode';
import type { Session, Variable } from './session';

/** The view of the active notebook's variables. VS Code's own variables view is open to its own extensions only. */
export class VariablesView implements vscode.TreeDataProvider<Variable> {
  private readonly changes = new vscode.EventEmitter<void>();

  readonly onDidChangeTreeData = this.changes.event;

  /** @param active the session of the notebook in front */
  constructor(private readonly active: () => Session | undefined) {}

  refresh(): void {
    this.changes.fire();
  }

  getTreeItem(variable: Variable): vscode.TreeItem {
    const item = new vscode.TreeItem(variable.name);
    item.description = variable.value;
    const words = new vscode.MarkdownString();
    words.appendCodeblock(`${variable.type} ${variable.name}`, 'csharp');
    words.appendText(variable.value);
    item.tooltip = words;
    item.iconPath = new vscode.ThemeIcon('symbol-variable');
    return item;
  }

  async getChildren(variable?: Variable): Promise<Variable[]> {
    return variable ? [] : (await this.active()?.variables()) ?? [];
  }
}
