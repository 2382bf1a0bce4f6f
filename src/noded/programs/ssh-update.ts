/** ssh-update: keys are let in or kept out, the list of the nodes' keys is changed, root gets a new key. */
import * as z from 'zod';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import { pathsFor } from '../../kit/paths.ts';
import {
  changeAuthorizedKeys,
  dropKeyPair,
  ensureKeyPair,
  formatPublicKeys,
  parsePublicKeys,
  privateKeyFile,
  readText,
  sshFolder,
} from '../../kit/ssh-keys.ts';
import { readSsconf } from '../ssconf.ts';
import { readJoinInput, runJoinTool } from './join-input.ts';

const Keys = z.record(z.string(), z.array(z.string().min(1)));
const KeyType = z.enum(['rsa', 'dsa', 'ecdsa']);
const Input = z.object({
  cluster_name: z.string().min(1),
  node_daemon_certificate: z.string().optional(),
  public_keys: z.tuple([z.enum(['add', 'remove', 'override', 'clear', 'replace_or_add']), Keys]).optional(),
  authorized_keys: z.tuple([z.enum(['add', 'remove']), Keys]).optional(),
  /** Type, bits, and what is appended to the file's name. */
  generate: z.tuple([KeyType, z.int().positive(), z.string().regex(/^[A-Za-z0-9._-]*$/)]).optional(),
  ssh_key_type: KeyType.optional(),
  ssh_key_bits: z.int().positive().optional(),
});

type PublicKeys = NonNullable<z.output<typeof Input>['public_keys']>;

/** The list after the change (ssh.AddPublicKey and its like). */
export function changedPublicKeys(
  before: Record<string, string[]>,
  [action, keys]: PublicKeys,
): typeof before {
  switch (action) {
    case 'clear':
      return {};
    case 'override':
      return keys;
    case 'replace_or_add':
      return { ...before, ...keys };
    case 'remove':
      return Object.fromEntries(Object.entries(before).filter(([uuid]) => !(uuid in keys)));
    default: {
      const result = { ...before };
      for (const [uuid, own] of Object.entries(keys))
        result[uuid] = [...new Set([...(result[uuid] ?? []), ...own])];
      return result;
    }
  }
}

export function sshUpdate(argv: readonly string[]): Promise<number> {
  return runJoinTool('ssh-update', argv, async ({ flags }, log) => {
    const data = await readJoinInput(Input);
    const paths = pathsFor();
    const here = await readSsconf(paths, 'cluster_name');
    if (here !== undefined && here !== data.cluster_name)
      throw new Failure('ConfigurationError', [`This machine belongs to another cluster ('${here}')`]);
    if (flags.has('dry-run')) {
      log.info('This is a dry run, nothing is written');
      return;
    }
    const folder = sshFolder(paths.root);
    if (data.authorized_keys !== undefined) {
      const [action, keys] = data.authorized_keys;
      const lines = Object.values(keys).flat();
      await changeAuthorizedKeys(
        folder,
        paths.sshSetup,
        action === 'add' ? { authorize: lines } : { authorize: [], forget: lines },
      );
    }
    if (data.public_keys !== undefined) {
      const before = parsePublicKeys((await readText(paths.sshPublicKeys)) ?? '');
      const after = changedPublicKeys(before, data.public_keys);
      await writeFileAtomic(paths.sshPublicKeys, formatPublicKeys(after), { mode: 0o600 });
    }
    if (data.generate !== undefined) {
      const [type, bits, suffix] = data.generate;
      const file = `${privateKeyFile(folder, type)}${suffix}`;
      await dropKeyPair(file);
      await ensureKeyPair(file, type, bits);
    }
  });
}
