// One CSV record, field by field, as the Python package reads it (`veracity.data.csv_cells`): RFC 4180, and a quote that
// does not begin a field is a character like the rest.

/** Split a record without its newline; null where a field begins with a quote that nothing closes. */
export function splitCells(content: string, separator: string): string[] | null {
  if (!content.includes('"')) return content.includes("\n") ? null : content.split(separator);
  const cells: string[] = [];
  let at = 0;
  for (;;) {
    let end: number;
    if (content[at] === '"') {
      const close = closing(content, at);
      if (close < 0) return null;
      end = close + 1;
      if (end !== content.length && content[end] !== separator) return null;
      cells.push(content.slice(at + 1, close).replaceAll('""', '"'));
    } else {
      end = content.indexOf(separator, at);
      if (end < 0) end = content.length;
      const cell = content.slice(at, end);
      if (cell.includes("\n")) return null;
      cells.push(cell);
    }
    if (end === content.length) return cells;
    at = end + 1;
  }
}

/** The quote that pairs with the one at `opening`, -1 if none does. */
function closing(content: string, opening: number): number {
  let at = content.indexOf('"', opening + 1);
  while (at >= 0 && content[at + 1] === '"') at = content.indexOf('"', at + 2);
  return at;
}
