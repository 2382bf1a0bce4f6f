/** Node calls about SSH keys, for nodes in memory. A key is the word for its type and how many came before it. */
import type { Handler, MachineState } from './machine.ts';

type KeyType = { readonly type: string };

let counter = 0;

function newKey(type: string): string {
  counter += 1;
  return `ssh-${type} key${counter}`;
}

/** Keys of nodes differ, and each world has its own: only their number tells them apart. */
function own(machine: MachineState, type: string): string {
  machine.ssh.key ??= newKey(type);
  return machine.ssh.key;
}

export const sshHandlers: Readonly<Record<string, Handler>> = {
  node_ssh_key_ensure: (machine, { type }: KeyType) => {
    const publicKey = own(machine, type);
    machine.ssh.authorized.add(publicKey);
    return { publicKey, known: structuredClone(machine.ssh.known ?? {}) };
  },
  node_ssh_key_stage: (machine, { type }: KeyType) => {
    machine.ssh.prepared ??= newKey(type);
    return { publicKey: machine.ssh.prepared };
  },
  node_ssh_key_unstage: (machine) => {
    machine.ssh.prepared = null;
    return null;
  },
  node_ssh_key_activate: (machine) => {
    machine.ssh.key = machine.ssh.prepared ?? machine.ssh.key;
    machine.ssh.prepared = null;
    if (machine.ssh.key !== null) machine.ssh.authorized.add(machine.ssh.key);
    return null;
  },
  node_ssh_update: (
    machine,
    {
      authorize,
      forget,
      known,
    }: { authorize: string[]; forget: string[]; known: Record<string, string[]> | null },
  ) => {
    for (const key of forget) machine.ssh.authorized.delete(key);
    for (const key of authorize) machine.ssh.authorized.add(key);
    machine.ssh.known = known;
    return null;
  },
};
