/**
 * Follows config.data of this node: read at the start and each time it is replaced, at most four times a second
 * (CONFD_CONFIG_RELOAD_RATELIMIT). Events of the kernel tell of changes; a look every 17 seconds finds what they miss.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { View } from './view.ts';
import { viewOf } from './view.ts';

const rateMs = 250;
/** CONFD_CONFIG_RELOAD_TIMEOUT. */
const lookMs = 17_000;
/** From this version on the file has what the daemon reads, under the names that it knows. */
const firstPlainVersion = 2_160_000;

export interface Reader {
  /** The configuration as it is now, or why there is none. */
  readonly view: View | Error;
  close(): void;
}

async function understand(bytes: Buffer): Promise<View> {
  const raw = JSON.parse(bytes.toString('utf8')) as { readonly version?: unknown };
  if (typeof raw?.version === 'number' && raw.version >= firstPlainVersion) return viewOf(raw);
  // A node that has been taken over from an older Ganeti; the first change writes the file anew.
  const { upgradeConfiguration } = await import('../config/upgrades/upgrade.ts');
  return viewOf(upgradeConfiguration(raw).data);
}

class FileReader implements Reader {
  view: View | Error = new Failure('ConfigurationError', ['Configuration not yet loaded']);
  readonly #path: string;
  readonly #log: Log;
  readonly #look: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #seen = '';
  #turn: Promise<void> = Promise.resolve();
  #waiting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    this.#look = setInterval(() => this.#soon(0), lookMs);
    this.#look.unref();
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
        if (name === null || name === basename(path)) this.#soon(rateMs);
      });
      this.#watcher.on('error', (error) => log.warning(`No more events of ${path}: ${messageOf(error)}`));
    } catch (error) {
      log.warning(
        `No events of ${path}, it is looked at every ${lookMs / 1000} seconds: ${messageOf(error)}`,
      );
    }
  }

  #soon(delayMs: number): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#timer = setTimeout(() => {
      this.#waiting = false;
      void this.load();
    }, delayMs);
    this.#timer.unref();
  }

  load(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#load());
    return this.#turn;
  }

  async #load(): Promise<void> {
    try {
      const { ino, size, mtimeMs } = await stat(this.#path);
      const identity = `${ino}/${size}/${mtimeMs}`;
      if (identity === this.#seen) return;
      const view = await understand(await readFile(this.#path));
      this.#seen = identity;
      this.view = view;
      this.#log.info(`Loaded new config, serial ${view.configuration.serial_no}`);
    } catch (error) {
      this.#seen = '';
      const fault = new Failure('ConfigurationError', [`Failed to load config: ${messageOf(error)}`]);
      if (!(this.view instanceof Error) || this.view.message !== fault.message)
        this.#log.error(fault.message);
      this.view = fault;
    }
  }

  close(): void {
    clearInterval(this.#look);
    clearTimeout(this.#timer);
    this.#watcher?.close();
  }
}

/** Resolves when the file has been read for the first time, or could not be. */
export async function followConfiguration(path: string, log: Log): Promise<Reader> {
  const reader = new FileReader(path, log);
  await reader.load();
  return reader;
}
