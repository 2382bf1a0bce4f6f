/**
 * Opening the store on this node: snapshot and journal tail become the configuration, and the parts that
 * work on it are put together. Only one process at a time has the journal.
 */
import { access, mkdir } from 'node:fs/promises';
import { now as clock } from '../kit/clock.ts';
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import { releaseJournal, takeJournal } from '../noderpc/journal/owner.ts';
import {
  firstPosition,
  type Position,
  positionFile,
  readPosition,
  writePosition,
} from '../noderpc/journal/position.ts';
import { removeLeftovers, writeConfigFile } from './config-file.ts';
import type { ConfigStore } from './contract.ts';
import { Folder, type Snapshot } from './fold.ts';
import type { Journal, JournalEngine, JournalEntry, JournalKeeper } from './journal/engine.ts';
import { openFileEngine } from './journal/file.ts';
import { createMemoryEngine, type MemoryEngine } from './journal/memory.ts';
import { noReplicator, type Replicator } from './replicator.ts';
import { adoptForeignFile, type ConfigFile, foldedNumber, readConfigFile, replay } from './snapshot.ts';
import { type CommitListener, Store } from './store.ts';

export interface OpenOptions {
  readonly paths: Pick<Paths, 'configFile' | 'journalDir'>;
  readonly log: Log;
  /** Seconds since the epoch. */
  readonly now?: () => number;
  /**
   * This node becomes master: a new epoch begins, higher than its own and than `seenEpoch`, the highest
   * that other nodes have told of; or exactly `promised`, when the nodes have given their word for that one.
   * Without it the node goes on as the master that it was.
   */
  readonly promote?: { readonly seenEpoch: number; readonly promised?: number };
  /** Told of each commit that was made, with the milliseconds that its safety took. */
  readonly committed?: (milliseconds: number) => void;
  /** Milliseconds from a commit to its folding, at least. */
  readonly foldDelayMs?: number;
  /** Another engine than files in `journalDir`. */
  readonly openEngine?: (epoch: number, base: number) => Promise<JournalEngine>;
}

export interface OpenStore extends ConfigStore {
  readonly journal: Journal;
  readonly engine: JournalEngine;
  /** What others than the store had written, as found at the start and still needed; until `keepFor`. */
  readonly entries: readonly JournalEntry[];
  /** Everything that is wrong with the configuration; takes time that grows with the cluster. */
  faults(): string[];
  onCommit(listener: CommitListener): void;
  /** Called each time when config.data has been brought up to date. */
  onFolded(listener: () => void): void;
  /** Reads the job queue's files for candidates until there is a keeper. */
  filesFrom(read: JournalKeeper['files']): void;
  /** The job queue: its entries go once it has them elsewhere. Before there is one, none goes. */
  keepFor(keeper: JournalKeeper): void;
  replicateBy(replicator: Replicator): void;
  /** Files of the job queue that changed after an entry, for candidates (JournalKeeper.files). */
  files(since: number | null): Promise<Readonly<Record<string, string | null>>>;
  /** config.data as it is, with the number of the last entry in it. */
  snapshot(): Promise<Snapshot>;
  /** Refuses everything from now on, for this reason. */
  stop(reason: Failure): void;
  /** Writes what was taken, folds, and lets the journal go. */
  close(): Promise<void>;
}

async function beginEpoch(directory: string, promote: OpenOptions['promote']): Promise<Position> {
  const found = await readPosition(directory);
  if (found === undefined) {
    const epoch = (promote?.seenEpoch ?? 0) + 1;
    return { ...firstPosition, epoch, promised: epoch };
  }
  if (found.epoch === 0) {
    throw new Failure('ConfigurationError', [
      `The copy of the configuration in ${directory} is not whole; this node can't be master with it`,
    ]);
  }
  if (promote !== undefined) {
    const seen = Math.max(found.promised, found.epoch, promote.seenEpoch);
    const epoch = promote.promised ?? seen + 1;
    if (epoch < seen || epoch <= found.epoch) {
      throw new Failure('ConfigurationError', [
        `Epoch ${epoch} has passed: there is a master of epoch ${seen}`,
      ]);
    }
    return { ...found, epoch, promised: epoch };
  }
  if (found.promised > found.epoch) {
    throw new Failure('ConfigurationError', [
      `A newer master (epoch ${found.promised}) has taken over from this node (epoch ${found.epoch})`,
      'stale_epoch',
    ]);
  }
  return found;
}

/** The last entry that the file has; whatever is older in the journal is not replayed. */
async function foldedIn(
  file: ConfigFile,
  engine: JournalEngine,
  position: Position,
  { paths, log }: OpenOptions,
): Promise<number> {
  if (position.folded === null && position.next === null) return engine.last;
  const number = foldedNumber(file.sha256, position);
  if (number === undefined) return await adoptForeignFile(file, engine, position, paths, log);
  if (number > engine.last) {
    throw new Failure('ConfigurationError', [
      `${paths.configFile} has commits up to entry ${number}, but the journal ends at ${engine.last}: entries are` +
        ` missing. Fetch ${paths.journalDir} from a master candidate, or move it away to go on with the file as it is`,
    ]);
  }
  if (number + 1 < engine.first) {
    throw new Failure('ConfigurationError', [
      `${paths.configFile} has commits up to entry ${number}, but the journal begins at ${engine.first}: the commits` +
        ` between are gone. Restore a newer copy, or move ${paths.journalDir} away to go on without them`,
    ]);
  }
  return number;
}

