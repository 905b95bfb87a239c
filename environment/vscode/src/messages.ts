/** Jupyter's messages, as `csnotebook stdio` reads and writes them: a line of JSON each. */

export type Channel = 'shell' | 'control' | 'stdin' | 'iopub';

export interface Header {
  msg_id: string;
  msg_type: string;
}

export interface Message {
  channel: Channel;
  header: Header;
  parent_header: Partial<Header>;
  metadata: Record<string, unknown>;
  // Each type of message has a content of its own; those that read it name what they read.
  content: any;
}

/** Cuts a stream of bytes into lines. Only \n ends one: JSON leaves U+2028 and U+2029 as they are. */
export class Lines {
  private rest: Buffer[] = [];

  constructor(private readonly take: (line: string) => void) {}

  add(bytes: Buffer): void {
    let begin = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, begin)) {
      this.rest.push(bytes.subarray(begin, end));
      const line = Buffer.concat(this.rest).toString('utf8');
      this.rest = [];
      begin = end + 1;
      if (line.trim().length > 0) this.take(line);
    }
    if (begin < bytes.length) this.rest.push(bytes.subarray(begin));
  }
}

/** Jupyter counts code points where JavaScript counts UTF-16 units: the code points before a position. */
export function toCodePoints(text: string, position: number): number {
  return [...text.slice(0, position)].length;
}

/** The position in UTF-16 units after so many code points. */
export function fromCodePoints(text: string, count: number): number {
  let at = 0;
  for (; count > 0 && at < text.length; count--) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}
