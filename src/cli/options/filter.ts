/** Options of gnt-filter. */
import { filterAction, integer, json } from '../optparse/option.ts';

export const rulePriority = integer(['--priority'], 'priority', 'Priority for filter processing', {
  default: 0,
});
export const rulePredicates = json(
  ['--predicates'],
  'predicates',
  'List of predicates in the Ganeti query language, given as a JSON list.',
  { default: [] },
);
export const ruleAction = filterAction(
  ['--action'],
  'action',
  "The effect of the filter. Can be one of 'ACCEPT', 'PAUSE', 'REJECT', 'CONTINUE' and '[RATE_LIMIT, n]', where n is a positive integer.",
  { default: 'CONTINUE' },
);
