/**
 * Columns of text (cli.FormatTable): padded to the widest cell, numbers to the right, or joined by a
 * separator for scripts.
 */

export interface Column {
  readonly title: string;
  readonly alignRight: boolean;
}

export interface TableOptions {
  readonly header: boolean;
  /** Between cells, without padding; null for padded columns with a blank between them. */
  readonly separator: string | null;
}

/** One line a row; the last column is not padded unless it is aligned to the right. */
export function formatTable(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  options: TableOptions,
): string[] {
  const { separator, header } = options;
  const all = header ? [columns.map(({ title }) => title), ...rows] : rows;
  if (separator !== null) return all.map((row) => row.join(separator));
  const widths = columns.map((_column, index) =>
    all.reduce((width, row) => Math.max(width, row[index]?.length ?? 0), 0),
  );
  const last = columns.length - 1;
  if (last >= 0 && !columns[last]!.alignRight) widths[last] = 0;
  return all.map((row) =>
    columns
      .map(({ alignRight }, index) => {
        const cell = row[index] ?? '';
        return alignRight ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
      })
      .join(' '),
  );
}
