/**
 * Values as Python prints them: results of jobs and Ganeti's listings show lists, dictionaries, None and
 * True in that form, and scripts read it.
 */

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let result = quote;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (character === quote || character === '\\') result += `\\${character}`;
    else if (character === '\n') result += '\\n';
    else if (character === '\r') result += '\\r';
    else if (character === '\t') result += '\\t';
    else if (code < 0x20 || code === 0x7f) result += `\\x${code.toString(16).padStart(2, '0')}`;
    else result += character;
  }
  return result + quote;
}

/** Python's repr(): strings in quotes. */
export function pythonRepr(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  return pythonText(value);
}

/** Python's str(): strings as they are, their containers with quotes. */
export function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value);
    return `{${entries.map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`).join(', ')}}`;
  }
  return typeof value === 'number' || typeof value === 'string' ? `${value}` : JSON.stringify(value);
}
