/**
 * A commit as an entry of the journal: whole objects that were put, uuids of those that went, and the
 * fields of the cluster that changed. Applying it twice, or again from an earlier entry on, gives the same.
 */
import { Failure, messageOf } from '../kit/failure.ts';
import { type Configuration, type Objects, objectSchemas, type TableName } from '../model/configuration.ts';
import { Cluster } from '../model/objects/cluster.ts';
import type { Table } from '../model/table.ts';
import type { Edited } from './draft.ts';

/** Kind of these entries in the journal. */
export const commitKind = 'configuration';

export interface CommitEntry {
  /** Job or part of the daemon that asked for it. */
  readonly cause: string;
  readonly serial_no: number;
  readonly mtime: number;
  readonly put?: Readonly<Partial<Record<TableName, readonly unknown[]>>>;
  readonly remove?: Readonly<Partial<Record<TableName, readonly string[]>>>;
  /** Fields that are different now, and those that have gone. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly clusterGone?: readonly string[];
}

function changedFields(
  before: Cluster,
  after: Cluster,
): Required<Pick<CommitEntry, 'cluster' | 'clusterGone'>> {
  const fields: Record<string, unknown> = {};
  const gone: string[] = [];
  const was = before as Record<string, unknown>;
  const is = after as Record<string, unknown>;
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (is[name] === undefined) gone.push(name);
    else if (was[name] !== is[name] && JSON.stringify(was[name]) !== JSON.stringify(is[name])) {
      fields[name] = is[name];
    }
  }
  return { cluster: fields, clusterGone: gone };
}

export function commitEntry(cause: string, { before, after, changes }: Edited): CommitEntry {
  const put: Partial<Record<TableName, unknown[]>> = {};
  const remove: Partial<Record<TableName, string[]>> = {};
  for (const change of changes) {
    if (change.after === undefined) {
      remove[change.table] ??= [];
      remove[change.table]!.push(change.uuid);
    } else {
      put[change.table] ??= [];
      put[change.table]!.push(change.after);
    }
  }
  return {
    cause,
    serial_no: after.serial_no,
    mtime: after.mtime,
    ...(Object.keys(put).length > 0 ? { put } : {}),
    ...(Object.keys(remove).length > 0 ? { remove } : {}),
    ...(before.cluster === after.cluster ? {} : changedFields(before.cluster, after.cluster)),
  };
}

function changedCluster(before: Cluster, { cluster, clusterGone = [] }: CommitEntry): Cluster {
  const kept = Object.entries(before).filter(([name]) => !clusterGone.includes(name));
  return Cluster.parse({ ...Object.fromEntries(kept), ...cluster });
}

/**
 * The configuration after the commit.
 * @throws Failure ConfigurationError when the entry doesn't fit
 */
export function applyCommit(configuration: Configuration, json: string): Configuration {
  try {
    const entry = JSON.parse(json) as CommitEntry;
    const tables: Record<string, Table<Objects[TableName]>> = {};
    const current = (name: string) =>
      tables[name] ?? (configuration[name as TableName] as Table<Objects[TableName]>);
    for (const [name, objects] of Object.entries(entry.put ?? {})) {
      for (const object of objects)
        tables[name] = current(name).with(objectSchemas[name as TableName].parse(object));
    }
    for (const [name, uuids] of Object.entries(entry.remove ?? {})) {
      for (const uuid of uuids) tables[name] = current(name).without(uuid);
    }
    const cluster =
      entry.cluster === undefined ? configuration.cluster : changedCluster(configuration.cluster, entry);
    return {
      ...configuration,
      ...(tables as unknown as Partial<Configuration>),
      cluster,
      serial_no: entry.serial_no,
      mtime: entry.mtime,
    };
  } catch (error) {
    throw new Failure('ConfigurationError', [`A commit in the journal doesn't fit: ${messageOf(error)}`], {
      cause: error,
    });
  }
}
