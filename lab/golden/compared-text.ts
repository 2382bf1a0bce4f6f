/** What stays of a text when everything is taken away that no two clusters have in common. */
import { recorded } from '../harness/recorded.ts';

/** Python's sets have no order. */
const sortedChoices = (match: string) => match.replaceAll(/[()]/g, '').split(/, | /).sort().join(' ');

/** Nodes that were refused stand in the order of their identifiers, which each cluster draws anew. */
const sortedRefusals = (match: string) =>
  match
    .match(/Node \S+ failed: \w+;/g)!
    .sort()
    .join(' ');

const rules: readonly (readonly [RegExp, string | ((match: string) => string)])[] = [
  // Columns are as wide as what is in them.
  [/ {2,}/g, ' '],
  [/ +$/gm, ''],
  // A command that Ganeti has not, in the list of those that it has.
  [/^ repair - Removes volumes.*\n .*nobody's\n/m, ''],
  [/\bJob ID: \d+/g, 'Job ID: <id>'],
  [/\(choose from .*\)$/gm, sortedChoices],
  [/(Node \S+ failed: \w+; ?)+/g, sortedRefusals],
  [/\b(Serial number|[Ss]erial_no): \d+/g, '$1: <serial>'],
  // What the machine under the nodes has.
  [/^(node\d\.gnt\.test) .*\d[MGT]( .*)?$/gm, (line) => line.replace(/\b[\d.]+[MGT]\b/g, '<size>')],
];

/** Fields are described in words of our own: their names and kinds are compared. */
const fieldList = / list-fields\b/;

/** These list the instances in the order of their identifiers, or policies in the order of a set. */
const unordered = / info\b/;

export function comparedText(command: string, text: string): string {
  const named = rules.reduce((so, [pattern, name]) => so.replace(pattern, name as string), recorded(text));
  if (fieldList.test(command)) return named.replace(/^(\S+ (?:Storage size|\S+)) .*$/gm, '$1');
  return unordered.test(command) ? named.split('\n').sort().join('\n') : named;
}
