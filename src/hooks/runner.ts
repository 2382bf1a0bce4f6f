/** Runs one phase of a hook on this node (backend.HooksRunner). */
import { join } from 'node:path';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { runParts } from './run-parts.ts';

/** Seconds that one hook script may take; a hook that hangs must not hold a job for ever. */
export const scriptDeadline = 600;

export interface HookRun {
  /** Name of the hook, such as "instance-add". */
  readonly hook: string;
  readonly phase: 'pre' | 'post';
  /** Made by the master, names with their GANETI_ prefix. */
  readonly env: Readonly<Record<string, string>>;
}

export interface HookOutcome {
  /** "<hook>-<phase>.d/<name>". */
  readonly script: string;
  readonly status: 'skip' | 'success' | 'error';
  readonly output: string;
}

/** Variables that tell a script of a virtual node which node it is on. */
function virtualNode(
  paths: Pick<Paths, 'root'>,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  if (paths.root === '') return {};
  return { GANETI_ROOTDIR: paths.root, GANETI_HOSTNAME: env.GANETI_HOSTNAME ?? '' };
}

/** @throws Failure ProgrammerError for a name that can't be a hook's */
export async function runHooks(
  paths: Pick<Paths, 'root' | 'hooksDir'>,
  run: HookRun,
  options: {
    readonly daemonEnv?: Readonly<Record<string, string | undefined>>;
    readonly timeoutMs?: number;
  } = {},
): Promise<HookOutcome[]> {
  if (!/^[a-z][a-z0-9-]*$/.test(run.hook)) {
    throw new Failure('ProgrammerError', [`'${run.hook}' is not the name of a hook`]);
  }
  const folder = `${run.hook}-${run.phase}.d`;
  const results = await runParts(join(paths.hooksDir, folder), {
    env: { ...virtualNode(paths, options.daemonEnv ?? process.env), ...run.env },
    timeoutMs: options.timeoutMs ?? scriptDeadline * 1000,
  });
  return results.map(({ name, status, output }) => ({ script: `${folder}/${name}`, status, output }));
}
