/**
 * A node that is joining isn't in the configuration yet, so node calls find it by a key that carries its
 * name and address instead of a uuid.
 */
const prefix = 'joining:';

export function joiningKey(name: string, ip: string): string {
  return `${prefix}${name}@${ip}`;
}

/** Name and address of a joining node's key; undefined for a uuid. */
export function parseJoiningKey(key: string): { readonly name: string; readonly ip: string } | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const at = key.lastIndexOf('@');
  return { name: key.slice(prefix.length, at), ip: key.slice(at + 1) };
}
