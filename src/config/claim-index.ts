/** Who claims what and who refers to whom, kept in step with the newest accepted commit. */
import { type Configuration, type Objects, type TableName, tableNames } from '../model/configuration.ts';
import type { Table } from '../model/table.ts';
import { clusterOwner, type Facts, factsOf, factsOfCluster, ownerKey } from './claims.ts';

const nobody: readonly string[] = [];

export class ClaimIndex {
  /** One owner as a string, several (a duplicate) as a list: there are as many claims as objects. */
  readonly #owners = new Map<string, string | string[]>();
  readonly #referrers = new Map<string, Set<string>>();

  static of(configuration: Configuration): ClaimIndex {
    const index = new ClaimIndex();
    for (const name of tableNames) {
      const table = configuration[name] as Table<Objects[TableName]>;
      for (const object of table) {
        index.add(ownerKey(name, object.uuid), factsOf(name, object, configuration.cluster));
      }
    }
    index.add(clusterOwner, factsOfCluster(configuration.cluster));
    return index;
  }

  add(owner: string, facts: Facts): void {
    for (const key of facts.claims) {
      const before = this.#owners.get(key);
      if (before === undefined) this.#owners.set(key, owner);
      else this.#owners.set(key, [...(typeof before === 'string' ? [before] : before), owner]);
    }
    for (const target of facts.references) {
      const referrers = this.#referrers.get(target);
      if (referrers === undefined) this.#referrers.set(target, new Set([owner]));
      else referrers.add(owner);
    }
  }

  remove(owner: string, facts: Facts): void {
    for (const key of facts.claims) {
      const before = this.#owners.get(key);
      if (before === owner) this.#owners.delete(key);
      if (before === undefined || typeof before === 'string') continue;
      const place = before.indexOf(owner);
      const rest = place === -1 ? before : before.toSpliced(place, 1);
      this.#owners.set(key, rest.length === 1 ? rest[0]! : rest);
    }
    for (const target of facts.references) {
      const referrers = this.#referrers.get(target);
      referrers?.delete(owner);
      if (referrers?.size === 0) this.#referrers.delete(target);
    }
  }

  has(key: string): boolean {
    return this.#owners.has(key);
  }

  ownersOf(key: string): readonly string[] {
    const owners = this.#owners.get(key);
    return owners === undefined ? nobody : typeof owners === 'string' ? [owners] : owners;
  }

  /** Owners of objects that refer to "table/uuid". */
  referrersOf(target: string): readonly string[] {
    return [...(this.#referrers.get(target) ?? [])];
  }

  /** Claims that several make, with who makes them. */
  *duplicates(): IterableIterator<[string, readonly string[]]> {
    for (const [key, owners] of this.#owners) if (typeof owners !== 'string') yield [key, owners];
  }

  /** Everything that anybody refers to. */
  targets(): IterableIterator<string> {
    return this.#referrers.keys();
  }

  /** Values of all claims that begin with `prefix`, the prefix left out. */
  *valuesOf(prefix: string): IterableIterator<string> {
    for (const key of this.#owners.keys()) if (key.startsWith(prefix)) yield key.slice(prefix.length);
  }
}
