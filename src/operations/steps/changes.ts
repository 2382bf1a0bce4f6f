/**
 * A change of several objects of the configuration in one commit: new ones, ones that go, fields of ones
 * that stay. Plans say what an object shall be; `difference` makes the smallest input of it, so that an
 * undo puts back no more than what was changed.
 */
import * as z from 'zod';
import { type Objects, type TableName, tableNames } from '../../model/configuration.ts';
import { step } from '../operation.ts';
import { canonical, Fields, fieldsOf, has, objectAt, WholeObject, withFields } from './objects.ts';

const table = z.enum(tableNames);

export const ObjectChange = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('add'), table, object: WholeObject }),
  z.object({ kind: z.literal('drop'), table, object: WholeObject }),
  z.object({ kind: z.literal('set'), table, uuid: z.string(), before: Fields, after: Fields }),
]);
export type ObjectChange = z.infer<typeof ObjectChange>;

/** Kept by the store, not by operations. */
const kept = new Set(['uuid', 'serial_no', 'ctime', 'mtime']);

export function addition<K extends TableName>(name: K, object: Objects[K]): ObjectChange {
  return { kind: 'add', table: name, object: object as z.infer<typeof WholeObject> };
}

export function removal<K extends TableName>(name: K, object: Objects[K]): ObjectChange {
  return { kind: 'drop', table: name, object: object as z.infer<typeof WholeObject> };
}

/** From `before` to `after`; nothing when they are the same. */
export function difference<K extends TableName>(
  name: K,
  before: Objects[K],
  after: Objects[K],
): ObjectChange[] {
  const from = before as Readonly<Record<string, unknown>>;
  const to = after as Readonly<Record<string, unknown>>;
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter(
    (key) => !kept.has(key) && canonical(from[key]) !== canonical(to[key]),
  );
  if (names.length === 0) return [];
  const { uuid } = before as { readonly uuid: string };
  return [{ kind: 'set', table: name, uuid, before: fieldsOf(from, names), after: fieldsOf(to, names) }];
}

type Put = (name: TableName, object: unknown) => void;
type Remove = (name: TableName, uuid: string) => void;
interface Writer {
  readonly find: (name: TableName, uuid: string) => Readonly<Record<string, unknown>> | undefined;
  readonly put: Put;
  readonly remove: Remove;
}

function apply(change: ObjectChange, { find, put, remove }: Writer): void {
  if (change.kind === 'add') put(change.table, change.object);
  else if (change.kind === 'drop') remove(change.table, change.object.uuid);
  else {
    const current = find(change.table, change.uuid);
    if (current !== undefined && !has(current, change.after))
      put(change.table, withFields(current, change.after));
  }
}

function takeBack(change: ObjectChange, { find, put, remove }: Writer): void {
  if (change.kind === 'add') {
    if (find(change.table, change.object.uuid) !== undefined) remove(change.table, change.object.uuid);
  } else if (change.kind === 'drop') {
    if (find(change.table, change.object.uuid) === undefined) put(change.table, change.object);
  } else {
    const current = find(change.table, change.uuid);
    // Only what this change has made: one that was taken back before is not to be taken back again.
    if (current !== undefined && has(current, change.after))
      put(change.table, withFields(current, change.before));
  }
}

/** Is there anything of the changes in `find`'s configuration that an undo would take back? */
function isThere(changes: readonly ObjectChange[], find: Writer['find']): boolean {
  let found = false;
  const note = () => {
    found = true;
  };
  for (const change of changes) takeBack(change, { find, put: note, remove: note });
  return found;
}

/** Makes the changes in one commit; undone in one commit. `label` says for whom, in the journal. */
export const changeObjects = step({
  name: 'change-objects',
  input: z.object({ label: z.string(), changes: z.array(ObjectChange) }),
  run: async ({ config }, { label, changes }) => {
    if (changes.length === 0) return;
    await config.change(label, (draft) => {
      const writer: Writer = {
        find: (name, uuid) => objectAt(draft, name, uuid) as never,
        put: (name, object) => draft.put(name, object as never),
        remove: (name, uuid) => draft.remove(name, uuid),
      };
      for (const change of changes) apply(change, writer);
    });
  },
  undo: async ({ config }, { label, changes }) => {
    const backwards = [...changes].reverse();
    if (!isThere(backwards, (name, uuid) => objectAt(config.current, name, uuid) as never)) return;
    await config.change(`take back: ${label}`, (draft) => {
      const writer: Writer = {
        find: (name, uuid) => objectAt(draft, name, uuid) as never,
        put: (name, object) => draft.put(name, object as never),
        remove: (name, uuid) => draft.remove(name, uuid),
      };
      for (const change of backwards) takeBack(change, writer);
    });
  },
});
