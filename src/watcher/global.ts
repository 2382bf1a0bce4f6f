/** What a run of the watcher does on each node, and on the master for all groups. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { sleep } from '../kit/clock.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { programPath } from '../kit/programs.ts';
import { isOwnName } from '../kit/resolve.ts';
import type { LuxiClient } from '../luxi/client.ts';
import { ensureDaemon, ensureNodeDaemons, rapiBinding, stopDaemon } from './daemons.ts';
import type { Watch } from './group.ts';
import { runWatcherHooks } from './hooks.ts';
import { maintainNode } from './maintenance.ts';
import { openMaster } from './master.ts';
import { argumentsFor, type WatcherOptions } from './options.ts';
import { rapiAnswers } from './rapi-probe.ts';

/** Milliseconds between the starts of two groups (watcher.CHILD_PROCESS_DELAY). */
const childDelayMs = 1_000;
/** Seconds that the master may take over archiving. */
const archiveSeconds = 60;
const localhost = '127.0.0.1';

/** Master by ssconf; undefined outside of a cluster. */
async function masterName({ dataDir }: Pick<Paths, 'dataDir'>): Promise<string | undefined> {
  const text = await readFile(`${dataDir}/ssconf_master_node`, 'utf8').catch(() => '');
  return text.trim() || undefined;
}

/** The master daemon is started when it doesn't run. */
async function ensureMaster(paths: Paths, log: Log): Promise<LuxiClient> {
  try {
    return await openMaster(paths);
  } catch (error) {
    const isGone = error instanceof Failure && ['NoMasterError', 'TimeoutError'].includes(error.errorClass);
    if (!isGone) throw error;
    log.warning(`The master daemon seems to be down (${messageOf(error)}), trying to restart`);
    if (!(await ensureDaemon('ganeti-masterd', paths, log)))
      throw new Failure('GenericError', ["Can't start the master daemon"]);
    return await openMaster(paths);
  }
}

/** One restart, when it gives no answer. */
async function ensureRapi({ paths, log, options }: Watch): Promise<void> {
  await ensureDaemon('ganeti-rapi', paths, log);
  const address = options.rapiIp ?? (await rapiBinding(paths)) ?? localhost;
  if (await rapiAnswers(address, log)) return;
  log.warning("Couldn't get answer from remote API, restarting daemon");
  await stopDaemon('ganeti-rapi', log);
  await ensureDaemon('ganeti-rapi', paths, log);
  if (!(await rapiAnswers(address, log))) log.error('RAPI is not responding');
}

async function archiveJobs(client: LuxiClient, { jobAge }: WatcherOptions, log: Log): Promise<void> {
  const [archived, left] = (await client.call('AutoArchiveJobs', [jobAge, archiveSeconds])) as [
    number,
    number,
  ];
  log.debug(`Archived ${archived} jobs, left ${left}`);
}

/** A process for each group; `descriptor` is the watchers' common lock, which each of them has. */
async function watchGroups(client: LuxiClient, { log, options }: Watch, descriptor: number): Promise<void> {
  const groups = (await client.call('QueryGroups', [[], ['name', 'uuid'], false])) as [string, string][];
  const ends: Promise<unknown>[] = [];
  for (const [index, [name, uuid]] of groups.entries()) {
    if (index > 0) await sleep(childDelayMs);
    log.debug(`Spawning child for group '${name}' (${uuid}).`);
    const child = spawn(programPath('ganeti-watcher'), argumentsFor(uuid, options), {
      stdio: [
        'ignore',
        options.debug ? 'inherit' : 'ignore',
        options.debug ? 'inherit' : 'ignore',
        descriptor,
      ],
      detached: !options.waitChildren,
    });
    if (options.waitChildren)
      ends.push(
        once(child, 'close').then(([code]) => log.debug(`Child for ${name} exited with ${String(code)}`)),
      );
    else child.unref();
  }
  await Promise.all(ends);
}

export async function watchAll(watch: Watch, descriptor: number): Promise<void> {
  const { paths, log } = watch;
  const master = await masterName(paths);
  if (master === undefined) {
    log.debug('This machine is not part of a cluster');
    return;
  }
  await ensureNodeDaemons(paths, log);
  await runWatcherHooks(paths, log);
  // On a former master too: what still runs there must be found.
  await maintainNode(paths, log);
  if (!isOwnName(master)) return;
  const client = await ensureMaster(paths, log);
  try {
    await ensureRapi(watch);
    await archiveJobs(client, watch.options, log);
    await watchGroups(client, watch, descriptor);
  } finally {
    client.close();
  }
}
