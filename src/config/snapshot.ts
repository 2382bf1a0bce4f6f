/**
 * Reading config.data, and what must be true before the journal's tail may be replayed on it: the file is
 * the one that the journal's position speaks of, or one of its own copies. A file that another hand has
 * written is taken as it is when the journal has nothing to add, and refused when it has.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as z from 'zod';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { type Configuration, parseConfiguration } from '../model/configuration.ts';
import { type Position, sha256 } from '../noderpc/journal/position.ts';
import { applyCommit, type CommitEntry, commitKind } from './commit.ts';
import type { JournalEngine, JournalEntry } from './journal/engine.ts';
import { jsonFault } from './json-fault.ts';
import { upgradeConfiguration } from './upgrades/upgrade.ts';

export interface ConfigFile {
  readonly sha256: string;
  readonly configuration: Configuration;
  /** The version that the file has, when it is not the one that is written. */
  readonly upgradedFrom: number | undefined;
  /** What could not be taken over, for the log. */
  readonly notes: readonly string[];
}

function copyToRestore(position: Position | undefined, path: string): string {
  const newest = position?.backups[0];
  return newest === undefined
    ? 'There is no copy on this node; fetch the file from a master candidate.'
    : `Restore ${join(dirname(path), newest.file)} in its place: the journal has every commit since.`;
}

function placeOfIssue(bytes: Buffer, issuePath: readonly PropertyKey[]): number {
  let place = 0;
  for (const key of issuePath) {
    const found = bytes.indexOf(`"${String(key)}"`, place);
    if (found === -1) break;
    place = found;
  }
  return place;
}

function understand(bytes: Buffer): Omit<ConfigFile, 'sha256'> {
  const raw: unknown = JSON.parse(bytes.toString('utf8'));
  const { data, from, notes } = upgradeConfiguration(raw);
  return { configuration: parseConfiguration(data), upgradedFrom: from, notes };
}

/**
 * @throws Failure ConfigurationError with the byte at which a damaged file goes wrong and the copy to
 *   restore; ConfigVersionMismatch for a version that can't be read
 */
export async function readConfigFile(path: string, position: Position | undefined): Promise<ConfigFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new Failure(
      'ConfigurationError',
      [`Can't read ${path}: ${messageOf(error)}. ${copyToRestore(position, path)}`],
      { cause: error },
    );
  }
  try {
    return { sha256: sha256(bytes), ...understand(bytes) };
  } catch (error) {
    if (error instanceof Failure && error.errorClass === 'ConfigVersionMismatch') throw error;
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const offset = issue === undefined ? (jsonFault(bytes) ?? 0) : placeOfIssue(bytes, issue.path);
    const what = issue === undefined ? messageOf(error) : `${issue.path.join('.')}: ${issue.message}`;
    throw new Failure(
      'ConfigurationError',
      [`${path} is damaged at byte ${offset}: ${what.slice(0, 300)}. ${copyToRestore(position, path)}`],
      { cause: error },
    );
  }
}

/** The last entry that the file has in it; undefined when it is none of those that the position knows. */
export function foldedNumber(sum: string, position: Position): number | undefined {
  const known = [position.next, position.folded, ...position.backups];
  return known.find((folded) => folded?.sha256 === sum)?.number;
}

export interface Replayed {
  readonly configuration: Configuration;
  /** Entries of others than the store. */
  readonly others: readonly JournalEntry[];
  /** Commits that were applied. */
  readonly commits: number;
}

/** Applies the commits after entry `folded`, and collects what others wrote from entry `keep` on. */
export async function replay(
  engine: JournalEngine,
  snapshot: Configuration,
  folded: number,
  keep: number,
): Promise<Replayed> {
  let configuration = snapshot;
  let commits = 0;
  const others: JournalEntry[] = [];
  for await (const entry of engine.read(Math.max(engine.first, Math.min(keep, folded + 1)))) {
    if (entry.kind !== commitKind) {
      if (entry.number >= keep) others.push(entry);
    } else if (entry.number > folded) {
      configuration = applyCommit(configuration, entry.json);
      commits += 1;
    }
  }
  return { configuration, others, commits };
}

/**
 * For a file that another hand has written: the entry up to which its own commits are void.
 * @throws Failure ConfigurationError when the journal has commits that the file may lack
 */
export async function adoptForeignFile(
  file: ConfigFile,
  engine: JournalEngine,
  position: Position,
  paths: Pick<Paths, 'configFile' | 'journalDir'>,
  log: Log,
): Promise<number> {
  const since = position.folded?.number ?? 0;
  let newest: CommitEntry | undefined;
  for await (const entry of engine.read(Math.max(since + 1, engine.first))) {
    if (entry.kind === commitKind) newest = JSON.parse(entry.json) as CommitEntry;
  }
  if (newest !== undefined && file.configuration.serial_no < newest.serial_no) {
    throw new Failure('ConfigurationError', [
      `${paths.configFile} was changed by another hand, and the journal has commits up to serial ${newest.serial_no}` +
        ` that it (serial ${file.configuration.serial_no}) may lack. ${copyToRestore(position, paths.configFile)}` +
        ` Or move ${paths.journalDir} away to go on with ${basename(paths.configFile)} as it is.`,
    ]);
  }
  log.warning(
    `${paths.configFile} was changed by another hand; it is taken as it is, serial ${file.configuration.serial_no}`,
  );
  return engine.last;
}
