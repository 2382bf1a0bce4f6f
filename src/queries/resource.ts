/**
 * Something that can be listed: which objects there are, which fields they have, and how live data comes to
 * them. A resource may have more rows than objects (a node with three exports), so fetching gives rows.
 */
import type { QueryContext } from './context.ts';
import type { Field, LiveNeed } from './field.ts';
import type { FilterValue } from './language/filter.ts';

export interface Row<Item, Live> {
  readonly item: Item;
  readonly live: Live;
}

/** What was asked, for resources that decide by it what to look at. */
export interface Wish {
  /** Names that the filter asks for and nothing else; undefined when it isn't that simple, empty for all. */
  readonly names: readonly FilterValue[] | undefined;
  /** Fields to show or to filter by. */
  readonly fields: ReadonlySet<string>;
}

export interface Resource<Item, Live> {
  readonly name: string;
  /** The field that names stand for. */
  readonly nameField: string;
  /** The field that is unique, where it isn't the name. */
  readonly uuidField: string;
  readonly fields: readonly Field<Item, Live>[];
  /** Fields beyond Ganeti's: known by name, left out of lists of fields. */
  readonly further?: readonly Field<Item, Live>[];
  /**
   * The objects in the order of the result.
   * @throws Failure OpPrereqError unknown_entity for a name that was asked for and isn't there
   */
  readonly items: (context: QueryContext, wish: Wish) => readonly Item[] | Promise<readonly Item[]>;
  /** Live data for the objects that are left; without it nothing is live. */
  readonly fetch?: (
    context: QueryContext,
    items: readonly Item[],
    needs: ReadonlySet<LiveNeed>,
  ) => Promise<readonly Row<Item, Live>[]>;
}

/** Keeps the types of a resource while its fields are written. */
export function resource<Item, Live>(definition: Resource<Item, Live>): Resource<Item, Live> {
  return definition;
}

/** A resource whose types don't matter any more. */
// biome-ignore lint/suspicious/noExplicitAny: the catalog holds resources of many types; each keeps its own.
export type AnyResource = Resource<any, any>;
