/** Names given on the command line: in full, or without the domain when that is unambiguous. */

export interface Lookup {
  /** Full names. */
  readonly found: readonly string[];
  /** As given: no such name, or several. */
  readonly unknown: readonly string[];
}

export function lookupName(names: readonly string[], wanted: string): string | undefined {
  if (names.includes(wanted)) return wanted;
  const partial = names.filter((name) => name.startsWith(`${wanted}.`));
  return partial.length === 1 ? partial[0] : undefined;
}

export function lookupNames(names: readonly string[], wanted: readonly string[]): Lookup {
  const found: string[] = [];
  const unknown: string[] = [];
  for (const name of wanted) {
    const full = lookupName(names, name);
    if (full === undefined) unknown.push(name);
    else found.push(full);
  }
  return { found, unknown };
}
