/** Node calls about root's SSH keys: each candidate can log in on every node (ssh_key_add and its like in Ganeti). */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

const KeyType = z.enum(['rsa', 'dsa', 'ecdsa']);
/** Public keys by the node's uuid. */
const PublicKeys = z.record(z.string(), z.array(z.string()));

/** Root's public key of that type, made when there is none, and the keys of the nodes as this one knows them. */
export const sshKeyEnsure = nodeCall({
  name: 'node_ssh_key_ensure',
  deadline: 150,
  effect: 'change',
  argument: z.object({ type: KeyType, bits: z.int() }),
  result: z.object({ publicKey: z.string(), known: PublicKeys }),
});

/** Prepares a new key pair beside the one in use; one that is prepared already is kept. Gives its public key. */
export const sshKeyStage = nodeCall({
  name: 'node_ssh_key_stage',
  deadline: 150,
  effect: 'change',
  argument: z.object({ type: KeyType, bits: z.int() }),
  result: z.object({ publicKey: z.string() }),
});

/** Throws away what was prepared. */
export const sshKeyUnstage = nodeCall({
  name: 'node_ssh_key_unstage',
  deadline: 60,
  effect: 'change',
  argument: z.object({ type: KeyType }),
  result: Done,
});

/** The prepared pair takes the place of the one in use; a pair of the type that was used before goes. */
export const sshKeyActivate = nodeCall({
  name: 'node_ssh_key_activate',
  deadline: 60,
  effect: 'change',
  argument: z.object({ type: KeyType, before: KeyType }),
  result: Done,
});

/** Who may log in as root here, who no longer; and the keys of all nodes where this node may become master. */
export const sshUpdate = nodeCall({
  name: 'node_ssh_update',
  deadline: 60,
  effect: 'change',
  argument: z.object({
    authorize: z.array(z.string()),
    forget: z.array(z.string()),
    /** null: this node is not to have the list. */
    known: PublicKeys.nullable(),
  }),
  result: Done,
});
