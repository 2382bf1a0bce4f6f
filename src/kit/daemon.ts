/**
 * Running in the background: the program starts itself again without a terminal, waits until that process
 * says that it is ready, and ends. Between the two stands a small shell loop (bin/gantry-supervise) that
 * starts the daemon again when it was killed or has failed. A pid file names the process; it counts as held
 * only while a process of that number runs the same program.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pollUntil } from './clock.ts';
import { Failure } from './failure.ts';
import { type Paths, pathsFor } from './paths.ts';
import { programPath } from './programs.ts';

/**
 * How a daemon ends on a node where it has nothing to do, which for most means that the node isn't the master
 * (constants.EXIT_NOTMASTER). The supervisor, the systemd units and daemon-util know it.
 */
export const notMasterExit = 11;

const readyVariable = 'GANTRY_READY_FD';
const supervisor = 'gantry-supervise';

/** How the process before this one ended, when the supervisor has started it again: "signal 9". */
export function restartReason(): string | undefined {
  return process.env.GANTRY_RESTARTED;
}

function supervisorFile(runDir: string, program: string): string {
  return join(runDir, 'supervisors', `${program}.pid`);
}

/**
 * Whoever would start the program again is ended; the program itself goes on. None: fine.
 * @returns the process that it had started, which may not have its pid file yet
 */
export function endSupervisor({ runDir }: Pick<Paths, 'runDir'>, program: string): number | undefined {
  const file = supervisorFile(runDir, program);
  let child: number | undefined;
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (words.slice(0, 2).some((word) => basename(word) === supervisor)) {
      process.kill(pid, 'SIGSTOP');
      // Its only other children are pauses.
      child = childrenOf(pid).find((each) => runs(each, program));
      process.kill(pid, 'SIGKILL');
    }
  } catch {
    // There is none.
  }
  rmSync(file, { force: true });
  return child;
}

/** proc(5): task/<pid>/children. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  } catch {
    return [];
  }
}

/** Is the process alive, and that program? */
function runs(pid: number, program: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const named = words.slice(0, 3).some((word) => basename(word).replace(/\.(js|ts)$/, '') === program);
    return named || environment.includes(`GANTRY_PROGRAM=${program}`);
  } catch {
    return false;
  }
}

/** One that was being started again while somebody starts it anew. */
async function endHalfStarted(runDir: string, program: string): Promise<void> {
  const child = endSupervisor({ runDir }, program);
  if (child === undefined) return;
  process.kill(child, 'SIGKILL');
  await pollUntil(async () => (runs(child, program) ? undefined : true), { everyMs: 10, timeoutMs: 5_000 });
}

/** Is this the process that `startInBackground` made? */
export function isBackgroundChild(): boolean {
  return process.env[readyVariable] !== undefined;
}

/** systemd waits for this word of services of type notify. */
function notifySystemd(): void {
  if (process.env.NOTIFY_SOCKET === undefined) return;
  spawnSync('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore', timeout: 5000 });
  delete process.env.NOTIFY_SOCKET;
}

/** Tells the waiting parent, or systemd, that the daemon serves, or why it doesn't. Nobody waits: nothing happens. */
export function reportReady(fault?: string): void {
  if (fault === undefined) notifySystemd();
  const descriptor = Number(process.env[readyVariable] ?? Number.NaN);
  delete process.env[readyVariable];
  if (Number.isNaN(descriptor)) return;
  try {
    writeSync(descriptor, fault === undefined ? 'ready\n' : `${fault}\n`);
    closeSync(descriptor);
  } catch {
    // The parent has given up waiting.
  }
}

/**
 * Starts this same program, with the same arguments, detached from terminal and session.
 * @returns the fault that it reports, or undefined once it is ready
 */
export async function startInBackground(): Promise<string | undefined> {
  const script = process.argv[1];
  if (script === undefined) throw new Failure('ProgrammerError', ['no program to start again']);
  const program = process.env.GANTRY_PROGRAM ?? basename(script).replace(/\.[a-z]+$/, '');
  const { runDir } = pathsFor();
  const running = runningPid(join(runDir, `${program}.pid`), program);
  if (running !== undefined) return `${program} is already running with pid ${running}`;
  await endHalfStarted(runDir, program);
  const pidFile = supervisorFile(runDir, program);
  mkdirSync(dirname(pidFile), { recursive: true });
  const argv = [pidFile, process.execPath, ...process.execArgv, script, ...process.argv.slice(2)];
  const child = spawn(programPath(supervisor), argv, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [readyVariable]: '3' },
  });
  return await new Promise((resolve) => {
    let said = '';
    child.stdio[3]?.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
    child.stdio[3]?.on('close', () => {
      child.unref();
      const text = said.trim();
      // What could not start at all is told to whoever starts it, not tried for ever.
      if (text !== 'ready') child.kill('SIGTERM');
      resolve(text === 'ready' ? undefined : text || 'the daemon ended before it was ready; see its log');
    });
    child.on('error', (error) => resolve(error.message));
  });
}

/** The process named in a pid file if it still runs `program`, else undefined. */
export function runningPid(pidFile: string, program: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, 'utf8').trim());
  } catch {
    return undefined;
  }
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return runs(pid, program) ? pid : undefined;
}

/**
 * Takes the pid file for this process.
 * @throws Failure GenericError when the program runs already
 */
export function takePidFile(pidFile: string, program: string): { release(): void } {
  const other = runningPid(pidFile, program);
  if (other !== undefined && other !== process.pid) {
    throw new Failure('GenericError', [`${program} is already running with pid ${other}`]);
  }
  mkdirSync(dirname(pidFile), { recursive: true });
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o644 });
  return {
    release() {
      try {
        if (readFileSync(pidFile, 'utf8').trim() === String(process.pid)) unlinkSync(pidFile);
      } catch {
        // Gone already.
      }
    },
  };
}
