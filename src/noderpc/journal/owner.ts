/**
 * `owner.json` beside the journal: the master daemon that has it open. A process id alone can come again,
 * so the time at which the process started (from /proc, in clock ticks since boot) stands with it.
 */
import { readFileSync } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';

interface Owner {
  readonly pid: number;
  readonly started: string;
}

/**
 * When the process of a /proc/PID/stat started (proc(5), the 22nd field; counted from after the command's closing
 * bracket). undefined for one that has ended and only waits for its parent to take notice: it holds nothing any more.
 */
function startIn(stat: string): string | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** undefined: no such process. */
function startOf(pid: number): string | undefined {
  try {
    return startIn(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The living process that has the journal open, or undefined. */
export async function journalOwner(directory: string): Promise<number | undefined> {
  let owner: Owner;
  try {
    owner = JSON.parse(await readFile(join(directory, 'owner.json'), 'utf8')) as Owner;
  } catch {
    return undefined;
  }
  return startOf(owner.pid) === owner.started && owner.started !== undefined ? owner.pid : undefined;
}

/** @throws Failure ConfigurationError when another living process has it */
export async function takeJournal(directory: string): Promise<void> {
  const other = await journalOwner(directory);
  if (other !== undefined && other !== process.pid) {
    throw new Failure('ConfigurationError', [`The journal ${directory} is in use by process ${other}`]);
  }
  const owner: Owner = { pid: process.pid, started: startOf(process.pid) ?? '' };
  await writeFileAtomic(join(directory, 'owner.json'), JSON.stringify(owner), {
    mode: 0o640,
    durable: false,
  });
}

export async function releaseJournal(directory: string): Promise<void> {
  await unlink(join(directory, 'owner.json')).catch(() => {});
}
