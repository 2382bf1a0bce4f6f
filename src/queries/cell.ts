/**
 * One value of a query result, or why there is none (man page ganeti: "Query results"; constants.RS_*):
 *
 *   value        as asked
 *   unknown      there is no such field
 *   nodata       it could not be found out: the node did not answer, or not in full
 *   unavailable  the object has no such thing: a fourth disk, a gateway that was never set
 *   offline      the node is marked offline and was not asked
 */
export type Cell =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'unknown' | 'nodata' | 'unavailable' | 'offline' };

export const unknown: Cell = { kind: 'unknown' };
export const noData: Cell = { kind: 'nodata' };
export const unavailable: Cell = { kind: 'unavailable' };
export const offline: Cell = { kind: 'offline' };

export function valued(value: unknown): Cell {
  return { kind: 'value', value };
}

/** Unavailable where there is nothing: for things that an object may lack. */
export function ifSet(value: unknown): Cell {
  return value === null || value === undefined ? unavailable : { kind: 'value', value };
}

/** No data where there is nothing: for things that should be there. */
export function ifKnown(value: unknown): Cell {
  return value === null || value === undefined ? noData : { kind: 'value', value };
}

const statuses = { value: 0, unknown: 1, nodata: 2, unavailable: 3, offline: 4 } as const;

/** A cell as it travels: status and value. */
export type WireCell = [status: number, value: unknown];

export function wireCell(cell: Cell): WireCell {
  return cell.kind === 'value' ? [0, cell.value] : [statuses[cell.kind], null];
}
