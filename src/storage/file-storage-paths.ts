/**
 * Which paths file-based disks may use: those that the administrator has listed in
 * /etc/ganeti/file-storage-paths on the node itself, never one under a system folder. The list is never
 * changed from outside, so a master that went astray can't write where it likes (filestorage.py).
 */
import { access, constants, lstat, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, normalize } from 'node:path';
import { Failure } from '../kit/failure.ts';
import { niceSort } from '../kit/nice-sort.ts';
import { localPath, type StorageHost } from './host.ts';

const systemFolders = ['bin', 'lib', 'lib32', 'lib64', 'sbin'];
const forbidden: readonly string[] = [
  ...['/boot', '/dev', '/etc', '/home', '/proc', '/root', '/sys'],
  ...['', '/usr', '/usr/local'].flatMap((prefix) => systemFolders.map((folder) => `${prefix}/${folder}`)),
];

function tidy(path: string): string {
  const plain = normalize(path);
  return plain.length > 1 && plain.endsWith('/') ? plain.slice(0, -1) : plain;
}

function isBelow(folder: string, path: string): boolean {
  const parent = tidy(folder);
  return tidy(path).startsWith(parent === '/' ? '/' : `${parent}/`);
}

/** The listed paths; comments and empty lines are left out. */
export function parseAllowedPaths(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Those of `paths` that may not be used whatever the list says, sorted. */
export function wrongPaths(paths: readonly string[]): string[] {
  return niceSort(
    paths
      .map(tidy)
      .filter(
        (path) => !isAbsolute(path) || forbidden.some((folder) => path === folder || isBelow(folder, path)),
      ),
  );
}

/**
 * Is `path` allowed by the list?
 * @param exact whether a listed path itself will do, rather than something below it
 * @throws Failure FileStoragePathError
 */
export function checkAllowed(
  path: string,
  allowed: readonly string[],
  listFile: string,
  exact = false,
): void {
  const refuse = (message: string) => new Failure('FileStoragePathError', [message]);
  if (allowed.length === 0) throw refuse(`No paths are valid or path file '${listFile}' was not accessible.`);
  if (path.split('/').includes('..')) throw refuse(`Path '${path}' is not acceptable for file storage`);
  if (!isAbsolute(path)) throw refuse(`File storage path must be absolute, got '${path}'`);
  if (wrongPaths([path]).length > 0) throw refuse(`Path '${path}' uses a forbidden prefix`);
  const fits = allowed.some(
    (entry) => isAbsolute(entry) && (isBelow(entry, path) || (exact && tidy(entry) === tidy(path))),
  );
  if (!fits) throw refuse(`Path '${path}' is not acceptable for file storage`);
}

/** The nearest folder above `path` that exists. */
async function existingAncestor(path: string): Promise<string> {
  let folder = dirname(path);
  while ((await lstat(folder).catch(() => undefined)) === undefined) folder = dirname(folder);
  return folder;
}

/**
 * Checks a path of the configuration against this node's list, symbolic links included, and gives where it
 * lies on this machine.
 * @throws Failure FileStoragePathError
 */
export async function acceptedPath(host: StorageHost, path: string, exact = false): Promise<string> {
  const { paths } = host;
  const listFile = paths.fileStoragePathsFile;
  const allowed = parseAllowedPaths((await host.readText(listFile)) ?? '');
  checkAllowed(path, allowed, listFile, exact);
  const local = localPath(paths, path);
  const real = await realpath(local).catch(async () => realpath(await existingAncestor(local)));
  const roots = await Promise.all(
    allowed.map((entry) => realpath(localPath(paths, entry)).catch(() => localPath(paths, entry))),
  );
  if (!roots.some((root) => real === root || isBelow(root, real) || isBelow(real, root))) {
    throw new Failure('FileStoragePathError', [`Path '${path}' leads outside of the file storage paths`]);
  }
  return local;
}

/** What is wrong with a storage folder of this node, or nothing (CheckFileStoragePath). */
export async function storageFolderFault(host: StorageHost, path: string): Promise<string | undefined> {
  let local: string;
  try {
    local = await acceptedPath(host, path, true);
  } catch (error) {
    return (error as Error).message;
  }
  const found = await stat(local).catch(() => undefined);
  if (found === undefined || !found.isDirectory())
    return `Path '${path}' is not existing or not a directory.`;
  try {
    await access(local, constants.W_OK);
  } catch {
    return `Path '${path}' is not writable`;
  }
  return undefined;
}
