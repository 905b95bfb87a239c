import * as path from 'node:path';
import * as vscode from 'vscode';
import { csnotebook, NotBuilt } from './home';
import { Kernel, KernelDied } from './kernel';
import type { Message } from './messages';
import { CellOutputs, Displays, failed } from './outputs';
import type { Failure } from './traceback';

/** What a session tells the rest of the extension. */
export interface SessionEvents {
  log(line: string): void;
  /** Cells have ended, or the kernel has: what is live may be another now. */
  changed(session: Session): void;
  /** The kernel is not built. */
  notBuilt(reason: NotBuilt): void;
}

/** A C# variable of the session. */
export interface Variable {
  name: string;
  type: string;
  value: string;
}

interface Waiting {
  cell: vscode.NotebookCell;
  execution: vscode.NotebookCellExecution;
}

/** A notebook and the kernel that runs its cells, one after another. */
export class Session implements vscode.Disposable {
  private kernel?: Kernel;
  private waiting: Waiting[] = [];
  private pumping?: Promise<void>;
  private running?: { cell: vscode.NotebookCell; outputs: CellOutputs; stop: vscode.CancellationTokenSource };
  private readonly displays = new Displays();
  private readonly lastCells = new Map<string, vscode.NotebookCell>();
  private wasRunning?: vscode.NotebookCell;

  constructor(
    readonly notebook: vscode.NotebookDocument,
    private readonly controller: vscode.NotebookController,
    private readonly problems: vscode.DiagnosticCollection,
    private readonly events: SessionEvents,
  ) {}

  /** The name that sentences give the notebook. */
  get name(): string {
    return path.basename(this.notebook.uri.path);
  }

  /** Whether a kernel of this notebook has begun and not ended. */
  get live(): boolean {
    return this.kernel?.alive ?? false;
  }

  /** The kernel's process. */
  get processId(): number | undefined {
    return this.kernel?.id;
  }

  /** Runs cells behind those that wait already; done when all have ended. */
  run(cells: vscode.NotebookCell[]): Promise<void> {
    for (const cell of cells) {
      this.waiting.push({ cell, execution: this.controller.createNotebookCellExecution(cell) });
    }
    this.pumping ??= this.pump().finally(() => (this.pumping = undefined));
    return this.pumping;
  }

  /** Stops the running cell and takes back those that wait. */
  interrupt(): void {
    this.takeBack();
    this.running?.stop.cancel();
    this.kernel?.interrupt();
  }

  /** Ends the kernel and begins another; variables are gone. */
  async restart(): Promise<void> {
    await this.end();
    this.start();
    this.events.changed(this);
  }

  /** Sends a question beside the running cell; undefined where no answer can be had. */
  async ask(type: string, content: object): Promise<any> {
    try {
      return await this.start().ask('control', type, content);
    } catch {
      return undefined;
    }
  }

  /** The variables in scope, once the cell that runs has ended; none where no kernel runs. */
  async variables(): Promise<Variable[]> {
    if (!this.live) return [];
    try {
      const reply = await this.kernel!.ask('shell', 'debug_request', { command: 'inspectVariables', seq: 1 });
      return reply.body?.variables ?? [];
    } catch {
      return [];
    }
  }

  dispose(): void {
    this.end().catch(() => {});
    for (const cell of this.notebook.getCells()) this.problems.delete(cell.document.uri);
  }

  private async end(): Promise<void> {
    this.takeBack();
    this.running?.stop.cancel();
    const kernel = this.kernel;
    this.kernel = undefined;
    this.displays.clear();
    await kernel?.shutDown();
    await this.pumping;
  }

  private start(): Kernel {
    if (this.kernel?.alive) return this.kernel;
    const command = [...csnotebook(this.notebook.uri), 'stdio'];
    const file = this.notebook.uri.scheme === 'file' ? this.notebook.uri.fsPath : undefined;
    const folder = file ? path.dirname(file) : vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? process.cwd();
    const kernel = new Kernel(command, folder, {
      log: line => this.events.log(`${this.name}: ${line}`),
      late: message => this.late(message),
      died: how => this.died(kernel, how),
    });
    this.events.log(`${this.name}: ${command.join(' ')} runs as process ${kernel.id}.`);
    this.kernel = kernel;
    // It warms up after this, so that the first cell finds the compiler loaded.
    kernel.ask('control', 'kernel_info_request', {}).catch(() => {});
    return kernel;
  }

  private takeBack(): void {
    for (const { execution } of this.waiting) execution.end(undefined);
    this.waiting = [];
  }

