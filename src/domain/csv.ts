/**
 * A line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula (`=`, `+`, `-`, `@`, a tab or a return in
 * front) is led by an apostrophe, so that a name somebody chose runs nothing on an operator's machine.
 */
export function csvLine(cells: readonly (string | number | boolean | null)[]): string {
  return cells.map((cell) => csvCell(cell)).join(',');
}

function csvCell(cell: string | number | boolean | null): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const inert = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}

/** The cells of one line of CSV; quoted cells may hold commas and doubled quotes, but no line ends. */
export function readCsvLine(line: string): string[] {
  const cells: string[] = [];
  for (const [, quoted, bare] of `${line},`.matchAll(/(?:"((?:[^"]|"")*)"|([^",]*)),/g)) {
    cells.push((quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"')).trim());
  }
  return cells;
}
