/**
 * What csnotebook says of a failure, as VS Code's notebooks make links of it: they know IPython's
 * "Cell In[3], line 2", want it at the beginning of a line, and lose what follows it there.
 */

/** A failure as a cell's output shows it. */
export interface Failure {
  name: string;
  message: string;
  stack: string;
  /** The 1-based line of the failing cell itself, and the column of a compiler's error, where they are known. */
  line?: number;
  column?: number;
}

const place = /^(.*?)\bIn \[(\d+)\], line (\d+)(?:, column (\d+))?:?(.*)$/;

/** @param execution the number of the cell that failed */
export function describe(name: string, message: string, traceback: string[], execution: number | undefined): Failure {
  const lines: string[] = [];
  let line: number | undefined, column: number | undefined;
  for (const whole of traceback.flatMap(part => part.split('\n'))) {
    const found = place.exec(whole);
    if (!found) {
      lines.push(whole);
      continue;
    }
    const [, before, cell, at, position, after] = found;
    if (line === undefined && Number(cell) === execution) {
      line = Number(at);
      column = position === undefined ? undefined : Number(position);
    }
    const words = [before.replace(/,\s*$/, ''), after.trim()].filter(part => !/^\s*(at)?\s*$/.test(part));
    lines.push(...words, `Cell In[${cell}], line ${at}`);
  }
  return { name, message, stack: lines.join('\n'), line, column };
}
