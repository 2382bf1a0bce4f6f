/**
 * New SSH keys for root on every node. A new pair is prepared beside the one in use, is let in everywhere, takes the
 * other's place, and only then the old keys are forgotten: whatever the point at which it stops, every candidate can
 * log in on every node, and the same command finishes the work.
 */
import * as z from 'zod';
import { executionFailure } from '../../kit/failure.ts';
import type { SshKeyType } from '../../kit/ssh-keys.ts';
import { sshKeyActivate, sshKeyEnsure, sshKeyStage, sshKeyUnstage } from '../../noderpc/calls/ssh.ts';
import { type JobHandle, step } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { clusterChange, setClusterFields } from '../steps/objects.ts';
import { accessOf, followSsh, onlineNodes, type SshFaults, spreadAccess } from '../steps/ssh.ts';
import type { Tell } from './renew-certificates.ts';

const Type = z.enum(['rsa', 'dsa', 'ecdsa']);
const NewKey = z.object({ nodes: z.array(z.string()), type: Type, bits: z.int() });

/** Undone by throwing the new pairs away; a node that can't be reached then keeps one that nobody knows. */
export const prepareSshKeys = step({
  name: 'prepare-ssh-keys',
  input: NewKey,
  run: async ({ nodes }, { nodes: targets, type, bits }) => {
    const keys: Record<string, string> = {};
    const faults = new Map<string, string>();
    for (const [uuid, reply] of await nodes.callAll(targets, sshKeyStage, { type, bits })) {
      if (reply.kind === 'answered') keys[uuid] = reply.value.publicKey;
      else faults.set(uuid, faultOf(reply) ?? 'it is offline');
    }
    return { keys, faults };
  },
  undo: async ({ nodes }, { nodes: targets, type }) => {
    await nodes.callAll(targets, sshKeyUnstage, { type });
  },
});

/** Wanted in any case: new keys beside the old ones do no harm. */
export const admitNewKeys = step({
  name: 'admit-new-ssh-keys',
  input: z.object({ keys: z.record(z.string(), z.string()) }),
  run: async ({ config, nodes }, { keys }): Promise<SshFaults> => {
    const { current } = config;
    const { master_node: master, ssh_key_type: type, ssh_key_bits: bits } = current.cluster;
    const both: Record<string, string[]> = {};
    const faults = new Map<string, string>();
    let before: Readonly<Record<string, readonly string[]>> = {};
    const targets = onlineNodes(current).map(({ uuid }) => uuid);
    for (const [uuid, reply] of await nodes.callAll(targets, sshKeyEnsure, { type, bits })) {
      if (reply.kind !== 'answered') {
        faults.set(uuid, faultOf(reply) ?? 'it is offline');
        continue;
      }
      const added = keys[uuid];
      both[uuid] = [reply.value.publicKey, ...(added === undefined ? [] : [added])];
      if (uuid === master) before = reply.value.known;
    }
    if (faults.size > 0) return faults;
    return await spreadAccess(nodes, current, { ...accessOf(current, both, before), forget: [] });
  },
  undo: 'none',
});

/** Wanted in any case: the new keys are let in everywhere when this begins. */
export const useNewKeys = step({
  name: 'use-new-ssh-keys',
  input: z.object({ nodes: z.array(z.string()), type: Type, before: Type }),
  run: async ({ nodes }, { nodes: targets, type, before }): Promise<SshFaults> => {
    const faults = new Map<string, string>();
    for (const [uuid, reply] of await nodes.callAll(targets, sshKeyActivate, { type, before })) {
      if (reply.kind !== 'answered') faults.set(uuid, faultOf(reply) ?? 'it is offline');
    }
    return faults;
  },
  undo: 'none',
});

/** @throws Failure OpExecError naming nodes without which the work can't go on */
export async function renewSshKeys(
  { type, bits }: { readonly type: SshKeyType; readonly bits: number },
  job: JobHandle,
  tell: Tell,
): Promise<void> {
  const { config } = job.world;
  const { ssh_key_type: before } = config.current.cluster;
  const nodes = onlineNodes(config.current).map(({ uuid }) => uuid);
  const require = (faults: SshFaults, what: string) => {
    if (faults.size === 0) return;
    const named = [...faults].map(
      ([uuid, fault]) => `Node ${config.current.nodes.get(uuid)?.name ?? uuid}: ${fault}`,
    );
    throw executionFailure(
      `${what}\n${named.sort().join('\n')}\nBring these nodes back, or mark them as offline; then run the same command again: it goes on where it stopped`,
    );
  };
  tell('Preparing new SSH keys', nodes);
  const { keys, faults } = await job.do(prepareSshKeys, { nodes, type, bits });
  require(faults, 'New SSH keys could not be prepared on some nodes:');
  await job.keep();
  tell('Letting the new SSH keys in', nodes);
  require(await job.do(admitNewKeys, { keys }), 'Some nodes could not be told the new SSH keys:');
  tell('Taking the new SSH keys into use', nodes);
  require(await job.do(useNewKeys, {
    nodes,
    type,
    before,
  }), 'Some nodes could not take their new SSH keys into use:');
  await job.do(
    setClusterFields,
    clusterChange(config.current.cluster, { ssh_key_type: type, ssh_key_bits: bits }),
  );
  await job.keep();
  tell('Keeping the old SSH keys out', nodes);
  require(await job.do(followSsh, {}), 'Some nodes still let the old SSH keys in:');
}
