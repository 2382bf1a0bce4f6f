/**
 * How a field of a query is defined: its name, title, kind and documentation, what it reads, and which
 * live data it needs. One entry makes the field appear in lists, `list-fields`, filters, RAPI and manuals.
 */
import type { Cell } from './cell.ts';
import type { QueryContext } from './context.ts';
import type { Match } from './language/evaluate.ts';
import type { Relations } from './relations.ts';

/** How values are shown and sorted (constants.QFT_*). */
export type FieldKind = 'text' | 'bool' | 'number' | 'float' | 'unit' | 'timestamp' | 'other' | 'unknown';

/** A field as clients are told of it. */
export interface FieldDefinition {
  readonly name: string;
  readonly title: string;
  readonly kind: FieldKind;
  readonly doc: string;
}

/** What fields read besides the object itself. */
export interface View {
  readonly configuration: QueryContext['configuration'];
  readonly context: QueryContext;
  readonly relations: Relations;
}

/** What must be fetched for a field; each resource knows what to do for which of them. */
export type LiveNeed =
  | 'hypervisor'
  | 'storage'
  | 'spindles'
  | 'volume-groups'
  | 'boot'
  | 'state'
  | 'console'
  | 'exports'
  | 'job';

interface FieldBase extends FieldDefinition {
  readonly match?: Match;
}

/** A field that the configuration answers. */
export interface StaticField<Item> extends FieldBase {
  readonly live?: undefined;
  readonly read: (item: Item, view: View) => Cell;
}

/** A field that needs something fetched. */
export interface LiveField<Item, Live> extends FieldBase {
  readonly live: readonly LiveNeed[];
  readonly read: (item: Item, view: View, live: Live) => Cell;
}

export type Field<Item, Live> = StaticField<Item> | LiveField<Item, Live>;

/** The four words that every definition begins with. */
export function described(name: string, title: string, kind: FieldKind, doc: string): FieldDefinition {
  return { name, title, kind, doc };
}

/** A field under a second name. */
export function alias<Item, Live>(name: string, field: Field<Item, Live>): Field<Item, Live> {
  return { ...field, name };
}
