/** OP_BACKUP_REMOVE: the exports of an instance go from every node; the instance itself may be gone long since. */

import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { instanceNamed } from '../../model/lookup.ts';
import { exportList } from '../../noderpc/calls/export.ts';
import { offlineReason, reasonOf } from '../../noderpc/reply.ts';
import { BackupRemove } from '../../opcodes/backup.ts';
import { type JobHandle, operation } from '../operation.ts';
import { removeExport } from '../steps/transfer.ts';

interface RemovePlan {
  readonly configuration: Configuration;
  readonly name: string;
  /** No instance has that name. */
  readonly isUnknown: boolean;
}

/** Every node, exclusive: an export may be anywhere, and none may grow meanwhile. */
export function everyNode(configuration: Configuration, mode: LockRequest['mode']): LockRequest[] {
  return configuration.nodes.values().map((node) => ({ level: 'node', name: node.uuid, mode }));
}

export interface FoundExports {
  /** Uuids of nodes that have an export of that name. */
  readonly holders: readonly string[];
  readonly failures: readonly (readonly [string, string])[];
}

/** Asks `nodes` which of them have an export of `name`. */
export async function findExports(
  job: JobHandle,
  nodes: readonly string[],
  name: string,
): Promise<FoundExports> {
  const replies = await job.world.nodes.callAll(nodes, exportList, {});
  const holders = nodes.filter((uuid) => {
    const reply = replies.get(uuid);
    return reply?.kind === 'answered' && reply.value.includes(name);
  });
  const failures = nodes.flatMap((uuid): [string, string][] => {
    const reply = replies.get(uuid);
    if (reply === undefined || reply.kind === 'answered') return [];
    return [[uuid, reply.kind === 'offline' ? offlineReason : reply.message]];
  });
  return { holders, failures };
}

function knownName(configuration: Configuration, name: string): string | undefined {
  try {
    return instanceNamed(configuration, name).name;
  } catch {
    return undefined;
  }
}

export const backupRemove = operation({
  opcode: BackupRemove,
  steps: [removeExport],
  locks: (_op, configuration) => everyNode(configuration, 'exclusive'),
  plan: async (op, { configuration }): Promise<RemovePlan> => {
    const known = knownName(configuration, op.instance_name);
    return { configuration, name: known ?? op.instance_name, isUnknown: known === undefined };
  },
  run: async ({ configuration, name, isUnknown }, job) => {
    const nodes = configuration.nodes.values().map((node) => node.uuid);
    const nameOf = (uuid: string) => configuration.nodes.get(uuid)!.name;
    const { holders, failures } = await findExports(job, nodes, name);
    for (const [node, message] of failures)
      job.warn(`Failed to query node ${nameOf(node)} (continuing): ${message}`);
    for (const node of holders) {
      try {
        await job.do(removeExport, { node, name });
      } catch (error) {
        job.signal.throwIfAborted();
        job.warn(`Could not remove export for instance ${name} on node ${nameOf(node)}: ${reasonOf(error)}`);
      }
    }
    if (isUnknown && holders.length === 0) {
      job.say(
        'Export not found. If trying to remove an export belonging to a deleted instance please use its' +
          ' Fully Qualified Domain Name.',
      );
    }
    return null;
  },
});
