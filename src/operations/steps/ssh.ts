/**
 * Who may log in where as root: the keys of all master candidates on every node, and on nodes that may become
 * master the list of all nodes' keys. It follows from the configuration, so there is one step for every change of
 * roles, and doing it again mends what an earlier run missed.
 */
import * as z from 'zod';
import { keyMaterial } from '../../kit/ssh-keys.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { NodeCaller } from '../../noderpc/call.ts';
import { sshKeyEnsure, sshUpdate } from '../../noderpc/calls/ssh.ts';
import { nodesByName } from '../node/wanted.ts';
import { type JobHandle, step } from '../operation.ts';
import { faultOf } from '../replies.ts';

type Keys = Readonly<Record<string, readonly string[]>>;

/** Why nodes did not take part, by uuid. */
export type SshFaults = ReadonlyMap<string, string>;

export interface SshAccess {
  readonly authorize: readonly string[];
  readonly forget: readonly string[];
  readonly known: Keys;
}

/**
 * @param now keys that nodes have, by uuid
 * @param before keys that the list has
 */
export function accessOf(configuration: Configuration, now: Keys, before: Keys): SshAccess {
  const known: Record<string, readonly string[]> = {};
  const authorize: string[] = [];
  for (const { uuid, master_candidate: isCandidate } of nodesByName(configuration)) {
    const own = now[uuid] ?? before[uuid] ?? [];
    if (own.length > 0) known[uuid] = own;
    if (isCandidate) authorize.push(...own);
  }
  const wanted = new Set(authorize.map(keyMaterial));
  const mentioned = [...Object.values(before), ...Object.values(known)].flat();
  const forget = [...new Set(mentioned)].filter((key) => !wanted.has(keyMaterial(key)));
  return { authorize, forget, known };
}

export const onlineNodes = (configuration: Configuration) =>
  nodesByName(configuration).filter(({ offline }) => !offline);

/** Tells every node; faults of single nodes don't stop the others. */
export async function spreadAccess(
  nodes: NodeCaller,
  configuration: Configuration,
  access: SshAccess,
): Promise<Map<string, string>> {
  const faults = new Map<string, string>();
  const argument = (uuid: string) => {
    const node = configuration.nodes.get(uuid);
    const own = new Set((access.known[uuid] ?? []).map(keyMaterial));
    return {
      authorize: [...access.authorize],
      // A node may always log in on itself.
      forget: access.forget.filter((key) => !own.has(keyMaterial(key))),
      known: node?.master_capable
        ? Object.fromEntries(Object.entries(access.known).map(([name, keys]) => [name, [...keys]]))
        : null,
    };
  };
  const targets = onlineNodes(configuration).map(({ uuid }) => uuid);
  for (const [uuid, reply] of await nodes.callAll(targets, sshUpdate, argument)) {
    const fault = faultOf(reply);
    if (fault !== undefined) faults.set(uuid, fault);
  }
  return faults;
}

/** Wanted in any case: it says again what follows from the configuration. */
export const followSsh = step({
  name: 'follow-ssh',
  input: z.object({}),
  run: async ({ config, nodes }): Promise<SshFaults> => {
    const { current } = config;
    const { master_node: master, ssh_key_type: type, ssh_key_bits: bits } = current.cluster;
    const targets = onlineNodes(current).map(({ uuid }) => uuid);
    const replies = await nodes.callAll(targets, sshKeyEnsure, { type, bits });
    const now: Record<string, string[]> = {};
    const faults = new Map<string, string>();
    let before: Keys = {};
    for (const [uuid, reply] of replies) {
      if (reply.kind !== 'answered') {
        faults.set(uuid, faultOf(reply) ?? 'it is offline');
        continue;
      }
      now[uuid] = [reply.value.publicKey];
      if (uuid === master) before = reply.value.known;
    }
    for (const [uuid, fault] of await spreadAccess(nodes, current, accessOf(current, now, before)))
      faults.set(uuid, fault);
    return faults;
  },
  undo: 'none',
});

/** To be called after `keep`, when roles or nodes have changed; nodes that miss it are told of. */
export async function followRoles(job: JobHandle): Promise<void> {
  const { config } = job.world;
  if (!config.current.cluster.modify_ssh_setup) return;
  const faults = await job.do(followSsh, {});
  for (const [uuid, fault] of faults) {
    job.warn(
      `The SSH keys on node ${config.current.nodes.get(uuid)?.name ?? uuid} could not be brought up to date: ${fault}`,
      "When the node is back, 'gnt-cluster renew-crypto --new-ssh-keys' puts them right",
    );
  }
}
