/**
 * The ssconf files: one value a file, `ssconf_<name>` in the data folder, so that shell scripts and
 * daemons on nodes that aren't candidates know the cluster without its configuration (ssconf.py).
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';

type Where = Pick<Paths, 'dataDir'>;
const validName = /^[a-z][a-z0-9_-]*$/;
const fileMode = 0o444;

function fileOf(paths: Where, name: string): string {
  if (!validName.test(name))
    throw new Failure('ProgrammerError', [`Invalid key requested from SSConf: '${name}'`]);
  return join(paths.dataDir, `ssconf_${name}`);
}

/** The serial number of the configuration that the files were written from. */
function serialFile(paths: Where): string {
  return join(paths.dataDir, 'ssconf.serial');
}

/** Values of any configuration are taken next. */
export async function forgetSsconfSerial(paths: Where): Promise<void> {
  await rm(serialFile(paths), { force: true });
}

/** A value without its last line end; undefined while there is none. */
export async function readSsconf(paths: Where, name: string): Promise<string | undefined> {
  try {
    return (await readFile(fileOf(paths, name), 'utf8')).replace(/\n$/, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** @throws Failure ConfigurationError when this node is in no cluster */
export async function masterNodeOf(paths: Where): Promise<string> {
  const name = await readSsconf(paths, 'master_node');
  if (name === undefined || name === '') {
    throw new Failure('ConfigurationError', [`Can't read ssconf file ${fileOf(paths, 'master_node')}`]);
  }
  return name;
}

/**
 * Writes the values that differ from what is there.
 * @param serial of the configuration they come from
 * @param replaces whatever is there, which another cluster or an earlier time may have left
 * @throws Failure ConfigurationError when the files that are there come from a newer one
 */
export async function writeSsconf(
  paths: Where,
  values: Readonly<Record<string, string>>,
  serial: number,
  replaces = false,
): Promise<void> {
  await mkdir(paths.dataDir, { recursive: true, mode: 0o755 });
  const before = Number((await readFile(serialFile(paths), 'utf8').catch(() => '0')).trim());
  if (before > serial && !replaces) {
    throw new Failure('ConfigurationError', [
      `ssconf values of serial number ${serial} are older than those of this node (${before})`,
    ]);
  }
  for (const [name, value] of Object.entries(values)) {
    const text = value === '' || value.endsWith('\n') ? value : `${value}\n`;
    const path = fileOf(paths, name);
    if ((await readFile(path, 'utf8').catch(() => undefined)) === text) continue;
    await writeFileAtomic(path, text, { mode: fileMode });
  }
  if (before !== serial) await writeFileAtomic(serialFile(paths), `${serial}\n`, { mode: 0o644 });
}
