import * as vscode from 'vscode';
import { describe, type Failure } from './traceback';

/** A Jupyter output's representations as VS Code has them, in the kernel's order of preference. */
export function items(data: Record<string, unknown>): vscode.NotebookCellOutputItem[] {
  return Object.entries(data).map(([mime, value]) => {
    if (typeof value !== 'string') return vscode.NotebookCellOutputItem.text(JSON.stringify(value), mime);
    // Jupyter has pictures as base64, VS Code as bytes.
    if (mime.startsWith('image/') && mime !== 'image/svg+xml') {
      return new vscode.NotebookCellOutputItem(Buffer.from(value, 'base64'), mime);
    }
    return vscode.NotebookCellOutputItem.text(value, mime);
  });
}

/** A failure as an output; the link in it leads to the failing line. */
export function failed(failure: Failure, original?: object): vscode.NotebookCellOutput {
  const item = vscode.NotebookCellOutputItem.error(failure);
  return new vscode.NotebookCellOutput([item], { outputType: 'error', originalError: original });
}

/**
 * What one execution of a cell shows. VS Code keeps the metadata given here, by which it writes the notebook as Jupyter
 * does.
 */
export class CellOutputs {
  private last?: { name: string; output: vscode.NotebookCellOutput };
  private clearing = false;

  /** The failure that ended the cell. */
  failure?: Failure;

  /** @param displays the outputs of the notebook by the id under which they can be updated */
  constructor(
    private readonly execution: vscode.NotebookCellExecution,
    private readonly displays: Displays,
  ) {}

  take(type: string, content: any): void {
    switch (type) {
      case 'execute_input':
        this.execution.executionOrder = content.execution_count;
        break;
      case 'stream':
        this.write(content.name, content.text);
        break;
      case 'display_data':
      case 'execute_result':
        this.show(type, content);
        break;
      case 'update_display_data':
        this.displays.update(this.execution, content.transient.display_id, items(content.data));
        break;
      case 'clear_output':
        this.clearing = content.wait;
        if (!content.wait) this.clear();
        break;
      case 'error': {
        this.failure = describe(content.ename, content.evalue, content.traceback, this.execution.executionOrder);
        this.append(failed(this.failure, { output_type: 'error', ...content }));
        break;
      }
    }
  }

  private write(name: string, text: string): void {
    const item = name === 'stderr'
      ? vscode.NotebookCellOutputItem.stderr(text)
      : vscode.NotebookCellOutputItem.stdout(text);
    if (this.last?.name === name && !this.clearing) {
      this.execution.appendOutputItems(item, this.last.output);
      return;
    }
    const output = new vscode.NotebookCellOutput([item], { outputType: 'stream' });
    this.append(output);
    this.last = { name, output };
  }

  private show(type: string, content: any): void {
    const output = new vscode.NotebookCellOutput(items(content.data), {
      outputType: type,
      executionCount: content.execution_count,
      metadata: content.metadata,
      transient: content.transient,
    });
    const id = content.transient?.display_id;
    if (id !== undefined) this.displays.add(id, output);
    this.append(output);
  }

  private append(output: vscode.NotebookCellOutput): void {
    if (this.clearing) this.clear();
    this.last = undefined;
    this.execution.appendOutput(output);
  }

  private clear(): void {
    this.clearing = false;
    this.last = undefined;
    this.execution.clearOutput();
  }
}

/** The outputs of a notebook that have an id, to be updated from any cell. */
export class Displays {
  private readonly outputs = new Map<string, vscode.NotebookCellOutput[]>();
  private readonly waiting = new Map<string, vscode.NotebookCellOutputItem[]>();
  private timer?: NodeJS.Timeout;

  add(id: string, output: vscode.NotebookCellOutput): void {
    const same = this.outputs.get(id);
    if (same) same.push(output);
    else this.outputs.set(id, [output]);
  }

  /** Replaces what is shown, soon: of updates that follow close on one another the last is shown. */
  update(execution: vscode.NotebookCellExecution, id: string, data: vscode.NotebookCellOutputItem[]): void {
    this.waiting.set(id, data);
    this.timer ??= setTimeout(() => this.flush(execution), 60);
  }

  /** Shows the updates that wait, before an execution ends. */
  flush(execution: vscode.NotebookCellExecution): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [id, data] of this.waiting) {
      for (const output of this.outputs.get(id) ?? []) execution.replaceOutputItems(data, output);
    }
    this.waiting.clear();
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.clear();
    this.outputs.clear();
  }
}
