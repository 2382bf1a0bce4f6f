/** Daemons of this node, through daemon-util. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { runningPid } from '../kit/daemon.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { describeFailure, runProcess } from '../kit/process.ts';
import { programPath } from '../kit/programs.ts';

/** What runs on every node, as far as this release has it. */
const nodeDaemons = ['ganeti-noded', 'ganeti-confd', 'ganeti-mond'];
const deadlineMs = 120_000;

async function daemonUtil(action: string, name: string, log: Log): Promise<boolean> {
  try {
    const result = await runProcess([programPath('daemon-util'), action, name], { timeoutMs: deadlineMs });
    if (result.code === 0) return true;
    log.error(`Can't ${action} ${name}: ${describeFailure(result)}`);
  } catch (error) {
    log.error(`Can't ${action} ${name}: ${messageOf(error)}`);
  }
  return false;
}

/** Runs already: fine. @returns whether it runs now */
export async function ensureDaemon(
  name: string,
  { runDir }: Pick<Paths, 'runDir'>,
  log: Log,
): Promise<boolean> {
  return (
    runningPid(`${runDir}/${name}.pid`, name) !== undefined ||
    (await daemonUtil('check-and-start', name, log))
  );
}
export const stopDaemon = (name: string, log: Log) => daemonUtil('stop', name, log);

export async function ensureNodeDaemons(paths: Pick<Paths, 'runDir'>, log: Log): Promise<void> {
  for (const name of nodeDaemons) if (existsSync(programPath(name))) await ensureDaemon(name, paths, log);
}

/** The address to which the remote API is told to bind in the file of daemons' arguments; null for all. */
export async function rapiBinding({ root }: Pick<Paths, 'root'>): Promise<string | null> {
  const text = await readFile(`${root}/etc/default/ganeti`, 'utf8').catch(() => '');
  const line = text.split('\n').findLast((each) => each.startsWith('RAPI_ARGS='));
  const address = /(?:^|[\s'"=])(?:-b|--bind)[= ]?([0-9a-fA-F:.]+)/.exec(line ?? '')?.[1];
  return address === undefined || address === '0.0.0.0' || address === '::' ? null : address;
}
