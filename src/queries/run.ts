/**
 * Queries: what is listed, with which fields, of which objects (LUXI Query and QueryFields, OP_QUERY,
 * design-query2). Nodes are asked only for the fields that were asked for, only about the objects that the
 * rest of the filter leaves, and all at once.
 *
 *   objects → filter without live data → ask nodes → filter again → cells
 */
import { ErrorCode, Failure, prerequisiteFailure } from '../kit/failure.ts';
import { compareNicely } from '../kit/nice-sort.ts';
import { resourceNamed } from './catalog.ts';
import { type Cell, unknown, type WireCell, wireCell } from './cell.ts';
import type { QueryContext } from './context.ts';
import type { Field, FieldDefinition, LiveNeed, View } from './field.ts';
import { type CompiledFilter, compileFilter } from './language/evaluate.ts';
import { type Filter, fieldsOf, readFilter, wantedNames } from './language/filter.ts';
import { relationsOf } from './relations.ts';
import type { AnyResource, Row } from './resource.ts';

export interface QueryResult {
  readonly fields: FieldDefinition[];
  readonly data: WireCell[][];
}

type AnyField = Field<unknown, unknown>;

function fieldMap(resource: AnyResource): ReadonlyMap<string, AnyField> {
  const all = [...resource.fields, ...(resource.further ?? [])] as readonly AnyField[];
  return new Map(all.map((field) => [field.name, field]));
}

function unknownField(name: string): AnyField {
  return { name, title: name, kind: 'unknown', doc: `Unknown field '${name}'`, read: () => unknown };
}

function definitionOf({ name, title, kind, doc }: FieldDefinition): FieldDefinition {
  return { name, title, kind, doc };
}

function compiled(filter: Filter | null, fields: ReadonlyMap<string, AnyField>): CompiledFilter<AnyField> {
  return compileFilter(filter, (name) => {
    const field = fields.get(name);
    if (field === undefined) throw new Failure('ParameterError', [`Can't find field named '${name}'`]);
    return { field, match: field.match ?? 'plain' };
  });
}

function readStatic(field: AnyField, item: unknown, view: View): Cell | 'pending' {
  return field.live === undefined ? field.read(item, view) : 'pending';
}

function readWhole(field: AnyField, { item, live }: Row<unknown, unknown>, view: View): Cell {
  return field.live === undefined ? field.read(item, view) : field.read(item, view, live);
}

function needsOf(fields: readonly AnyField[]): ReadonlySet<LiveNeed> {
  return new Set(fields.flatMap((field) => field.live ?? []));
}

async function fetchRows(
  resource: AnyResource,
  context: QueryContext,
  items: readonly unknown[],
  needs: ReadonlySet<LiveNeed>,
): Promise<readonly Row<unknown, unknown>[]> {
  const isLive = resource.fetch !== undefined && needs.size > 0 && items.length > 0;
  return isLive
    ? ((await resource.fetch(context, items, needs)) as readonly Row<unknown, unknown>[])
    : items.map((item) => ({ item, live: undefined }));
}

/**
 * @param filter in its list form, or null for everything
 * @throws Failure GenericError for an unknown resource, ParameterError for a filter by a field that isn't
 *   there or by a value of the wrong kind, QueryFilterParseError, OpPrereqError unknown_entity for a name
 *   that isn't there
 */
export async function runQuery(
  what: string,
  fields: readonly string[],
  filter: unknown,
  context: QueryContext,
): Promise<QueryResult> {
  const resource = resourceNamed(what);
  const known = fieldMap(resource);
  const tree = readFilter(filter);
  const passes = compiled(tree, known);
  const filterFields = fieldsOf(tree);
  const selected = fields.map((name) => known.get(name) ?? unknownField(name));
  const view: View = {
    configuration: context.configuration,
    context,
    relations: relationsOf(context.configuration),
  };

  const wish = {
    names: wantedNames(tree, resource.nameField),
    fields: new Set([...fields, ...filterFields]),
  };
  const items = (await resource.items(context, wish)) as readonly unknown[];
  const left = items.filter((item) => passes((field) => readStatic(field, item, view)) !== false);
  const needs = needsOf([...selected, ...filterFields.map((name) => known.get(name)!)]);
  const rows = await fetchRows(resource, context, left, needs);
  const data = rows
    .filter((row) => passes((field) => readWhole(field, row, view)))
    .map((row) => selected.map((field) => wireCell(readWhole(field, row, view))));
  return { fields: selected.map(definitionOf), data };
}

/**
 * Which fields there are: those named, or all by name.
 * @throws Failure GenericError for an unknown resource
 */
export function queryFields(
  what: string,
  names: readonly string[] = [],
): { readonly fields: FieldDefinition[] } {
  const resource = resourceNamed(what);
  const known = fieldMap(resource);
  const listed = (resource.fields as readonly AnyField[]).map(({ name }) => name);
  const wanted = names.length > 0 ? names : listed.sort(compareNicely);
  return { fields: wanted.map((name) => definitionOf(known.get(name) ?? unknownField(name))) };
}

/**
 * The older calls (QueryInstances, QueryNodes, QueryJobs…): bare values by names or uuids; a name that isn't
 * there is left out.
 * @throws Failure OpPrereqError wrong_input for unknown fields
 */
export async function classicQuery(
  what: string,
  names: readonly (string | number)[],
  fields: readonly string[],
  context: QueryContext,
): Promise<unknown[][]> {
  const resource = resourceNamed(what);
  const filters = [...new Set([resource.nameField, resource.uuidField])]
    .filter((field) => resource.fields.some(({ name }) => name === field))
    .map((field) => ['|', ...names.map((name) => ['==', field, name])]);
  const result = await runQuery(what, fields, names.length === 0 ? null : ['|', ...filters], context);
  const wrong = result.fields.filter(({ kind }) => kind === 'unknown').map(({ name }) => name);
  if (wrong.length > 0) {
    throw prerequisiteFailure(`Unknown output fields selected: ${wrong.join(', ')}`, ErrorCode.invalid);
  }
  return result.data.map((row) => row.map(([, value]) => value));
}

/** @throws Failure OpPrereqError wrong_input: the `lock` argument of the older calls must be false */
export function refuseLocking(lock: boolean): void {
  if (lock) throw prerequisiteFailure('Sync queries are not allowed', ErrorCode.invalid);
}
