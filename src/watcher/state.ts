/**
 * What the watcher of a group remembers between two runs, in Ganeti's file `watcher.<group>.data`: how often an
 * instance was started in vain, and when last; the boot id with which each node was seen.
 *
 *   {"instance": {"web1": {"restart_count": 2, "restart_when": 1760000000.5}}, "node": {"node1": {"bootid": "…"}}}
 *
 * The file is locked while a watcher works, so that two never count at once. It may be removed at any time.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, utimesSync, writeSync } from 'node:fs';
import { lockDescriptor, takeFileLock } from '../kit/file-lock.ts';

/** Seconds after which tries are forgotten (watcher.state.RETRY_EXPIRATION). */
const expiration = 8 * 3600;

interface InstanceRecord {
  restart_count?: number;
  restart_when?: number;
  cleanup_count?: number;
  cleanup_when?: number;
}
interface Data {
  instance: Record<string, InstanceRecord>;
  node: Record<string, { bootid?: string }>;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Anything that isn't such a file counts as an empty one. */
function parse(text: string): Data {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = undefined;
  }
  const part = (name: string) => (isRecord(found) && isRecord(found[name]) ? found[name] : {});
  return { ...(isRecord(found) ? found : {}), instance: part('instance'), node: part('node') } as Data;
}

/** The memory itself: no files, no clock. */
export class Notepad {
  readonly #data: Data;
  readonly #now: () => number;

  /** @param now seconds since the epoch */
  constructor(text: string, now: () => number) {
    this.#data = parse(text);
    this.#now = now;
  }

  restarts(name: string): number {
    return this.#data.instance[name]?.restart_count ?? 0;
  }

  cleanups(name: string): number {
    return this.#data.instance[name]?.cleanup_count ?? 0;
  }

  noteRestart(name: string): void {
    const record = this.#record(name);
    record.restart_when = this.#now();
    record.restart_count = (record.restart_count ?? 0) + 1;
  }

  noteCleanup(name: string): void {
    const record = this.#record(name);
    record.cleanup_when = this.#now();
    record.cleanup_count = (record.cleanup_count ?? 0) + 1;
  }

  /** It is well: nothing is held against it. */
  forget(name: string): void {
    delete this.#data.instance[name];
  }

  /** Forgets instances that there are no longer, and tries of long ago. */
  maintain(names: ReadonlySet<string>): void {
    const earliest = this.#now() - expiration;
    for (const [name, record] of Object.entries(this.#data.instance)) {
      const newest = Math.max(record.restart_when ?? 0, record.cleanup_when ?? 0);
      if (!names.has(name) || newest < earliest) this.forget(name);
    }
  }

  bootId(node: string): string | undefined {
    return this.#data.node[node]?.bootid;
  }

  setBootId(node: string, bootId: string): void {
    this.#data.node[node] = { ...this.#data.node[node], bootid: bootId };
  }

  get text(): string {
    return `${JSON.stringify(this.#data)}\n`;
  }

  #record(name: string): InstanceRecord {
    this.#data.instance[name] ??= {};
    return this.#data.instance[name];
  }
}

/** The file, locked for this process. */
export interface StateFile {
  readonly notepad: Notepad;
  /** Writes what has changed; the date of the file says when a watcher ended well. */
  save(): void;
}

/** @returns undefined when another watcher is at work with it */
export function openState(path: string, now: () => number): StateFile | undefined {
  const lock = takeFileLock(path, 'exclusive');
  if (lock === undefined) return undefined;
  const before = readFileSync(path, 'utf8');
  const notepad = new Notepad(before, now);
  return {
    notepad,
    save() {
      const { text } = notepad;
      if (text === before) {
        utimesSync(path, now(), now());
        return;
      }
      const fresh = `${path}.new`;
      const descriptor = openSync(fresh, 'w', 0o600);
      writeSync(descriptor, text);
      fsyncSync(descriptor);
      // Locked before it has the name: whoever opens that finds it taken until this process ends.
      lockDescriptor(descriptor, 'exclusive');
      renameSync(fresh, path);
      closeSync(lock.descriptor);
    },
  };
}
