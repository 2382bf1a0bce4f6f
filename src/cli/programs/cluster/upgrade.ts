/**
 * gnt-cluster upgrade: another version of the programs, and of the configuration, on all nodes at once.
 *
 *   check → drain the queue → pause the watcher → stop the daemons → back up
 *   → configuration and links to the other version → start → distribute → undrain → verify
 *
 * What was done is undone in reverse as long as the configuration is the old one; from then on everything is pushed
 * through. `intent-to-upgrade` in the data folder says that one is under way, so that --resume finishes it. While the
 * daemons are down the nodes are reached over SSH, and known from ssconf.
 */
import { readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { writeFileAtomic } from '../../../kit/atomic-file.ts';
import { sleep } from '../../../kit/clock.ts';
import { releaseVersion } from '../../../model/release.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import type { QueryAnswer } from '../../output/query-table.ts';
import { readSsconf, type Session } from '../../session.ts';
import { runRemotely } from '../../shared/remote.ts';
import {
  configurationVersionOf,
  folderOf,
  formatIntent,
  type Intent,
  isConfigurationChanged,
  needsDowngrade,
  parseIntent,
  parseVersion,
  upgradeFault,
  type Version,
} from './upgrade-range.ts';

/** Seconds (constants.UPGRADE_QUEUE_DRAIN_TIMEOUT and _POLL_INTERVAL). */
const drainTimeout = 36 * 60 * 60;
const pollInterval = 10;
const pauseSeconds = 60 * 60;

/** Names that don't change with the version; a virtual node has them below its root, which its shell knows. */
const root = '"$GANETI_ROOTDIR"';
const library = `${root}/usr/lib/ganeti`;
const share = `${root}/usr/share/ganeti`;
const tools = {
  daemonUtil: `${library}/daemon-util`,
  ensureDirs: `${library}/ensure-dirs`,
  cfgupgrade: `${library}/tools/cfgupgrade`,
  postUpgrade: `${library}/tools/post-upgrade`,
};

interface Upgrade {
  readonly session: Session;
  /** As the user wrote it. */
  readonly to: string;
  readonly target: Version;
  readonly from: string;
  readonly current: Version;
  /** What takes back the steps so far, newest first. */
  readonly rollback: (() => Promise<unknown>)[];
}

const intentFile = ({ paths }: Session) => `${paths.dataDir}/intent-to-upgrade`;

function readIntent(session: Session): Intent | undefined {
  try {
    return parseIntent(readFileSync(intentFile(session), 'utf8'));
  } catch {
    return undefined;
  }
}

const linesOf = (session: Session, key: string) =>
  (readSsconf(session.paths, key) ?? '').split('\n').filter((line) => line !== '');

/** Does this machine's list name every node of the cluster? It does, unless the node daemon here did not take it. */
async function knowsEveryNode(session: Session): Promise<boolean> {
  const names = (await session.call('QueryNodes', [[], ['name'], false])) as [string][];
  return JSON.stringify(linesOf(session, 'node_list').sort()) === JSON.stringify(names.flat().sort());
}

/** Runs a shell command on every node that is online, the master last. @returns where it failed */
async function everywhere(session: Session, shell: string): Promise<string[]> {
  const offline = new Set(linesOf(session, 'offline_nodes'));
  const master = readSsconf(session.paths, 'master_node');
  const others = linesOf(session, 'node_list').filter((node) => node !== master && !offline.has(node));
  const clusterName = readSsconf(session.paths, 'cluster_name') ?? '';
  const failsOn = async (host: string) =>
    (await runRemotely(session, { clusterName, host, port: null }, shell)).code !== 0;
  const outcomes = await Promise.all(others.map(failsOn));
  const failed = others.filter((_, index) => outcomes[index]);
  if (master !== undefined && (await failsOn(master))) failed.push(master);
  return failed;
}

/** Here on the master; what it said is shown when it failed. */
async function here(session: Session, ...argv: string[]): Promise<boolean> {
  const result = await session.run(argv);
  if (result.code === 0) return true;
  session.warn(
    `Command ${argv.join(' ')} failed: exited with exit code ${result.code}; Output ${result.stdout}${result.stderr}`,
  );
  return false;
}

const hereByShell = (session: Session, shell: string) => here(session, 'sh', '-c', shell);

/** Links of /etc/ganeti point to the version, whose own programs then look after the folders. */
function switchTo(session: Session, folder: string): Promise<string[]> {
  const link = (target: string, name: string) => `ln -s -f -T ${target}/${folder} ${root}/etc/ganeti/${name}`;
  return everywhere(session, `${link(library, 'lib')} && ${link(share, 'share')} && ${tools.ensureDirs}`);
}

async function drain(session: Session): Promise<boolean> {
  for (let waited = 0; ; waited += pollInterval) {
    const filter = ['==', 'status', 'running'];
    const running = (await session.call('Query', ['job', ['id'], filter])) as QueryAnswer;
    if (running.data.length === 0) return true;
    if (waited >= drainTimeout) return false;
    await sleep(pollInterval * 1000);
  }
}

async function backUp(session: Session): Promise<boolean> {
  const { paths } = session;
  const folder = `${paths.root}/var/lib`;
  const archive = `${folder}/ganeti${Math.floor(Date.now() / 1000)}.tar`;
  session.print(`Backing up configuration as ${archive}`);
  await mkdir(folder, { recursive: true });
  // It holds secrets: nobody else may read it, not even while it grows.
  return await here(
    session,
    'sh',
    '-c',
    'umask 077 && tar -cf "$1" --exclude=queue/archive "$2" && mv "$1" "$3"',
    'backup',
    `${archive}.new`,
    paths.dataDir,
    archive,
  );
}

/** Everything up to the change of the configuration. */
async function prepare({ session, to, target, from, rollback }: Upgrade): Promise<boolean> {
  session.print(`Verifying ${to} present on all nodes`);
  if (!(await knowsEveryNode(session))) {
    session.warn("The list of nodes on this machine is not the cluster's: run gnt-cluster redist-conf first");
    return false;
  }
  const without = await everywhere(session, `test -d ${library}/${folderOf(target)}`);
  if (without.length > 0) {
    session.warn(`Ganeti version ${to} not installed on nodes ${without.join(', ')}`);
    return false;
  }
  await writeFileAtomic(intentFile(session), formatIntent({ from, to }, process.pid), { mode: 0o600 });
  rollback.unshift(async () => rmSync(intentFile(session), { force: true }));
  session.print('Draining queue');
  await session.call('SetDrainFlag', [true]);
  rollback.unshift(() => session.call('SetDrainFlag', [false]));
  if (!(await drain(session))) {
    session.warn('Failed to completely empty the queue.');
    return false;
  }
  session.print('Pausing the watcher for one hour.');
  rollback.unshift(() => session.call('SetWatcherPause', [null]));
  await session.call('SetWatcherPause', [Date.now() / 1000 + pauseSeconds]);
  session.close();
  session.print('Stopping daemons on master node.');
  rollback.unshift(() => everywhere(session, `${tools.daemonUtil} start-all`));
  if (!(await hereByShell(session, `${tools.daemonUtil} stop-all`))) return false;
  session.print('Stopping daemons everywhere.');
  const running = await everywhere(session, `${tools.daemonUtil} stop-all`);
  if (running.length > 0) {
    session.warn(`Failed to stop daemons on ${running.join(', ')}.`);
    return false;
  }
  return await backUp(session);
}

async function change({ session, to, target, current, rollback }: Upgrade): Promise<boolean> {
  const isDown = needsDowngrade(target, current);
  if (isDown) {
    session.print('Downgrading configuration');
    if (!(await hereByShell(session, `${tools.cfgupgrade} --downgrade -f`))) return false;
    session.print('Performing version-specific downgrade tasks.');
  }
  session.print(`Switching to version ${to} on all nodes`);
  rollback.unshift(() => switchTo(session, folderOf(current)));
  const left = await switchTo(session, folderOf(target));
  if (left.length > 0) {
    session.warn(`Failed to switch to Ganeti version ${to} on nodes ${left.join(', ')}`);
    if (!isDown) return false;
  }
  if (isDown) return true;
  session.print('Upgrading configuration');
  return await hereByShell(session, `${tools.cfgupgrade} -f`);
}

/** The other version runs now: it is spoken to by its commands alone. All is tried, whatever fails. */
async function finish({ session, from }: Upgrade): Promise<number> {
  let code: number = ExitCode.success;
  const must = (isDone: boolean) => {
    if (!isDone) code = ExitCode.failure;
  };
  const start = async (shell: string) => {
    const failed = await everywhere(session, shell);
    if (failed.length > 0) session.warn(`Warning: failed to start daemons on ${failed.join(', ')}.`);
    must(failed.length === 0);
  };
  session.print('Starting daemons everywhere.');
  await start(`${tools.daemonUtil} start-all`);
  session.print('Redistributing the configuration.');
  must(await here(session, 'gnt-cluster', 'redist-conf', '--yes-do-it'));
  session.print('Restarting daemons everywhere.');
  await start(`${tools.daemonUtil} stop-all && ${tools.daemonUtil} start-all`);
  session.print('Undraining the queue.');
  must(await here(session, 'gnt-cluster', 'queue', 'undrain'));
  rmSync(intentFile(session), { force: true });
  session.print('Running post-upgrade hooks');
  must(await here(session, 'sh', '-c', `${tools.postUpgrade} "$1"`, 'post-upgrade', from));
  session.print('Unpausing the watcher.');
  must(await here(session, 'gnt-cluster', 'watcher', 'continue'));
  session.print('Verifying cluster.');
  must(await here(session, 'gnt-cluster', 'verify'));
  return code;
}

async function takeBack({ session, rollback }: Upgrade): Promise<void> {
  for (const undo of rollback) {
    try {
      await undo();
    } catch (error) {
      session.warn(`Could not take back a step: ${(error as Error).message}`);
    }
  }
}

async function run(upgrade: Upgrade, isChanged: boolean): Promise<number> {
  const { session } = upgrade;
  if (!isChanged && !(await prepare(upgrade))) {
    await takeBack(upgrade);
    return ExitCode.failure;
  }
  if (!(await change(upgrade))) {
    await takeBack(upgrade);
    return ExitCode.failure;
  }
  session.close();
  return await finish(upgrade);
}

/** What is to be done, or the exit code when nothing can be. */
function wanted(
  session: Session,
  to: string,
  from: string,
  isResumed: boolean,
): { readonly upgrade: Upgrade; readonly isChanged: boolean } | number {
  const target = parseVersion(to);
  if (target === undefined) {
    session.warn(`Could not parse version string ${to}`);
    return ExitCode.failure;
  }
  const running = parseVersion(releaseVersion)!;
  const fault = upgradeFault(target, running);
  if (fault !== undefined) {
    session.warn(`Cannot upgrade to ${to}: ${fault}`);
    return ExitCode.failure;
  }
  const upgrade = { session, to, target, from, current: running, rollback: [] };
  if (!isResumed) return { upgrade, isChanged: false };
  const { version } = JSON.parse(readFileSync(session.paths.configFile, 'utf8')) as { version: number };
  return {
    upgrade,
    isChanged: isConfigurationChanged(target, configurationVersionOf(version), running),
  };
}

export const upgrade = command({
  arguments: [],
  options: [o.upgradeTo, o.resume],
  usage: '',
  description: 'Upgrade (or downgrade) to a new Ganeti version',
  run: async (session, options) => {
    if (options.resume === (options.to !== null)) {
      session.warn('Precisely one of the options --to and --resume has to be given');
      return ExitCode.failure;
    }
    const begun = readIntent(session);
    if (options.resume && begun === undefined) return ExitCode.success;
    if (begun !== undefined && !options.resume) {
      if (begun.to !== options.to) {
        session.warn(
          `An upgrade from ${begun.from} to ${begun.to} is in progress; use --resume to finish it first`,
        );
        return ExitCode.failure;
      }
      session.warn('An upgrade is already in progress. Target version matches, resuming.');
    }
    const isResumed = begun !== undefined;
    const plan = wanted(session, begun?.to ?? options.to!, begun?.from ?? releaseVersion, isResumed);
    if (typeof plan === 'number') return plan;
    // Some daemons may be down since it was interrupted: only with all of them up is the state known.
    if (isResumed && !plan.isChanged) await everywhere(session, `${tools.daemonUtil} start-all`);
    return await run(plan.upgrade, plan.isChanged);
  },
});
