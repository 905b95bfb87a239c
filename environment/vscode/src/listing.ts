/** The rows of one of the tables that `patchkit list` prints, its columns two blanks or more apart. */
export function rows(listing: string, heading: string): string[][] {
  const lines = listing.split('\n');
  const begin = lines.findIndex(line => line.startsWith(heading));
  const first = lines.findIndex((line, i) => i > begin && line.startsWith('─')) + 1;
  const found: string[][] = [];
  for (let i = first; begin >= 0 && i < lines.length && lines[i].trim().length > 0; i++) {
    found.push(lines[i].trim().split(/\s{2,}/));
  }
  return found;
}
