import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type Channel, Lines, type Message } from './messages';

/** A kernel's end that nobody asked for. */
export class KernelDied extends Error {
  /** @param how in words: by which signal, or with which exit code */
  constructor(readonly how: string) {
    super(`The kernel ended ${how}.`);
  }
}

/** What a request is answered by, and what it shows on the way. */
interface Request {
  shown?: (message: Message) => void;
  reply?: any;
  resolve: (reply: any) => void;
  reject: (error: Error) => void;
}

export interface KernelEvents {
  /** A line that the process wrote to standard error, or that is no message. */
  log(line: string): void;
  /** What is shown on behalf of a request that has been answered: a cell's background work. */
  late(message: Message): void;
  /** The process ended though nobody asked. */
  died(how: string): void;
}

/** How long a kernel may take over its farewell before it is ended. */
const farewell = 4000;

/** A process of `csnotebook stdio`, and the requests that it answers. Knows nothing of VS Code. */
export class Kernel {
  private readonly session = randomUUID();
  private readonly requests = new Map<string, Request>();
  private readonly process: ChildProcess;
  private end: Promise<void>;
  private leaving = false;
  private over?: string;

  /** Whether it has said anything yet: one that ends before that would do so again. */
  spoke = false;

  /** The last line of standard error. */
  lastWords = '';

  /**
   * @param command the program and its arguments
   * @param folder where cells find their files: the notebook's folder
   */
  constructor(command: string[], folder: string, private readonly events: KernelEvents) {
    // VS Code's own settings of Node.js are none of a cell's business.
    const { ELECTRON_RUN_AS_NODE: _, NODE_OPTIONS: __, ...env } = process.env;
    const child = (this.process = spawn(command[0], command.slice(1), { cwd: folder, env, windowsHide: true }));
    const messages = new Lines(line => this.take(line));
    const words = new Lines(line => {
      this.lastWords = line;
      events.log(line);
    });
    child.stdout!.on('data', bytes => messages.add(bytes));
    child.stderr!.on('data', bytes => words.add(bytes));
    // The end is told by 'close'; a pipe that breaks before it says nothing new.
    child.stdin!.on('error', () => {});
    this.end = new Promise(resolve => {
      child.on('error', error => this.ended(`before it began: ${error.message}`, resolve));
      child.on('close', (code, signal) => this.ended(signal ? `by ${signal}` : `with exit code ${code}`, resolve));
    });
  }

  /** Whether it takes requests. */
  get alive(): boolean {
    return this.over === undefined && !this.leaving;
  }

  /** The process. */
  get id(): number | undefined {
    return this.process.pid;
  }

  /**
   * Sends a request. The promise has the reply's content, once all that the request shows has come.
   * @param shown takes what is published for the request on the way, and questions to the user
   */
  ask(channel: 'shell' | 'control', type: string, content: object, shown?: (message: Message) => void): Promise<any> {
    return new Promise((resolve, reject) => {
      if (this.over !== undefined) {
        reject(new KernelDied(this.over));
        return;
      }
      const id = randomUUID();
      this.requests.set(id, { shown, resolve, reject });
      this.send(channel, type, content, id);
    });
  }

  /** Answers a question to the user; undefined ends the input. */
  answer(question: Message, text: string | undefined): void {
    this.send('stdin', 'input_reply', { value: text ?? '\x04' }, randomUUID(), question.header);
  }

  /** Asks the running cell to stop; it is answered at once, though the cell may take a moment to save. */
  interrupt(): void {
    if (this.alive) this.ask('control', 'interrupt_request', {}).catch(() => {});
  }

  /** Ends it, by force where it does not go. */
  async shutDown(): Promise<void> {
    if (this.alive) {
      this.leaving = true;
      this.send('control', 'shutdown_request', { restart: false }, randomUUID());
      this.process.stdin!.end();
    }
    const late = setTimeout(() => this.process.kill('SIGKILL'), farewell);
    await this.end;
    clearTimeout(late);
  }

  private send(channel: Channel, type: string, content: object, id: string, parent: object = {}): void {
    const header = { msg_id: id, msg_type: type, session: this.session, username: 'vscode', version: '5.3' };
    const message = { channel, header, parent_header: parent, metadata: {}, content };
    this.process.stdin!.write(`${JSON.stringify(message)}\n`);
  }

  private take(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line);
      if (!message.header?.msg_type) throw new SyntaxError('no message');
    } catch {
      this.events.log(line);
      return;
    }
    this.spoke = true;
    const id = message.parent_header.msg_id;
    const request = id === undefined ? undefined : this.requests.get(id);
    const type = message.header.msg_type;
    if (message.channel === 'shell' || message.channel === 'control') {
      if (request) request.reply = message.content;
    } else if (type === 'status') {
      if (request && message.content.execution_state === 'idle') {
        this.requests.delete(id!);
        request.resolve(request.reply ?? {});
      }
    } else if (request) {
      request.shown?.(message);
    } else {
      this.events.late(message);
    }
  }

  private ended(how: string, resolve: () => void): void {
    if (this.over === undefined) {
      this.over = how;
      for (const request of this.requests.values()) request.reject(new KernelDied(how));
      this.requests.clear();
      if (!this.leaving) this.events.died(how);
    }
    resolve();
  }
}