async function load(options: OpenOptions, position: Position, engine: JournalEngine) {
  const { paths, log } = options;
  const file = await readConfigFile(paths.configFile, position);
  for (const note of file.notes) log.warning(note);
  const folded = await foldedIn(file, engine, position, options);
  const replayed = await replay(engine, file.configuration, folded, position.keep ?? engine.first);
  log.info(
    `Configuration read: serial ${replayed.configuration.serial_no}, ${replayed.commits} commit(s) of the journal on top`,
  );
  return { file, folded, ...replayed };
}

/**
 * Opens the configuration of this node, as the master.
 * @throws Failure ConfigurationError when config.data or the journal is damaged, in use by another process,
 *   or this node's copy is not whole; ConfigVersionMismatch for a file that is too old or too new
 */
export async function openStore(options: OpenOptions): Promise<OpenStore> {
  const { paths } = options;
  await mkdir(paths.journalDir, { recursive: true, mode: 0o750 });
  await takeJournal(paths.journalDir);
  try {
    return await openOwned(options);
  } catch (error) {
    await releaseJournal(paths.journalDir);
    throw error;
  }
}

async function openOwned(options: OpenOptions): Promise<OpenStore> {
  const { paths, log } = options;
  for (const path of [paths.configFile, positionFile(paths.journalDir)]) await removeLeftovers(path);
  const begun = await beginEpoch(paths.journalDir, options.promote);
  const engine = await (options.openEngine?.(begun.epoch, begun.base) ??
    openFileEngine({ directory: paths.journalDir, epoch: begun.epoch, base: begun.base, log }));
  try {
    const loaded = await load(options, begun, engine);
    const position = { ...begun, folded: { number: loaded.folded, sha256: loaded.file.sha256 }, next: null };
    await writePosition(paths.journalDir, position);
    return assemble(options, engine, position, loaded);
  } catch (error) {
    await engine.close();
    throw error;
  }
}

/**
 * A new master leaves out serial numbers that the old one may have given to commits that only it had:
 * nodes refuse ssconf values of a lower number than they have.
 */
function withRoom(configuration: Configuration, promoted: boolean): Configuration {
  return promoted ? { ...configuration, serial_no: configuration.serial_no + 100 } : configuration;
}

function assemble(
  options: OpenOptions,
  engine: JournalEngine,
  position: Position,
  loaded: Awaited<ReturnType<typeof load>>,
): OpenStore {
  const { paths, log } = options;
  let replicator: Replicator = noReplicator;
  let readFiles: JournalKeeper['files'] | undefined;
  let { others } = loaded;
  const store: Store = new Store({
    engine,
    configuration: withRoom(loaded.configuration, options.promote !== undefined),
    log,
    now: options.now ?? clock,
    published: (by) => folder.touch(by),
    flush: () => folder.flush(),
    ...(options.committed === undefined ? {} : { committed: options.committed }),
  });
  const folder = new Folder({
    paths,
    engine,
    position,
    current: () => store.at,
    wanted: () => replicator.oldestWanted(),
    log,
    ...(options.foldDelayMs === undefined ? {} : { delayMs: options.foldDelayMs }),
  });
  for (const fault of store.faults()) log.warning(`Configuration data is not consistent: ${fault}`);
  if (loaded.file.upgradedFrom !== undefined) folder.keepCopy();
  if (loaded.commits > 0 || loaded.file.upgradedFrom !== undefined) folder.touch('store');
  return {
    get current() {
      return store.current;
    },
    reservations: store.reservations,
    change: (cause, edit) => store.change(cause, edit),
    flush: () => store.flush(),
    journal: store,
    engine,
    get entries() {
      return others;
    },
    faults: () => store.faults(),
    onCommit: (listener) => store.onCommit(listener),
    onFolded: (listener) => folder.onFolded(listener),
    filesFrom(read) {
      readFiles = read;
      replicator.retry();
    },
    keepFor(next) {
      readFiles = (since) => next.files(since);
      others = [];
      folder.keeper = next;
      replicator.retry();
    },
    async files(since) {
      // Without it a candidate would be told that the queue is empty.
      if (readFiles === undefined)
        throw new Failure('ConfigurationError', ['The job queue is not ready yet']);
      return await readFiles(since);
    },
    replicateBy(next) {
      replicator = next;
      store.replicator = next;
    },
    snapshot: () => folder.snapshot(),
    stop: (reason) => store.stop(reason),
    async close() {
      store.stop(new Failure('ConfigurationError', ['The configuration is closed']));
      await engine.close();
      await folder.stop();
      try {
        // A newer master has the configuration; this one's end may be nobody's.
        if (!store.superseded) await folder.flush();
      } finally {
        await releaseJournal(paths.journalDir);
      }
    },
  };
}

/**
 * Lays a new cluster's configuration down: config.data of a node that has none.
 * @throws Failure ConfigurationError when the node has one
 */
export async function createConfigFile(
  paths: Pick<Paths, 'configFile'>,
  configuration: Configuration,
): Promise<void> {
  const exists = await access(paths.configFile).then(
    () => true,
    () => false,
  );
  if (exists) throw new Failure('ConfigurationError', [`${paths.configFile} is there already`]);
  const file = await writeConfigFile(paths.configFile, configuration);
  await file.install();
}

/** A store without a disk, for tests of what stands on the store. */
export function createMemoryStore(
  configuration: Configuration,
  options: { readonly log: Log; readonly now?: () => number },
): ConfigStore & { readonly journal: Journal; readonly engine: MemoryEngine } {
  const engine = createMemoryEngine();
  const store = new Store({ engine, configuration, log: options.log, now: options.now ?? clock });
  return Object.assign(store, { journal: store, engine });
}
