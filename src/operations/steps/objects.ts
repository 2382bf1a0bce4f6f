/**
 * Steps that change objects of the configuration in one commit each: a new object, one that goes, fields
 * of one that stays, fields of the cluster. What an undo needs stands in the input.
 */
import * as z from 'zod';
import type { Draft } from '../../config/contract.ts';
import { type Configuration, type Objects, type TableName, tableNames } from '../../model/configuration.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import { step } from '../operation.ts';

type AnyObject = Objects[TableName];

/** Values of some fields, and which of them an object doesn't have at all. */
export const Fields = z.object({ values: z.record(z.string(), z.unknown()), absent: z.array(z.string()) });
export type Fields = z.infer<typeof Fields>;

const Target = { table: z.enum(tableNames), uuid: z.string(), label: z.string() };
export const WholeObject = z.looseObject({ uuid: z.string() });

export function fieldsOf(object: Readonly<Record<string, unknown>>, names: readonly string[]): Fields {
  const absent = names.filter((name) => object[name] === undefined);
  const present = names.filter((name) => object[name] !== undefined);
  return { values: Object.fromEntries(present.map((name) => [name, object[name]])), absent };
}

export function withFields(object: Readonly<Record<string, unknown>>, { values, absent }: Fields): unknown {
  const result: Record<string, unknown> = { ...object, ...values };
  for (const name of absent) delete result[name];
  return result;
}

/** The same text for the same value, whatever the order of keys: the store may have put them in its own. */
export function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

export function has(object: Readonly<Record<string, unknown>>, wanted: Fields): boolean {
  const { values, absent } = wanted;
  return (
    absent.every((name) => object[name] === undefined) &&
    Object.entries(values).every(([name, value]) => canonical(object[name]) === canonical(value))
  );
}

export function objectAt(
  configuration: Configuration,
  table: TableName,
  uuid: string,
): AnyObject | undefined {
  return configuration[table].get(uuid) as AnyObject | undefined;
}

/** Adds an object; undone by taking it out. */
export const addObject = step({
  name: 'add-object',
  input: z.object({ table: z.enum(tableNames), label: z.string(), object: WholeObject }),
  run: async ({ config }, { table, label, object }) => {
    await config.change(`add ${label}`, (draft) => draft.put(table, object as never));
  },
  undo: async ({ config }, { table, label, object }) => {
    if (objectAt(config.current, table, object.uuid) === undefined) return;
    await config.change(`take back ${label}`, (draft) => draft.remove(table, object.uuid));
  },
});

/** Takes an object out; undone by putting it back. */
export const dropObject = step({
  name: 'drop-object',
  input: z.object({ table: z.enum(tableNames), label: z.string(), object: WholeObject }),
  run: async ({ config }, { table, label, object }) => {
    await config.change(`remove ${label}`, (draft) => draft.remove(table, object.uuid));
  },
  undo: async ({ config }, { table, label, object }) => {
    if (objectAt(config.current, table, object.uuid) !== undefined) return;
    await config.change(`put back ${label}`, (draft) => draft.put(table, object as never));
  },
});

function applyFields(draft: Draft, table: TableName, uuid: string, fields: Fields): void {
  const current = objectAt(draft, table, uuid);
  if (current !== undefined) draft.put(table, withFields(current, fields) as never);
}

/** Sets fields of one object; undone by what they were. */
export const setFields = step({
  name: 'set-fields',
  input: z.object({ ...Target, before: Fields, after: Fields }),
  run: async ({ config }, { table, uuid, label, after }) => {
    await config.change(`modify ${label}`, (draft) => applyFields(draft, table, uuid, after));
  },
  undo: async ({ config }, { table, uuid, label, before }) => {
    const current = objectAt(config.current, table, uuid);
    if (current === undefined || has(current, before)) return;
    await config.change(`put back ${label}`, (draft) => applyFields(draft, table, uuid, before));
  },
});

/** The input of `setFields`: `object` as it is now, and what of it shall be different; undefined takes a field away. */
export function fieldChange<K extends TableName>(
  table: K,
  object: Objects[K] & { readonly name?: string | null | undefined },
  change: Partial<Objects[K]>,
): z.infer<typeof setFields.input> {
  const names = Object.keys(change);
  return {
    table,
    uuid: object.uuid,
    label: `${table} ${object.name ?? object.uuid}`,
    before: fieldsOf(object, names),
    after: fieldsOf(change, names),
  };
}

/** Sets fields of the cluster; undone by what they were. */
export const setClusterFields = step({
  name: 'set-cluster-fields',
  input: z.object({ before: Fields, after: Fields }),
  run: async ({ config }, { after }) => {
    await config.change('modify the cluster', (draft) => applyClusterFields(draft, after));
  },
  undo: async ({ config }, { before }) => {
    if (has(config.current.cluster, before)) return;
    await config.change('put back the cluster', (draft) => applyClusterFields(draft, before));
  },
});

function applyClusterFields(draft: Draft, { values, absent }: Fields): void {
  draft.changeCluster({
    ...values,
    ...Object.fromEntries(absent.map((name) => [name, undefined])),
  } as Partial<Cluster>);
}

/** The input of `setClusterFields`. */
export function clusterChange(
  cluster: Cluster,
  change: Partial<Cluster>,
): z.infer<typeof setClusterFields.input> {
  const names = Object.keys(change);
  return { before: fieldsOf(cluster, names), after: fieldsOf(change, names) };
}
