/**
 * root's SSH files on a machine, as far as a cluster manages them: a key pair of root's, lines of
 * authorized_keys, and the list of the nodes' public keys (ganeti_pub_keys, as ssh.py writes it).
 */
import { chmod, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from './atomic-file.ts';
import { ErrorCode, prerequisiteFailure } from './failure.ts';
import { runChecked } from './process.ts';

export type SshKeyType = 'rsa' | 'dsa' | 'ecdsa';

/** Bits that keys of a type may have, and have when nobody says (ssh.SSH_KEY_VALID_BITS). */
const keySizes: Readonly<
  Record<SshKeyType, { readonly usual: number; readonly fits: (bits: number) => boolean }>
> = {
  rsa: { usual: 2048, fits: (bits) => bits >= 768 && bits <= 16384 },
  dsa: { usual: 1024, fits: (bits) => bits === 1024 },
  ecdsa: { usual: 384, fits: (bits) => [256, 384, 521].includes(bits) },
};

/**
 * @param before type and bits so far, when there are any
 * @throws Failure OpPrereqError wrong_input for a size that such keys can't have (ssh.DetermineKeyBits)
 */
export function keyBits(
  type: SshKeyType,
  asked: number | null,
  before?: { readonly type: SshKeyType; readonly bits: number },
): number {
  const bits = asked ?? (before?.type === type ? before.bits : keySizes[type].usual);
  if (keySizes[type].fits(bits)) return bits;
  throw prerequisiteFailure(
    `Invalid key type and bit size combination: ${type} with ${bits} bits`,
    ErrorCode.invalid,
  );
}

/** root's folder; below `root` on a virtual node, which must not touch the machine's own. */
export function sshFolder(root: string): string {
  return join(root === '' ? homedir() : join(root, 'root'), '.ssh');
}

export const privateKeyFile = (folder: string, type: SshKeyType) => join(folder, `id_${type}`);

/** Of a new pair that isn't in use yet. */
export const preparedKeyFile = (folder: string, type: SshKeyType) => join(folder, `id_${type}.ganeti-new`);

const authorizedFile = (folder: string) => join(folder, 'authorized_keys');

/** undefined when there is none. */
export function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Type and material of a public key: what makes two lines the same key, whatever their comments. */
export function keyMaterial(line: string): string {
  return line.trim().split(/\s+/).slice(0, 2).join(' ');
}

/** The text with the lines that it doesn't have yet. */
export function withLines(text: string, lines: readonly string[]): string {
  const have = new Set(text.split('\n').map((line) => line.trim()));
  const tidy = lines.map((line) => line.trim()).filter((line) => line !== '' && !have.has(line));
  const missing = [...new Set(tidy)];
  if (missing.length === 0) return text;
  return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`;
}

/** The text of authorized_keys without the lines of these keys; options before a key don't hide it. */
export function withoutKeys(text: string, keys: readonly string[]): string {
  const materials = keys.map(keyMaterial).filter((material) => material !== '');
  return text
    .split('\n')
    .filter((line) => !materials.some((material) => line.includes(material)))
    .join('\n');
}

/** Public keys by the node's uuid, from the text of ganeti_pub_keys: "uuid type material comment" lines. */
export function parsePublicKeys(text: string): Record<string, string[]> {
  const keys: Record<string, string[]> = {};
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    if (at <= 0) continue;
    const uuid = line.slice(0, at);
    keys[uuid] = [...(keys[uuid] ?? []), line.slice(at + 1).trim()];
  }
  return keys;
}

export function formatPublicKeys(keys: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(keys)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([uuid, own]) => own.map((key) => `${uuid} ${key}\n`))
    .join('');
}

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
}

/**
 * Makes a key pair unless the file is there.
 * @param bits of an RSA or ECDSA key; DSA keys have 1024
 * @returns the public key, and whether it is new
 * @throws Failure CommandError when ssh-keygen doesn't make such keys
 */
export async function ensureKeyPair(
  file: string,
  type: SshKeyType,
  bits: number,
): Promise<{ readonly publicKey: string; readonly made: boolean }> {
  const made = (await stat(file).catch(() => undefined)) === undefined;
  if (made) {
    await makeFolder(dirname(file));
    await rm(`${file}.pub`, { force: true });
    const size = String(type === 'dsa' ? 1024 : bits);
    await runChecked(['ssh-keygen', '-q', '-t', type, '-b', size, '-N', '', '-f', file], {
      timeoutMs: 120_000,
    });
  }
  const shown = await readText(`${file}.pub`);
  if (shown !== undefined) return { publicKey: shown.trim(), made };
  const derived = (await runChecked(['ssh-keygen', '-y', '-f', file], { timeoutMs: 30_000 })).stdout;
  return { publicKey: derived.trim(), made };
}

/** The prepared pair takes the place of the one in use; moved already, or never prepared: fine. */
export async function usePreparedKey(folder: string, type: SshKeyType): Promise<void> {
  const prepared = preparedKeyFile(folder, type);
  const used = privateKeyFile(folder, type);
  for (const suffix of ['', '.pub']) {
    await rename(`${prepared}${suffix}`, `${used}${suffix}`).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

export async function dropKeyPair(file: string): Promise<void> {
  for (const suffix of ['', '.pub']) await rm(`${file}${suffix}`, { force: true });
}

/** What a cluster has added to this machine's SSH setup, so that leaving it takes away that and nothing else. */
export interface SshSetup {
  /** Lines of authorized_keys. */
  readonly authorized: readonly string[];
  /** The type of root's key pair, when the cluster has made it. */
  readonly key: SshKeyType | null;
}

/** @returns undefined where no cluster has noted anything */
export async function readSshSetup(file: string): Promise<SshSetup | undefined> {
  const text = await readText(file);
  return text === undefined ? undefined : (JSON.parse(text) as SshSetup);
}

/**
 * Lets keys in and keeps others out, and notes what was added.
 * @param setupFile where it is noted (paths.sshSetup)
 */
export async function changeAuthorizedKeys(
  folder: string,
  setupFile: string,
  change: {
    readonly authorize: readonly string[];
    readonly forget?: readonly string[];
    readonly key?: SshKeyType;
  },
): Promise<void> {
  const { authorize, forget = [] } = change;
  const noted = (await readSshSetup(setupFile)) ?? { authorized: [], key: null };
  const before = (await readText(authorizedFile(folder))) ?? '';
  const kept = withoutKeys(before, forget);
  const present = new Set(kept.split('\n').map(keyMaterial));
  const added = authorize.filter((line) => !present.has(keyMaterial(line)));
  const after = withLines(kept, added);
  const gone = new Set(forget.map(keyMaterial));
  const setup: SshSetup = {
    authorized: [...noted.authorized.filter((line) => !gone.has(keyMaterial(line))), ...added],
    key: change.key ?? noted.key,
  };
  // Noted first: what is noted and never added does no harm when it is taken away.
  if (JSON.stringify(setup) !== JSON.stringify(noted)) {
    await mkdir(dirname(setupFile), { recursive: true, mode: 0o755 });
    await writeFileAtomic(setupFile, `${JSON.stringify(setup)}\n`, { mode: 0o600 });
  }
  if (after === before) return;
  await makeFolder(folder);
  await writeFileAtomic(authorizedFile(folder), after, { mode: 0o600 });
}

/** Takes away what a cluster has added; keys that root had before stay. */
export async function leaveSshSetup(folder: string, { authorized, key }: SshSetup): Promise<void> {
  const lines = [...authorized];
  if (key !== null) {
    const file = privateKeyFile(folder, key);
    lines.push((await readText(`${file}.pub`)) ?? '');
    await dropKeyPair(file);
    await dropKeyPair(preparedKeyFile(folder, key));
  }
  const before = await readText(authorizedFile(folder));
  if (before === undefined) return;
  const after = withoutKeys(before, lines);
  if (after !== before) await writeFileAtomic(authorizedFile(folder), after, { mode: 0o600 });
}
