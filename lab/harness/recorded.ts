/** Comparing what a command printed with what was recorded: whatever differs from run to run gets a name. */

const rules: readonly (readonly [RegExp, string])[] = [
  [/\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\b/g, '<time>'],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\b/g, '<date>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '<uuid>'],
  [/\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g, '<mac>'],
  [/\b(jobs?:?) \d+(?:, \d+)*\b/gi, '$1 <id>'],
];

/**
 * The text with times, identifiers and job numbers named.
 * @param folder of the virtual cluster, named too
 */
export function recorded(text: string, folder?: string): string {
  const placed = folder === undefined ? text : text.replaceAll(folder, '<folder>');
  return rules.reduce((so, [pattern, name]) => so.replace(pattern, name), placed);
}
