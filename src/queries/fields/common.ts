/** Fields that several kinds of objects have. */
import type { ParameterFamily, ParameterType, ParameterValues } from '../../model/params/family.ts';
import { ifKnown, valued } from '../cell.ts';
import { described, type FieldKind, type StaticField, type View } from '../field.ts';

interface Stored {
  readonly uuid: string;
  readonly serial_no: number;
  readonly ctime: number;
  readonly mtime: number;
}

/** Creation and last change, serial number and uuid. */
export function identityFields<Item extends Stored>(what: string): StaticField<Item>[] {
  return [
    {
      ...described('ctime', 'CTime', 'timestamp', `When the ${what} was made`),
      read: (item) => valued(item.ctime),
    },
    {
      ...described('mtime', 'MTime', 'timestamp', `When the ${what} was last changed`),
      read: (item) => valued(item.mtime),
    },
    {
      ...described('serial_no', 'SerialNo', 'number', `Counts the changes of the ${what}`),
      read: (item) => valued(item.serial_no),
    },
    { ...described('uuid', 'UUID', 'text', `UUID of the ${what}`), read: (item) => valued(item.uuid) },
  ];
}

export function tagsField<Item extends { readonly tags: readonly string[] }>(): StaticField<Item> {
  return { ...described('tags', 'Tags', 'other', 'Tags'), read: (item) => valued(item.tags) };
}

/** Strings of parameters are shown as they are, whatever they hold. */
const kinds: Readonly<Record<ParameterType, FieldKind>> = {
  string: 'other',
  'maybe-string': 'other',
  bool: 'bool',
  size: 'unit',
  int: 'number',
  'maybe-int': 'number',
  float: 'float',
};

/**
 * One field for each parameter of a family: "be/vcpus".
 * @param what "back-end", for the documentation
 */
export function parameterFields<Item>(
  prefix: string,
  what: string,
  family: ParameterFamily,
  values: (item: Item, view: View) => ParameterValues,
  missing: (value: unknown) => ReturnType<StaticField<Item>['read']> = ifKnown,
): StaticField<Item>[] {
  return Object.entries(family).map(([name, { type, title }]) => {
    const full = `${prefix}/${name}`;
    return {
      ...described(full, title ?? full, kinds[type], `The ${what} parameter "${name}"`),
      read: (item, view) => missing(values(item, view)[name]),
    };
  });
}
