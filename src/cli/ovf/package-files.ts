/** The files of a package: its manifest of checksums, and the archive (.ova) that a package may be packed in. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, normalize } from 'node:path';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { runProcess } from '../../kit/process.ts';

const environmentFault = (text: string) => prerequisiteFailure(text, ErrorCode.environment);

export async function checksum(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A name of a file beside the description, and nothing else. */
export function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/** What belongs to the description at `path`: files of its name, and those that it refers to. */
export async function packageFiles(path: string, references: readonly string[]): Promise<string[]> {
  const folder = dirname(path);
  const name = basename(path, extname(path));
  const own = (await readdir(folder)).filter(
    (file) => ['.ovf', '.mf', '.cert'].includes(extname(file)) && basename(file, extname(file)) === name,
  );
  for (const file of references) {
    if (/^[a-z][a-z0-9+.-]*:\/\//i.test(file)) {
      throw prerequisiteFailure(`Files elsewhere (${file}) are not supported yet`, ErrorCode.invalid);
    }
    if (!isPlainName(file)) {
      throw environmentFault(
        'Disks are not allowed to have absolute paths or paths outside main OVF directory',
      );
    }
    const isThere = await stat(join(folder, file)).catch(() => undefined);
    if (isThere === undefined) throw environmentFault(`File does not exist: ${join(folder, file)}`);
  }
  return [...own.sort(), ...references];
}

/** @throws Failure OpPrereqError when a file of the manifest is missing or another than it was */
export async function verifyManifest(
  folder: string,
  manifest: string,
  files: readonly string[],
): Promise<void> {
  const text = await readFile(join(folder, manifest), 'utf8');
  for (const line of text.split('\n')) {
    const [, algorithm, name, expected] =
      /^(SHA1|SHA256|SHA512)\s*\((\S+)\)\s*=\s*([0-9a-fA-F]+)\s*$/.exec(line) ?? [];
    if (algorithm === undefined) continue;
    const found = files.includes(name!)
      ? await checksum(join(folder, name!), algorithm.toLowerCase())
      : undefined;
    if (found !== expected!.toLowerCase()) {
      throw environmentFault(`${algorithm} checksum of ${name} does not match the value in manifest file`);
    }
  }
}

/** The text of a manifest. */
export async function manifestOf(paths: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const path of paths) lines.push(`SHA1(${basename(path)})= ${await checksum(path, 'sha1')}\n`);
  return lines.join('');
}

const tar = (...words: readonly string[]) => runProcess(['tar', ...words], { env: { LC_ALL: 'C' } });

/**
 * Unpacks an archive into an empty folder. Its members are looked at before anything is written: names must stay in
 * the folder, and only files and folders come out.
 * @returns the path of the description
 */
export async function unpack(archive: string, folder: string): Promise<string> {
  const listed = await tar('--list', '--quoting-style=escape', '--file', archive);
  if (listed.code !== 0) throw environmentFault('The provided .ova file is not a proper tar archive');
  const names = listed.stdout.split('\n').filter((name) => name !== '');
  const unsafe = names.find((name) => {
    const path = normalize(name);
    return path.startsWith('/') || path === '..' || path.startsWith('../') || name.includes('\\');
  });
  if (unsafe !== undefined) throw environmentFault(`File ${unsafe} inside .ova package is not safe`);
  const description = names.find((name) => name.endsWith('.ovf'));
  if (description === undefined) throw environmentFault('No .ovf file in .ova package found');
  const words = ['--no-same-owner', '--no-same-permissions', '--directory', folder];
  const extracted = await tar('--extract', ...words, '--file', archive);
  if (extracted.code !== 0) {
    throw environmentFault(`Error while extracting .ova archive: ${extracted.stderr.trim()}`);
  }
  for (const name of names) {
    const entry = await lstat(join(folder, name));
    if (!entry.isFile() && !entry.isDirectory()) {
      throw environmentFault(`File ${name} inside .ova package is not safe`);
    }
  }
  return join(folder, description);
}

/** Packs files of one folder into an archive, in this order: readers want the description first. */
export async function pack(archive: string, folder: string, names: readonly string[]): Promise<void> {
  const words = ['--format=gnu', '--owner=0', '--group=0', '--directory', folder];
  const result = await tar('--create', ...words, '--file', archive, '--', ...names);
  if (result.code !== 0) throw environmentFault(`Packing ${archive} failed: ${result.stderr.trim()}`);
}