  private async pump(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      const fine = await this.execute(next.cell, next.execution);
      if (!fine) this.takeBack();
    }
    this.events.changed(this);
  }

  private async execute(cell: vscode.NotebookCell, execution: vscode.NotebookCellExecution): Promise<boolean> {
    const stop = new vscode.CancellationTokenSource();
    const outputs = new CellOutputs(execution, this.displays);
    this.running = { cell, outputs, stop };
    this.problems.delete(cell.document.uri);
    let fine = false;
    execution.start(Date.now());
    execution.clearOutput();
    try {
      const code = cell.document.getText();
      const request = { code, silent: false, store_history: true, allow_stdin: true, stop_on_error: true };
      const reply = await this.start().ask('shell', 'execute_request', request, message => {
        this.lastCells.set(message.parent_header.msg_id!, cell);
        if (message.channel === 'stdin') void this.question(message, stop.token);
        else outputs.take(message.header.msg_type, message.content);
      });
      fine = reply.status === 'ok';
    } catch (error) {
      execution.appendOutput(failed(this.reason(error)));
    }
    if (outputs.failure) this.mark(cell, outputs.failure);
    void this.displays.flush(execution);
    execution.end(fine, Date.now());
    this.running = undefined;
    this.wasRunning = cell;
    stop.dispose();
    return fine;
  }

  private reason(error: unknown): { name: string; message: string; stack: string } {
    if (error instanceof NotBuilt) {
      this.events.notBuilt(error);
      return { name: 'csnotebook is not here', message: error.message, stack: error.message };
    }
    const message = error instanceof KernelDied
      ? `${this.kernel ? error.message : 'The kernel was restarted.'} Variables are gone: run the cells above again.`
      : String(error);
    return { name: 'The kernel is gone', message, stack: message };
  }

  /** Underlines the line that failed; an edit of the cell takes that back. */
  private mark(cell: vscode.NotebookCell, failure: Failure): void {
    if (failure.line === undefined || failure.line > cell.document.lineCount) return;
    if (failure.name === 'KeyboardInterrupt') return;
    const line = cell.document.lineAt(failure.line - 1);
    const column = failure.column === undefined ? line.firstNonWhitespaceCharacterIndex : failure.column - 1;
    const begin = Math.min(column, line.text.length);
    const range = new vscode.Range(line.lineNumber, begin, line.lineNumber, line.text.length);
    const words = failure.name === 'CompilationError' ? failure.message : `${failure.name}: ${failure.message}`;
    const problem = new vscode.Diagnostic(range, words, vscode.DiagnosticSeverity.Error);
    problem.source = 'C#';
    this.problems.set(cell.document.uri, [problem]);
  }

  private async question(message: Message, stop: vscode.CancellationToken): Promise<void> {
    const { prompt, password } = message.content;
    const text = await vscode.window.showInputBox(
      { title: `${this.name} asks`, prompt: prompt || 'A line of input', password, ignoreFocusOut: true }, stop,
    );
    if (!stop.isCancellationRequested) this.kernel?.answer(message, text);
  }

  /** Shows what a cell's background work writes after the cell has ended: in that cell, by an execution of a moment. */
  private late(message: Message): void {
    const type = message.header.msg_type;
    if (this.running && type === 'update_display_data') {
      this.running.outputs.take(type, message.content);
      return;
    }
    const cell = this.lastCells.get(message.parent_header.msg_id ?? '');
    if (!cell || cell.index < 0 || this.running || this.waiting.length > 0) {
      if (type === 'stream') this.events.log(`${this.name}: ${message.content.text.trimEnd()}`);
      return;
    }
    const before = cell.executionSummary;
    const execution = this.controller.createNotebookCellExecution(cell);
    execution.start(before?.timing?.startTime);
    new CellOutputs(execution, this.displays).take(type, message.content);
    void this.displays.flush(execution);
    execution.executionOrder = before?.executionOrder;
    execution.end(before?.success, before?.timing?.endTime);
  }

  private died(kernel: Kernel, how: string): void {
    if (this.kernel !== kernel) return;
    const cell = this.running?.cell ?? this.wasRunning;
    const where = this.running && cell ? ` while cell ${cell.index + 1} ran` : '';
    this.displays.clear();
    this.running?.stop.cancel();
    this.takeBack();
    const sentence = `The kernel of ${this.name} ended ${how}${where}.`;
    this.events.log(sentence);
    // One that never spoke would end in the same way again.
    if (!kernel.spoke) {
      void vscode.window.showErrorMessage(`${sentence} ${kernel.lastWords}`.trim());
      return;
    }
    // Not before the cell that waits for the old one has heard of it.
    setImmediate(() => {
      try {
        this.start();
      } catch (error) {
        this.events.log(String(error));
      }
      this.events.changed(this);
    });
    const log = 'Show the log';
    void vscode.window
      .showErrorMessage(`${sentence} A new one has begun, without its variables: run the cells from the top.`, log)
      .then(chosen => chosen === log && vscode.commands.executeCommand('patchkit.showLog'));
  }
}
