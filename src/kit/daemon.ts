/**
 * Running in the background: the program starts itself again without a terminal, waits until that process
 * says that it is ready, and ends. Between the two stands a small shell loop (bin/gantry-supervise) that
 * starts the daemon again when it was killed or has failed. A pid file names the process; it counts as held
 * only while a process of that number runs the same program.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Failure } from './failure.ts';
import { type Paths, pathsFor } from './paths.ts';
import { programPath } from './programs.ts';

const readyVariable = 'GANTRY_READY_FD';
const supervisor = 'gantry-supervise';

/** How the process before this one ended, when the supervisor has started it again: "signal 9". */
export function restartReason(): string | undefined {
  return process.env.GANTRY_RESTARTED;
}

function supervisorFile(runDir: string, program: string): string {
  return join(runDir, 'supervisors', `${program}.pid`);
}

/** Whoever would start the program again is ended; the program itself goes on. None: fine. */
export function endSupervisor({ runDir }: Pick<Paths, 'runDir'>, program: string): void {
  const file = supervisorFile(runDir, program);
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    if (words.slice(0, 2).some((word) => basename(word) === supervisor)) process.kill(pid, 'SIGTERM');
  } catch {
    // There is none.
  }
  rmSync(file, { force: true });
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
export function startInBackground(): Promise<string | undefined> {
  const script = process.argv[1];
  if (script === undefined) throw new Failure('ProgrammerError', ['no program to start again']);
  const program = process.env.GANTRY_PROGRAM ?? basename(script).replace(/\.[a-z]+$/, '');
  const { runDir } = pathsFor();
  const pidFile = supervisorFile(runDir, program);
  mkdirSync(dirname(pidFile), { recursive: true });
  if (runningPid(join(runDir, `${program}.pid`), program) === undefined) endSupervisor({ runDir }, program);
  const argv = [pidFile, process.execPath, ...process.execArgv, script, ...process.argv.slice(2)];
  const child = spawn(programPath(supervisor), argv, {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, [readyVariable]: '3' },
  });
  return new Promise((resolve) => {
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
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const named = words.slice(0, 3).some((word) => basename(word).replace(/\.(js|ts)$/, '') === program);
    return named || environment.includes(`GANTRY_PROGRAM=${program}`) ? pid : undefined;
  } catch {
    return undefined;
  }
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
