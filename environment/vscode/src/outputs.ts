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
  private sending = false;
  private execution?: vscode.NotebookCellExecution;

  add(id: string, output: vscode.NotebookCellOutput): void {
    const same = this.outputs.get(id);
    if (same) same.push(output);
    else this.outputs.set(id, [output]);
  }

  /**
   * Replaces what is shown, soon: of updates that follow close on one another the last is shown. The next are not sent
   * before VS Code has taken the last: charts that come faster than it draws would hold up all of it, for minutes.
   */
  update(execution: vscode.NotebookCellExecution, id: string, data: vscode.NotebookCellOutputItem[]): void {
    this.waiting.set(id, data);
    this.execution = execution;
    this.schedule();
  }

  /** Shows the updates that wait, before an execution ends; done when VS Code has taken them. */
  async flush(execution: vscode.NotebookCellExecution): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const updates = [...this.waiting].flatMap(([id, data]) =>
      (this.outputs.get(id) ?? []).map(output => execution.replaceOutputItems(data, output)));
    this.waiting.clear();
    await Promise.allSettled(updates);
  }

  private schedule(): void {
    if (this.sending || this.waiting.size === 0) return;
    this.timer ??= setTimeout(async () => {
      this.sending = true;
      try {
        await this.flush(this.execution!);
      } catch {
        // The cell has ended, and showed its last update as it did.
      }
      this.sending = false;
      this.schedule();
    }, 60);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting.clear();
    this.outputs.clear();
  }
}
