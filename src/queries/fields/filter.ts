/** Rules of the job filter, in the order of their uuids. */
import type { FilterRule } from '../../model/objects/filter-rule.ts';
import { valued } from '../cell.ts';
import { described, type StaticField } from '../field.ts';
import { filterList, readFilter } from '../language/filter.ts';
import { resource } from '../resource.ts';

/** Expressions in today's spelling; one that can't be read stays as it is. */
function respelled(predicate: readonly unknown[]): readonly unknown[] {
  try {
    const [name, expression, ...rest] = predicate;
    return [name, filterList(readFilter(expression)), ...rest];
  } catch {
    return predicate;
  }
}

const fields: StaticField<FilterRule>[] = [
  { ...described('uuid', 'UUID', 'other', 'UUID of the rule'), read: (rule) => valued(rule.uuid) },
  {
    ...described('watermark', 'Watermark', 'other', 'The highest job id when the rule was made'),
    read: (rule) => valued(rule.watermark),
  },
  {
    ...described('priority', 'Priority', 'other', 'Rules are tried from the lowest number on'),
    read: (rule) => valued(rule.priority),
  },
  {
    ...described('predicates', 'Predicates', 'other', 'What must hold for a job to be concerned'),
    read: (rule) => valued(rule.predicates.map(respelled)),
  },
  {
    ...described('action', 'Action', 'other', 'What is done with such a job'),
    read: (rule) => valued(rule.action),
  },
  {
    ...described('reason_trail', 'ReasonTrail', 'other', 'Who made the rule, and why'),
    read: (rule) => valued(rule.reason_trail),
  },
];

export const filters = resource<FilterRule, undefined>({
  name: 'filter',
  nameField: 'uuid',
  uuidField: 'uuid',
  fields,
  items: ({ configuration }) => configuration.filters.values().sort((a, b) => (a.uuid < b.uuid ? -1 : 1)),
});
