/**
 * The ends of transfers that run on this node: each has a folder below import-export with its pid, its
 * status and what the other side's certificate must be, and a process (transfer/main.ts) that outlives the
 * daemon. Names come from the master, so starting and ending are *ensure* and *absent*.
 */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pollUntil } from '../kit/clock.ts';
import { executionFailure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { programPath } from '../kit/programs.ts';
import { TransferStatus } from '../noderpc/calls/transfer.ts';
import type { TransferSpec } from './transfer/spec.ts';

const program = 'import-export';
/** What a process gets after SIGTERM before it is killed (constants.CHILD_LINGER_TIMEOUT). */
const lingerMs = 5_000;

/**
 * When a process began, in the kernel's ticks: tells it from a later one with the same number, also while it
 * is about to become another program (proc(5), stat). Undefined for one that has ended.
 */
async function bornOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may have blanks in it; what follows has not.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || state === 'Z' || state === 'X' ? undefined : fields[18];
}

export interface Transfers {
  /** @param logFile what the process logs goes there */
  start(name: string, spec: TransferSpec, logFile: string): Promise<void>;
  status(name: string): Promise<TransferStatus | null>;
  abort(name: string): Promise<void>;
  cleanUp(name: string): Promise<void>;
}

export interface TransferOptions {
  readonly paths: Pick<Paths, 'importExportDir' | 'osLogDir'>;
  readonly log: Log;
  /** The command that runs an end, without its argument; the project's launcher when not given. */
  readonly command?: readonly string[];
}

async function startProcess(argv: readonly string[], spec: TransferSpec, logFile: string): Promise<number> {
  const [command, ...rest] = argv;
  const log = await open(logFile, 'a', 0o640);
  try {
    const child = spawn(command!, rest, {
      detached: true,
      cwd: '/',
      stdio: ['pipe', log.fd, log.fd],
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid!));
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(JSON.stringify(spec));
    child.unref();
    return pid;
  } finally {
    await log.close();
  }
}

const hasEnded = (status: TransferStatus | null) =>
  status?.exit_status !== null && status?.exit_status !== undefined;

export function createTransfers({ paths, log, command }: TransferOptions): Transfers {
  const folderOf = (name: string) => join(paths.importExportDir, name);
  const isThere = (name: string) =>
    stat(folderOf(name)).then(
      () => true,
      () => false,
    );
  const statusIn = async (name: string): Promise<TransferStatus | null> => {
    const text = await readFile(join(folderOf(name), 'status'), 'utf8').catch(() => '');
    return text === '' ? null : TransferStatus.parse(JSON.parse(text));
  };
  const pidOf = async (name: string): Promise<number | undefined> => {
    const read = (file: string) => readFile(join(folderOf(name), file), 'utf8').catch(() => '');
    const pid = Number((await read('pid')).trim());
    return pid > 0 && (await bornOf(pid)) === (await read('born')).trim() ? pid : undefined;
  };
  return {
    async start(name, spec, logFile) {
      const folder = folderOf(name);
      if (await isThere(name)) {
        log.info(`${spec.mode} '${name}' has been started already`);
        return;
      }
      await mkdir(paths.osLogDir, { recursive: true, mode: 0o750 });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      try {
        await writeFile(join(folder, 'ca'), spec.peerCertificate, { mode: 0o400 });
        const argv = [...(command ?? [programPath(program)]), folder];
        const pid = await startProcess(argv, spec, logFile);
        await writeFile(join(folder, 'born'), `${(await bornOf(pid)) ?? ''}\n`, { mode: 0o600 });
        await writeFile(join(folder, 'pid'), `${pid}\n`, { mode: 0o600 });
        log.info(`Started ${spec.mode} '${name}' with pid ${pid}, log file ${logFile}`);
      } catch (error) {
        await rm(folder, { recursive: true, force: true });
        throw error;
      }
    },
    async status(name) {
      const status = await statusIn(name);
      if (hasEnded(status) || (await pidOf(name)) !== undefined || !(await isThere(name))) return status;
      // It may have said its last words between the two looks.
      const last = await statusIn(name);
      if (hasEnded(last)) return last;
      const empty: TransferStatus = { ctime: 0, mtime: null, recent_output: [] };
      return { ...(last ?? empty), exit_status: 1, error_message: 'The process has ended without a word' };
    },
    async abort(name) {
      const pid = await pidOf(name);
      if (pid === undefined) return;
      log.info(`Import/export ${name} is running with PID ${pid}, sending SIGTERM`);
      process.kill(pid, 'SIGTERM');
    },
    async cleanUp(name) {
      log.info(`Finalizing import/export ${name}`);
      const pid = await pidOf(name);
      if (pid !== undefined) {
        log.info(`Import/export ${name} is still running with PID ${pid}`);
        process.kill(pid, 'SIGTERM');
        const gone = async () => ((await pidOf(name)) === undefined ? true : undefined);
        if ((await pollUntil(gone, { everyMs: 20, timeoutMs: lingerMs })) === undefined) {
          process.kill(pid, 'SIGKILL');
          if ((await pollUntil(gone, { everyMs: 20, timeoutMs: lingerMs })) === undefined)
            throw executionFailure(`import/export ${name} with PID ${pid} can't be ended`);
        }
      }
      await rm(folderOf(name), { recursive: true, force: true });
    },
  };
}
