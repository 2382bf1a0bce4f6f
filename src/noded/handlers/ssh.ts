/** Node calls about root's SSH keys. */
import { readFile, rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import * as keys from '../../kit/ssh-keys.ts';
import * as calls from '../../noderpc/calls/ssh.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { NodeContext } from '../context.ts';
import { createTurns } from '../in-turn.ts';

/** Makes root's key, and notes that it is the cluster's when it is new. */
export async function ensureRootKey(
  { paths }: Pick<NodeContext, 'paths'>,
  type: keys.SshKeyType,
  bits: number,
): Promise<string> {
  const folder = keys.sshFolder(paths.root);
  const { publicKey, made } = await keys.ensureKeyPair(keys.privateKeyFile(folder, type), type, bits);
  await keys.changeAuthorizedKeys(folder, paths.sshSetup, {
    authorize: [publicKey],
    ...(made ? { key: type } : {}),
  });
  return publicKey;
}

async function activate(
  { paths }: NodeContext,
  type: keys.SshKeyType,
  before: keys.SshKeyType,
): Promise<void> {
  const folder = keys.sshFolder(paths.root);
  await keys.usePreparedKey(folder, type);
  const noted = await keys.readSshSetup(paths.sshSetup);
  // A pair of another type that the cluster has not made is root's own.
  if (before !== type && noted?.key === before) await keys.dropKeyPair(keys.privateKeyFile(folder, before));
  await keys.changeAuthorizedKeys(folder, paths.sshSetup, {
    authorize: [(await readFile(`${keys.privateKeyFile(folder, type)}.pub`, 'utf8')).trim()],
    key: type,
  });
}

/** node_ssh_key_ensure, _stage, _unstage, _activate and node_ssh_update; they take turns. */
export function sshHandlers(context: NodeContext): NodeHandler[] {
  const { paths } = context;
  const folder = keys.sshFolder(paths.root);
  const turns = createTurns();
  const inTurn = <T>(work: () => Promise<T>) => turns('ssh', work);
  return [
    answers(calls.sshKeyEnsure, ({ type, bits }) =>
      inTurn(async () => ({
        publicKey: await ensureRootKey(context, type, bits),
        known: keys.parsePublicKeys((await keys.readText(paths.sshPublicKeys)) ?? ''),
      })),
    ),
    answers(calls.sshKeyStage, ({ type, bits }) =>
      inTurn(async () => {
        const file = keys.preparedKeyFile(folder, type);
        return { publicKey: (await keys.ensureKeyPair(file, type, bits)).publicKey };
      }),
    ),
    answers(calls.sshKeyUnstage, ({ type }) =>
      inTurn(async () => {
        await keys.dropKeyPair(keys.preparedKeyFile(folder, type));
        return null;
      }),
    ),
    answers(calls.sshKeyActivate, ({ type, before }) =>
      inTurn(async () => {
        await activate(context, type, before);
        return null;
      }),
    ),
    answers(calls.sshUpdate, ({ authorize, forget, known }) =>
      inTurn(async () => {
        await keys.changeAuthorizedKeys(folder, paths.sshSetup, { authorize, forget });
        if (known === null) await rm(paths.sshPublicKeys, { force: true });
        else await writeFileAtomic(paths.sshPublicKeys, keys.formatPublicKeys(known), { mode: 0o600 });
        return null;
      }),
    ),
  ];
}
