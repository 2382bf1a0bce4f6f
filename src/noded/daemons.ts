/**
 * Starting, stopping and looking at Ganeti's daemons (daemon-util): by systemd where it is in charge and
 * knows them, else as background processes with pid files. A virtual node never asks systemd, which knows
 * only the machine's own daemons.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../kit/clock.ts';
import { endSupervisor, notMasterExit, runningPid } from '../kit/daemon.ts';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { describeFailure, runChecked, runProcess } from '../kit/process.ts';
import { programPath } from '../kit/programs.ts';
import { splitWords } from '../kit/shell-words.ts';

/** In the order in which they are started (daemon-util, DAEMONS). */
export const daemonNames = [
  'ganeti-noded',
  'ganeti-confd',
  'ganeti-masterd',
  'ganeti-rapi',
  'ganeti-mond',
  'ganeti-metad',
  'ganeti-kvmd',
] as const;

/** Those that are started when there is something for them to do, and stopped with the others. */
export const onDemandDaemons: readonly string[] = ['ganeti-metad', 'ganeti-kvmd'];

/** Those that run on the master only. */
export const masterDaemons: readonly string[] = ['ganeti-masterd', 'ganeti-rapi'];

/** Daemons of Ganeti's whose work the master daemon does: scripts that ask for them mean it. */
const partsOfMaster: readonly string[] = ['ganeti-luxid', 'ganeti-wconfd'];

export function canonicalDaemon(name: string): string {
  return partsOfMaster.includes(name) ? 'ganeti-masterd' : name;
}

interface Where {
  readonly paths: Pick<Paths, 'root' | 'runDir'>;
}

export function isDaemonName(name: string): boolean {
  return (daemonNames as readonly string[]).includes(name);
}

function checkName(name: string): void {
  if (!isDaemonName(name)) {
    throw new Failure('GenericError', [`Unknown daemon name '${name}'`]);
  }
}

export function pidFileOf({ paths }: Where, name: string): string {
  return `${paths.runDir}/${name}.pid`;
}

/** The launcher of a daemon; daemons that this release doesn't have stand where packages put them. */
export function executableOf(name: string): string {
  const own = programPath(name);
  return existsSync(own) ? own : `/usr/sbin/${name}`;
}

/**
 * Arguments that the administrator has set in /etc/default/ganeti: NODED_ARGS="-b 10.0.0.1", and
 * EXTRA_NODED_ARGS after them. Other lines of the file are none of our business.
 */
export function defaultArguments(text: string, name: string): string[] {
  const key = name.replace(/^ganeti-/, '').toUpperCase();
  const settingOf = (variable: string) => {
    const line = text.split('\n').findLast((candidate) => candidate.trim().startsWith(`${variable}=`));
    return line === undefined ? '' : splitWords(line.trim().slice(variable.length + 1)).join(' ');
  };
  return splitWords(`${settingOf(`${key}_ARGS`)} ${settingOf(`EXTRA_${key}_ARGS`)}`);
}

async function systemdKnows({ paths }: Where, name: string): Promise<boolean> {
  if (paths.root !== '' || !existsSync('/run/systemd/system')) return false;
  const result = await runProcess(['systemctl', 'show', '-pLoadState', `${name}.service`]).catch(
    () => undefined,
  );
  return result?.stdout.trim() === 'LoadState=loaded';
}

async function systemctl(action: 'start' | 'stop', name: string): Promise<void> {
  const result = await runProcess(['systemctl', action, `${name}.service`], { timeoutMs: 120_000 });
  if (result.code !== 0) throw new Failure('GenericError', [describeFailure(result)]);
}

/** Arguments reach a unit through the environment of systemd itself, for this start only. */
async function startUnit(name: string, args: readonly string[]): Promise<void> {
  const variable = `EXTRA_${name.replace(/^ganeti-/, '').toUpperCase()}_ARGS`;
  if (args.length === 0) return await systemctl('start', name);
  await runChecked(['systemctl', 'set-environment', `${variable}=${args.join(' ')}`]);
  try {
    await systemctl('start', name);
  } finally {
    await runChecked(['systemctl', 'unset-environment', variable]);
  }
}

/** @throws Failure GenericError for an unknown name */
export async function isDaemonRunning(where: Where, name: string): Promise<boolean> {
  checkName(name);
  if (await systemdKnows(where, name)) {
    const result = await runProcess(['systemctl', 'is-active', '--quiet', `${name}.service`]);
    return result.code === 0;
  }
  return runningPid(pidFileOf(where, name), name) !== undefined;
}

/**
 * Running already: fine.
 * @returns not-master for a daemon that ended because this node isn't
 * @throws Failure GenericError with what the daemon said
 */
export async function startDaemon(
  where: Where,
  name: string,
  args: readonly string[] = [],
): Promise<'running' | 'not-master'> {
  if (await isDaemonRunning(where, name)) return 'running';
  if (await systemdKnows(where, name)) {
    await startUnit(name, args);
    return masterDaemons.includes(name) && !(await isDaemonRunning(where, name)) ? 'not-master' : 'running';
  }
  const defaults = await readFile(join(where.paths.root, '/etc/default/ganeti'), 'utf8').catch(() => '');
  const argv = [executableOf(name), ...defaultArguments(defaults, name), ...args];
  const result = await runProcess(argv, { timeoutMs: 60_000 });
  if (result.code === notMasterExit) return 'not-master';
  // Its supervisor may have been quicker.
  if (result.code !== 0 && !(await isDaemonRunning(where, name))) {
    throw new Failure('GenericError', [`Could not start ${name}: ${describeFailure(result)}`]);
  }
  return 'running';
}

/** Makes the daemon open its log file again; not running: fine. */
export function rotateLog(where: Where, name: string): void {
  checkName(name);
  const pid = runningPid(pidFileOf(where, name), name);
  if (pid !== undefined) process.kill(pid, 'SIGHUP');
}

/** Not running: fine. Asked first, then killed after 30 seconds. @throws Failure GenericError */
export async function stopDaemon(where: Where, name: string): Promise<void> {
  checkName(name);
  if (await systemdKnows(where, name)) {
    await systemctl('stop', name);
    return;
  }
  const child = endSupervisor(where.paths, name);
  const pid = runningPid(pidFileOf(where, name), name) ?? child;
  if (pid === undefined) return;
  const gone = async () => (runningPid(pidFileOf(where, name), name) === pid ? undefined : true);
  for (const [signal, timeoutMs] of [
    ['SIGTERM', 30_000],
    ['SIGKILL', 5_000],
  ] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    if ((await pollUntil(gone, { everyMs: 50, timeoutMs })) === true) return;
  }
  throw new Failure('GenericError', [`Could not stop ${name} (pid ${pid})`]);
}
