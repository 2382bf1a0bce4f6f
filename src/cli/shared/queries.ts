/** Queries that give rows of bare values (LUXI's QueryNodes and its kin). */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Session } from '../session.ts';

export type Row = readonly unknown[];

async function rowsOf(session: Session, method: string, args: readonly unknown[]): Promise<Row[]> {
  return (await session.call(method, args)) as Row[];
}

/** All nodes when no names are given. The same holds for the other nouns. */
export async function queryNodes(session: Session, names: readonly string[], fields: readonly string[]) {
  return await rowsOf(session, 'QueryNodes', [names, fields, false]);
}

export async function queryInstances(session: Session, names: readonly string[], fields: readonly string[]) {
  return await rowsOf(session, 'QueryInstances', [names, fields, false]);
}

export async function queryGroups(session: Session, names: readonly string[], fields: readonly string[]) {
  return await rowsOf(session, 'QueryGroups', [names, fields, false]);
}

export async function queryNetworks(session: Session, names: readonly string[], fields: readonly string[]) {
  return await rowsOf(session, 'QueryNetworks', [names, fields, false]);
}

/** Values of the cluster's configuration by name. */
export async function queryConfigValues(session: Session, fields: readonly string[]): Promise<Row> {
  return (await session.call('QueryConfigValues', [fields])) as Row;
}

/**
 * @param kind "Node", "Instance"… for the sentence
 * @param rows with the object's name in their first column
 * @throws Failure OpPrereqError unknown_entity when a name found nothing
 */
export function requireRows(kind: string, names: readonly string[], rows: readonly Row[]): void {
  if (rows.length >= names.length && rows.every(([name]) => name !== null)) return;
  const found = rows.map(([name]) => String(name));
  const isFound = (name: string) => found.some((full) => full === name || full.startsWith(`${name}.`));
  const missing = names.filter((name) => !isFound(name));
  if (missing.length > 0) throw prerequisiteFailure(`${kind} '${missing[0]}' not known`, ErrorCode.unknown);
}
