/** Handling of config.data before its shape is known: plain JSON values, changed in place. */
import { createHash } from 'node:crypto';

export type Raw = Record<string, unknown>;

export function isRaw(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under `key`, made when it is missing or null. */
export function part(data: Raw, key: string): Raw {
  const value = data[key];
  if (isRaw(value)) return value;
  const made: Raw = {};
  data[key] = made;
  return made;
}

/** The objects of a table. */
export function objectsOf(data: Raw, table: string): Raw[] {
  const value = data[table];
  return isRaw(value) ? Object.values(value).filter(isRaw) : [];
}

export function listOf(data: Raw, key: string): unknown[] {
  const value = data[key];
  return Array.isArray(value) ? value : [];
}

/** Sets what is missing or null; what is there stays. */
export function fill(data: Raw, defaults: Raw): void {
  for (const [key, value] of Object.entries(defaults)) {
    if (data[key] === undefined || data[key] === null) data[key] = structuredClone(value);
  }
}

/** A disk and everything below it. */
export function* withChildren(disk: Raw): IterableIterator<Raw> {
  yield disk;
  for (const child of listOf(disk, 'children').filter(isRaw)) yield* withChildren(child);
}

/** The same uuid for the same seed, so that reading a file twice gives the same configuration. */
export function derivedUuid(seed: string): string {
  const hex = createHash('sha256').update(seed).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
