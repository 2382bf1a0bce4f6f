/**
 * Node calls that run programs of the site. Restricted commands are what an administrator has put into one
 * folder, owned by root and writable by nobody else; who asks for anything else waits, and isn't told why.
 */
import { access, constants, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { sleep } from '../../kit/clock.ts';
import { executionFailure, messageOf } from '../../kit/failure.ts';
import { describeFailure, runProcess } from '../../kit/process.ts';
import * as calls from '../../noderpc/calls/power.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { NodeContext } from '../context.ts';
import { createTurns } from '../in-turn.ts';

/** Rights beyond these let others change what runs as root. */
const mostRights = 0o755;
/** constants._RCMD_INVALID_DELAY: makes guessing slow. */
const invalidDelayMs = 10_000;
const rebootDelayMs = 5_000;
const powerCommands = ['health', 'power-cycle', 'power-off', 'power-on', 'power-status'];

/** @throws Error saying what is wrong, for the log of this node only */
async function requireOwned(path: string): Promise<Awaited<ReturnType<typeof stat>>> {
  const state = await stat(path);
  if ((state.mode & 0o7777 & ~mostRights) !== 0)
    throw new Error(`Permissions on '${path}' are too permissive`);
  const owner = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (state.uid !== owner[0] || state.gid !== owner[1])
    throw new Error(`'${path}' is not owned by ${owner.join(':')}`);
  return state;
}

async function restrictedProgram(folder: string, command: string): Promise<string> {
  if (!(await requireOwned(folder)).isDirectory()) throw new Error(`Path '${folder}' is not a directory`);
  if (!/^[a-zA-Z0-9_-]+$/.test(command)) throw new Error('Command name contains forbidden characters');
  const path = join(folder, command);
  if (!(await requireOwned(path)).isFile()) throw new Error(`'${path}' is not a file`);
  await access(path, constants.X_OK);
  return path;
}

async function runRestricted(context: NodeContext, command: string, signal: AbortSignal): Promise<string> {
  const { paths, log } = context;
  log.info(`Preparing to run restricted command '${command}'`);
  let program: string;
  try {
    program = await restrictedProgram(paths.restrictedCommandsDir, command);
  } catch (error) {
    log.error(`Restricted command '${command}': ${messageOf(error)}`);
    await sleep(invalidDelayMs, signal);
    throw executionFailure(`Executing command '${command}' failed`);
  }
  const result = await runProcess([program], { cleanEnvironment: true, env: {}, signal });
  const output = result.stdout + result.stderr;
  if (result.code !== 0) {
    const end = result.signal === null ? `exited with exit code ${result.code}` : `ended by ${result.signal}`;
    throw executionFailure(`Restricted command '${command}' failed: ${end}; output: ${output}`);
  }
  return output;
}

interface OobRequest {
  readonly program: string;
  readonly command: string;
  readonly node: string;
  /** Seconds. */
  readonly timeout: number;
}

async function oob({ host }: NodeContext, { program, command, node, timeout }: OobRequest): Promise<string> {
  if (!isAbsolute(program)) throw executionFailure(`'${program}' is not an absolute path`);
  if (!powerCommands.includes(command))
    throw executionFailure(`'${command}' is not a command of power control`);
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(node)) throw executionFailure(`'${node}' is not a host name`);
  const result = await host.run([program, command, node], { timeoutMs: timeout * 1000 });
  if (result.code !== 0) throw executionFailure(describeFailure(result));
  return result.stdout;
}

/** As Linux does it when all else fails: nothing is written back, nothing is asked. */
async function restartByForce({ host, log }: NodeContext): Promise<void> {
  try {
    await writeFile('/proc/sysrq-trigger', 'b');
  } catch (error) {
    log.error(`Can't open the sysrq-trigger file: ${messageOf(error)}`);
    const result = await host.run(['reboot', '-n', '-f']);
    if (result.code !== 0) log.error(describeFailure(result));
  }
}

/** restricted_command, run_oob and node_powercycle. */
export function powerHandlers(context: NodeContext): NodeHandler[] {
  const inTurn = createTurns();
  return [
    answers(calls.restrictedCommand, ({ command }, { signal }) =>
      inTurn('restricted-commands', () => runRestricted(context, command, signal)),
    ),
    answers(calls.runOob, (request) => oob(context, request)),
    answers(calls.nodePowercycle, async ({ name }) => {
      const { paths, log } = context;
      // A virtual node shares its machine with others, who would not like it.
      if (paths.root !== '') throw executionFailure('A virtual node has no power to cycle');
      log.warning(`This node restarts by force in 5 seconds (default hypervisor ${name})`);
      setTimeout(() => void restartByForce(context), rebootDelayMs);
      return 'Reboot scheduled in 5 seconds';
    }),
  ];
}
