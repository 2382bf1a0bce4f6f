/**
 * A table of objects by uuid that is never changed in place: putting one object gives a new table that
 * shares nearly everything with the old one (256 buckets, so a change of one object in 10,000 copies
 * about 40 entries). Snapshots handed to queries therefore cost nothing and stay as they were.
 */
import type { Identified } from './objects/common.ts';

const bucketCount = 256;

function bucketOf(uuid: string): number {
  let hash = 0;
  for (let i = 0; i < uuid.length; i += 1) hash = (Math.imul(hash, 31) + uuid.charCodeAt(i)) | 0;
  return hash & (bucketCount - 1);
}

export class Table<T extends Identified> {
  readonly size: number;
  readonly #buckets: readonly (ReadonlyMap<string, T> | undefined)[];
  #names: Map<string, T> | undefined;

  private constructor(buckets: readonly (ReadonlyMap<string, T> | undefined)[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  static of<T extends Identified>(objects: Iterable<T> = []): Table<T> {
    const buckets: (Map<string, T> | undefined)[] = new Array(bucketCount);
    let size = 0;
    for (const object of objects) {
      const index = bucketOf(object.uuid);
      const bucket = buckets[index] ?? new Map<string, T>();
      buckets[index] = bucket;
      if (!bucket.has(object.uuid)) size += 1;
      bucket.set(object.uuid, object);
    }
    return new Table(buckets, size);
  }

  get(uuid: string): T | undefined {
    return this.#buckets[bucketOf(uuid)]?.get(uuid);
  }

  has(uuid: string): boolean {
    return this.get(uuid) !== undefined;
  }

  /** By the object's `name`; the index is built when first asked for. */
  byName(name: string): T | undefined {
    if (this.#names === undefined) {
      this.#names = new Map();
      for (const object of this) {
        const named = (object as { name?: unknown }).name;
        if (typeof named === 'string') this.#names.set(named, object);
      }
    }
    return this.#names.get(name);
  }

  /** A table that holds `object` under its uuid. */
  with(object: T): Table<T> {
    const index = bucketOf(object.uuid);
    const before = this.#buckets[index];
    const bucket = new Map(before);
    bucket.set(object.uuid, object);
    const buckets = this.#buckets.slice();
    buckets[index] = bucket;
    return new Table(buckets, before?.has(object.uuid) ? this.size : this.size + 1);
  }

  /** A table without `uuid`; the same table when it wasn't there. */
  without(uuid: string): Table<T> {
    const index = bucketOf(uuid);
    const before = this.#buckets[index];
    if (before === undefined || !before.has(uuid)) return this;
    const bucket = new Map(before);
    bucket.delete(uuid);
    const buckets = this.#buckets.slice();
    buckets[index] = bucket;
    return new Table(buckets, this.size - 1);
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const bucket of this.#buckets) if (bucket !== undefined) yield* bucket.values();
  }

  values(): T[] {
    return [...this];
  }

  filter(keep: (object: T) => boolean): T[] {
    return this.values().filter(keep);
  }

  find(wanted: (object: T) => boolean): T | undefined {
    for (const object of this) if (wanted(object)) return object;
    return undefined;
  }
}
