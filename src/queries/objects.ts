/** Objects of the configuration in the order of a result: those named, or all by their names. */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import { compareNicely } from '../kit/nice-sort.ts';
import type { Identified } from '../model/objects/common.ts';
import type { Table } from '../model/table.ts';
import type { Wish } from './resource.ts';

type Named = Identified & { readonly name: string };

/**
 * By uuid, name, or the only name that begins with `wanted` and a dot.
 * @param what "Instance", for the error
 * @throws Failure OpPrereqError unknown_entity
 */
function objectNamed<T extends Named>(what: string, table: Table<T>, wanted: string): T {
  const direct = table.get(wanted) ?? table.byName(wanted);
  if (direct !== undefined) return direct;
  const matches = table.filter((object) => object.name.startsWith(`${wanted}.`));
  if (matches.length === 1) return matches[0]!;
  const reason = matches.length === 0 ? 'not found' : 'has multiple matches';
  throw prerequisiteFailure(`${what} name ${wanted} ${reason}`, ErrorCode.unknown);
}

/** @throws Failure OpPrereqError unknown_entity for a name that isn't there */
export function namedObjects<T extends Named>(what: string, table: Table<T>, wish: Wish): readonly T[] {
  const names = (wish.names ?? []).filter((name) => typeof name === 'string');
  if (names.length > 0) return names.map((name) => objectNamed(what, table, name));
  return table.values().sort((a, b) => compareNicely(a.name, b.name));
}

/** Names in Ganeti's order. */
export function namesOf(objects: Iterable<{ readonly name: string }>): string[] {
  return Array.from(objects, (object) => object.name).sort(compareNicely);
}
