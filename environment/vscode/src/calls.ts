/** Where a cursor stands in a call, for signature help. */
export interface Call {
  /** The code up to and with the call's opening parenthesis, closed at once: inspect it before its last letter. */
  code: string;
  /** The argument that the cursor is in, counted from 0. */
  argument: number;
}

/** The innermost call around a cursor; undefined where there is none. */
export function callAt(code: string, cursor: number): Call | undefined {
  const open: { at: number; commas: number }[] = [];
  for (let at = 0; at < cursor; at++) {
    const letter = code[at];
    const end = '/@$"\''.includes(letter) ? skipped(code, at) : at;
    if (end > at) at = end - 1;
    else if ('([{'.includes(letter)) open.push({ at, commas: 0 });
    else if (')]}'.includes(letter)) open.pop();
    else if (letter === ';') while (open.length > 0 && code[open[open.length - 1].at] !== '{') open.pop();
    else if (letter === ',' && open.length > 0) open[open.length - 1].commas++;
  }
  const inner = open.pop();
  if (inner === undefined || code[inner.at] !== '(') return undefined;
  // Something callable stands before it: a name, or the end of a list of type arguments.
  const before = code.slice(0, inner.at).trimEnd();
  if (!/[\p{L}\p{N}_>]$/u.test(before) || /\b(if|while|for|foreach|switch|using|lock|catch|return)$/.test(before)) {
    return undefined;
  }
  return { code: `${code.slice(0, inner.at + 1)})`, argument: inner.commas };
}

/** The end of the comment, text or character that begins at a position; the position itself where none does. */
function skipped(code: string, at: number): number {
  const rest = code.slice(at);
  const found =
    /^\/\/[^\n]*/.exec(rest) ??
    /^\/\*[^]*?(?:\*\/|$)/.exec(rest) ??
    /^\$*"""[^]*?(?:"""|$)/.exec(rest) ??
    /^(?:\$@|@\$|@)"(?:[^"]|"")*(?:"|$)/.exec(rest) ??
    /^\$?"(?:[^"\\\n]|\\.)*(?:"|(?=\n)|$)/.exec(rest) ??
    /^'(?:[^'\\\n]|\\.)+'/.exec(rest);
  return found ? at + found[0].length : at;
}
