/**
 * Equal reads that wait at the same time get one answer. Whoever comes while such a read is under way doesn't
 * join it, since it may have looked before a change that the newcomer knows of, but the next one, with everybody
 * else who has come meanwhile.
 */

interface Line<T> {
  running: Promise<T>;
  next: Promise<T> | undefined;
}

export class SharedReads<T> {
  readonly #lines = new Map<string, Line<T>>();

  /** @param key equal for equal reads */
  read(key: string, run: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key);
    if (line === undefined) return this.#start(key, run);
    line.next ??= line.running.then(
      () => this.#start(key, run),
      () => this.#start(key, run),
    );
    return line.next;
  }

  #start(key: string, run: () => Promise<T>): Promise<T> {
    const line: Line<T> = { running: run(), next: undefined };
    this.#lines.set(key, line);
    const end = () => {
      if (this.#lines.get(key) === line && line.next === undefined) this.#lines.delete(key);
    };
    line.running.then(end, end);
    return line.running;
  }
}
