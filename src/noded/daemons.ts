/**
 * Starting, stopping and looking at Ganeti's daemons (daemon-util): by systemd where it is in charge and
 * knows them, else as background processes with pid files. A virtual node never asks systemd, which knows
 * only the machine's own daemons.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pollUntil } from '../kit/clock.ts';
import { runningPid } from '../kit/daemon.ts';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { describeFailure, runProcess } from '../kit/process.ts';

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

/** Those that run on the master only. */
export const masterDaemons = ['ganeti-masterd', 'ganeti-rapi'] as const;

interface Where {
  readonly paths: Pick<Paths, 'root' | 'runDir'>;
}

function checkName(name: string): void {
  if (!(daemonNames as readonly string[]).includes(name)) {
    throw new Failure('GenericError', [`Unknown daemon name '${name}'`]);
  }
}

export function pidFileOf({ paths }: Where, name: string): string {
  return `${paths.runDir}/${name}.pid`;
}

/** Where the programs stand: beside this one, or where packages put them. */
export function executableOf(name: string): string {
  const script = process.argv[1] ?? '';
  const places = [join(dirname(script), '..', 'bin', name), join(dirname(script), name), `/usr/sbin/${name}`];
  return places.find((place) => existsSync(place)) ?? `/usr/sbin/${name}`;
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

/** @throws Failure GenericError for an unknown name */
export async function isDaemonRunning(where: Where, name: string): Promise<boolean> {
  checkName(name);
  if (await systemdKnows(where, name)) {
    const result = await runProcess(['systemctl', 'is-active', '--quiet', `${name}.service`]);
    return result.code === 0;
  }
  return runningPid(pidFileOf(where, name), name) !== undefined;
}

/** Running already: fine. @throws Failure GenericError with what the daemon said */
export async function startDaemon(where: Where, name: string, args: readonly string[] = []): Promise<void> {
  if (await isDaemonRunning(where, name)) return;
  if (await systemdKnows(where, name)) {
    await systemctl('start', name);
    return;
  }
  const result = await runProcess([executableOf(name), ...args], { timeoutMs: 60_000 });
  if (result.code !== 0)
    throw new Failure('GenericError', [`Could not start ${name}: ${describeFailure(result)}`]);
}

/** Not running: fine. Asked first, then killed after 30 seconds. @throws Failure GenericError */
export async function stopDaemon(where: Where, name: string): Promise<void> {
  checkName(name);
  if (await systemdKnows(where, name)) {
    await systemctl('stop', name);
    return;
  }
  const pid = runningPid(pidFileOf(where, name), name);
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
