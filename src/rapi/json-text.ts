/**
 * JSON as Ganeti's servers write it: a blank after comma and colon, ASCII only, a line feed at the end. Scripts
 * that cut answers with sed and grep know this form.
 */

function text(value: string): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function write(value: unknown): string {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null)
    return value === undefined ? 'null' : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  const parts: string[] = [];
  for (const [name, item] of Object.entries(value)) parts.push(`${text(name)}: ${write(item)}`);
  return `{${parts.join(', ')}}`;
}

export function jsonText(value: unknown): string {
  return `${write(value)}\n`;
}
