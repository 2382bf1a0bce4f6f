/** How instance fields are written down. */
import type { Instance } from '../../../model/objects/instance.ts';
import { type Cell, ifSet, valued } from '../../cell.ts';
import { described, type FieldKind, type StaticField, type View } from '../../field.ts';

export type InstanceField = StaticField<Instance>;
export type Read = (instance: Instance, view: View) => Cell;
type Get = (instance: Instance, view: View) => unknown;

export function field(name: string, title: string, kind: FieldKind, doc: string, read: Read): InstanceField {
  return { ...described(name, title, kind, doc), read };
}

/** A field that always has a value. */
export function plain(name: string, title: string, kind: FieldKind, doc: string, get: Get): InstanceField {
  return field(name, title, kind, doc, (instance, view) => valued(get(instance, view)));
}

const ordinals: readonly string[] = [
  'first',
  'second',
  'third',
  'fourth',
  'fifth',
  'sixth',
  'seventh',
  'eighth',
];

/** "first", …, "eighth", "9th", …: for documentation; counts from 0. */
function ordinal(index: number): string {
  return ordinals[index] ?? `${index + 1}th`;
}

/** A field of one thing out of several: "disk.size/0". `title` is "Disk", `doc` "Size of the %s disk". */
export function indexed(
  prefix: string,
  title: string,
  kind: FieldKind,
  doc: string,
  index: number,
  get: (instance: Instance, view: View, index: number) => unknown,
): InstanceField {
  return field(
    `${prefix}/${index}`,
    `${title}/${index}`,
    kind,
    doc.replace('%s', ordinal(index)),
    (instance, view) => ifSet(get(instance, view, index)),
  );
}
