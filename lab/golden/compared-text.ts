/** What stays of a text when everything is taken away that no two clusters have in common. */
import { recorded } from '../harness/recorded.ts';

const rules: readonly (readonly [RegExp, string | ((match: string) => string)])[] = [
  // Columns are as wide as what is in them.
  [/ {2,}/g, ' '],
  [/ +$/gm, ''],
  [/\bJob ID: \d+/g, 'Job ID: <id>'],
  // What the machine under the nodes has.
  [/^(node\d\.gnt\.test) .*\d[MGT]( .*)?$/gm, (line) => line.replace(/\b[\d.]+[MGT]\b/g, '<size>')],
];

/** Fields are described in words of our own: their names and kinds are compared. */
const fieldList = / list-fields\b/;

export function comparedText(command: string, text: string): string {
  const named = rules.reduce((so, [pattern, name]) => so.replace(pattern, name as string), recorded(text));
  return fieldList.test(command) ? named.replace(/^(\S+ (?:Storage size|\S+)) .*$/gm, '$1') : named;
}
