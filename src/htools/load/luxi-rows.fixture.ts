/** Rows of a master daemon's answers about a node and an instance, in the order in which the tools ask. */
type Cell = [status: number, value: unknown];

export const row = (...values: readonly unknown[]): Cell[] => values.map((value) => [0, value]);

export function nodeRow(name: string, offline = false): Cell[] {
  const figures = [32768, 1024, 30000, 100000, 90000, 8, 1];
  const cells = row(name, ...figures, offline, false, true, 1, 'uuid-1', [], false, 0, 0, 1);
  // An offline node has no live figures.
  return offline ? cells.map((cell, i) => (i >= 1 && i <= figures.length ? [4, null] : cell)) : cells;
}

/** A mirrored instance between node1 and node2. */
export function instanceRow(name: string): Cell[] {
  const place = ['node1', ['node2'], ['a:b'], true, 'drbd'];
  return row(name, 10240, 512, 1, 'running', ...place, 1, [10112], [null], false);
}
