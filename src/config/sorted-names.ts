/** Names in nice order, kept sorted as they come and go: sorting ten thousand again for each commit costs. */
import { compareNicely, niceSort } from '../kit/nice-sort.ts';

export class SortedNames {
  readonly #names: string[];

  constructor(names: Iterable<string>) {
    this.#names = niceSort(names);
  }

  get all(): readonly string[] {
    return this.#names;
  }

  /** Where the name stands or would stand. */
  #place(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareNicely(this.#names[middle]!, name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(name: string): void {
    this.#names.splice(this.#place(name), 0, name);
  }

  remove(name: string): void {
    // Different names may be equal in nice order ("a01" and "a1"), so look on from the first of them.
    let place = this.#place(name);
    while (place < this.#names.length && this.#names[place] !== name) place += 1;
    if (place < this.#names.length) this.#names.splice(place, 1);
  }
}
