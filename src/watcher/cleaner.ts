/**
 * ganeti-cleaner: removes what has become old (man page ganeti-cleaner).
 *
 *   node      expired certificates of transfers between clusters; the watcher's files of groups that are gone
 *   master    archived jobs
 *
 * What it does stands in a log file of its own for each run, of which the newest are kept.
 */
import { X509Certificate } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../kit/failure.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';

/** Days that old files are left alone, and how many logs are kept (ganeti-cleaner). */
const keptDays = 21;
const keptLogs = 50;
const dayMs = 86_400_000;

type Say = (text: string) => void;

const isOld = async (path: string, now: number) => (await stat(path)).mtimeMs < now - keptDays * dayMs;

async function remove(path: string, say: Say): Promise<void> {
  await rm(path, { force: true });
  say(`removed '${path}'`);
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function isExpired(path: string, now: number): Promise<boolean> {
  try {
    return Date.parse(new X509Certificate(await readFile(path)).validTo) < now;
  } catch {
    return false;
  }
}

/** A folder a transfer, with certificate and key. */
async function cleanCertificates({ cryptoKeysDir }: Pick<Paths, 'cryptoKeysDir'>, now: number, say: Say) {
  for (const name of await namesIn(cryptoKeysDir)) {
    const folder = join(cryptoKeysDir, name);
    if (!(await isExpired(join(folder, 'cert'), now))) continue;
    for (const file of ['cert', 'key']) await remove(join(folder, file), say);
    await rmdir(folder).catch(() => {});
  }
}

const watcherFile = /^watcher\.[0-9a-f]+(-[0-9a-f]+){3,}\.(data|instance-status)$/;

async function cleanWatcherFiles({ dataDir }: Pick<Paths, 'dataDir'>, now: number, say: Say) {
  for (const name of await namesIn(dataDir)) {
    const path = join(dataDir, name);
    if (watcherFile.test(name) && (await isOld(path, now))) await remove(path, say);
  }
}

/** A folder for each ten thousand jobs. */
async function cleanArchive({ archiveDir }: Pick<Paths, 'archiveDir'>, now: number, say: Say) {
  for (const part of await namesIn(archiveDir)) {
    for (const name of await namesIn(join(archiveDir, part))) {
      const path = join(archiveDir, part, name);
      if (await isOld(path, now)) await remove(path, say);
    }
  }
}

export async function clean(role: 'node' | 'master', paths: Paths, now: number, say: Say): Promise<void> {
  const inCluster = (await namesIn(paths.dataDir)).includes('ssconf_master_node');
  if (role === 'node') {
    await cleanCertificates(paths, now, say);
    if (inCluster) await cleanWatcherFiles(paths, now, say);
  } else if (inCluster) {
    await cleanArchive(paths, now, say);
  }
}

/** Opens this run's log and lets go of the oldest. */
async function openLog(folder: string, now: Date): Promise<Say> {
  mkdirSync(folder, { recursive: true });
  const two = (part: number) => String(part).padStart(2, '0');
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const name = `cleaner-${day}T${two(now.getHours())}_${two(now.getMinutes())}.${process.pid}.log`;
  const say: Say = (text) => appendFileSync(join(folder, name), `${text}\n`);
  say(`Cleaner started at ${now.toString()}`);
  const logs = await namesIn(folder);
  for (const old of logs.slice(0, Math.max(0, logs.length - keptLogs))) await remove(join(folder, old), say);
  return say;
}

async function main(): Promise<number> {
  const [role, ...more] = process.argv.slice(2);
  const usage = `Usage: ${process.env.GANTRY_PROGRAM ?? 'ganeti-cleaner'} node|master\n`;
  if (role === '--help') {
    process.stdout.write(usage);
    return 0;
  }
  if (role === '--help-completion') {
    process.stdout.write('choices=node,master 1 1\n');
    return 0;
  }
  if ((role !== 'node' && role !== 'master') || more.length > 0) {
    process.stderr.write(usage);
    return 1;
  }
  const paths = pathsFor();
  const folder = join(paths.logDir, role === 'node' ? 'cleaner' : 'master-cleaner');
  const say = await openLog(folder, new Date());
  try {
    await clean(role, paths, Date.now(), say);
    return 0;
  } catch (error) {
    say(messageOf(error));
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main();
