/** OP_NODE_SET_PARAMS: roles (offline, drained, candidate), capabilities and parameters of a node. */

import { candidatePoolFault } from '../../config/rules.ts';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { pythonText } from '../../kit/python-text.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed, nodesOf } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledNode } from '../../model/params/fill.ts';
import { nodeCryptoTokens, nodeDemoteFromCandidate, version } from '../../noderpc/calls/node.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { NodeSetParams } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { promoteCandidates } from '../steps/candidates.ts';
import { putNode } from '../steps/node.ts';
import { followRoles, followSsh } from '../steps/ssh.ts';
import { hasRoom, poolState } from './candidate-pool.ts';
import { joiningKey } from './joining.ts';
import { fillCandidatePool } from './promotion.ts';
import { mirroredInstances, requireSecondaryAddress } from './secondary-address.ts';
import { changedSettings } from './settings.ts';

type Op = OpcodeOf<typeof NodeSetParams>;
type Role = 'candidate' | 'drained' | 'offline' | 'regular';

interface SetParamsPlan {
  readonly configuration: Configuration;
  readonly before: Node;
  readonly after: Node;
  readonly autoPromote: boolean;
  readonly changes: readonly (readonly [string, string])[];
}

const roleOf = (node: Node): Role =>
  node.offline ? 'offline' : node.drained ? 'drained' : node.master_candidate ? 'candidate' : 'regular';
const roleFlags: Readonly<Record<Role, Pick<Node, 'offline' | 'drained' | 'master_candidate'>>> = {
  candidate: { offline: false, drained: false, master_candidate: true },
  drained: { offline: false, drained: true, master_candidate: false },
  offline: { offline: true, drained: false, master_candidate: false },
  regular: { offline: false, drained: false, master_candidate: false },
};

/** The role that the flags of the request ask for. */
function wantedRole(op: Op, before: Node): Role | 'promote-if-room' {
  if (op.offline) return 'offline';
  if (op.drained) return 'drained';
  if (op.master_candidate) return 'candidate';
  if (op.master_candidate === false && roleOf(before) === 'candidate') return 'regular';
  const leaves = (op.offline === false && before.offline) || (op.drained === false && before.drained);
  if (leaves) return op.master_candidate === false ? 'regular' : 'promote-if-room';
  if (op.master_capable === false && before.master_candidate) return 'regular';
  return roleOf(before);
}

function checkRole(op: Op, configuration: Configuration, before: Node, role: Role): void {
  const flagged = [op.offline, op.drained, op.master_candidate].filter((flag) => flag === true).length;
  if (flagged > 1)
    throw prerequisiteFailure(
      "Can't set the node into more than one state at the same time",
      ErrorCode.invalid,
    );
  const isMaster = before.uuid === configuration.cluster.master_node;
  const touched = [op.offline, op.drained, op.master_candidate].some((flag) => flag !== null);
  if (isMaster && (touched || op.master_capable === false)) {
    throw prerequisiteFailure('The master role can be changed only via master-failover', ErrorCode.invalid);
  }
  if (op.master_candidate && !(op.master_capable ?? before.master_capable)) {
    throw prerequisiteFailure(
      `Node ${before.name} is not master capable, cannot make it a master candidate`,
      ErrorCode.state,
    );
  }
  const demoted = roleOf(before) === 'candidate' && role !== 'candidate';
  const { candidates, wanted } = poolState(configuration, [before.uuid]);
  if (demoted && op.master_candidate === false && !op.auto_promote && !op.force && candidates < wanted) {
    throw prerequisiteFailure(
      'Not enough master candidates, please pass auto promote option to allow promotion (--auto-promote or RAPI auto_promote=True)',
      ErrorCode.state,
    );
  }
}

function checkVmCapable(op: Op, configuration: Configuration, before: Node): void {
  if (op.vm_capable !== false) return;
  if (
    configuration.instances.find((instance) => nodesOf(configuration, instance).includes(before.uuid)) !==
    undefined
  ) {
    throw prerequisiteFailure(
      `Node ${before.name} hosts instances, cannot unset the vm_capable flag`,
      ErrorCode.state,
    );
  }
}

function changesOf(before: Node, after: Node): [string, string][] {
  const changes: [string, string][] = [];
  for (const key of [
    'master_capable',
    'vm_capable',
    'secondary_ip',
    'master_candidate',
    'drained',
    'offline',
    'powered',
  ] as const) {
    if (before[key] !== after[key]) changes.push([key, pythonText(after[key])]);
  }
  return changes;
}

const asked = (op: Op) => [
  op.offline,
  op.master_candidate,
  op.drained,
  op.master_capable,
  op.vm_capable,
  op.secondary_ip,
  op.ndparams,
  op.hv_state,
  op.disk_state,
  op.powered,
];

/** Only a node with a program for power control has a power state that can be set. */
function checkPower(op: Op, { cluster, nodegroups }: Configuration, node: Node): void {
  if (filledNode(cluster, nodegroups.get(node.group), node).oob_program !== '') {
    if (op.offline === false && !node.powered && op.powered !== true) {
      throw prerequisiteFailure(
        `Node ${node.name} needs to be turned on before its offline status can be reset`,
        ErrorCode.state,
      );
    }
  } else if (op.powered !== null) {
    throw prerequisiteFailure(
      `Unable to change powered state for node ${node.name} as it does not support out-of-band handling`,
      ErrorCode.state,
    );
  }
}

/** A node that comes back must answer. */
async function checkReturn(op: Op, context: PlanContext, before: Node, role: Role): Promise<void> {
  if (!before.offline || role === 'offline') return;
  try {
    await context.nodes.call(joiningKey(before.name, before.primary_ip), version, {});
  } catch (error) {
    if (!op.force) {
      throw prerequisiteFailure(
        `Node ${before.name} is being de-offlined but fails to report its version: ${reasonOf(error)}`,
        ErrorCode.state,
        error,
      );
    }
  }
  context.warn(
    'Transitioning node from offline to online state without using re-add. Please make sure the node is healthy!',
  );
}

function tellIneffective(op: Op, context: PlanContext, before: Node): void {
  for (const flag of ['master_candidate', 'drained', 'offline'] as const) {
    if (op[flag] === false && !before[flag])
      context.info(`Ignoring request to unset flag ${flag}, already unset`);
  }
}

async function plan(op: Op, context: PlanContext): Promise<SetParamsPlan> {
  const { configuration } = context;
  if (asked(op).every((value) => value === null))
    throw prerequisiteFailure('Please pass at least one modification', ErrorCode.invalid);
  const before = nodeNamed(configuration, op.node_name);
  const wanted = wantedRole(op, before);
  const capable = op.master_capable ?? before.master_capable;
  const promote = wanted === 'promote-if-room' && capable && hasRoom(configuration, [before.uuid]);
  const role: Role = wanted === 'promote-if-room' ? (promote ? 'candidate' : 'regular') : wanted;
  checkRole(op, configuration, before, role);
  checkVmCapable(op, configuration, before);
  tellIneffective(op, context, before);
  checkPower(op, configuration, before);
  if (promote) context.info('Auto-promoting node to master candidate');
  if (op.master_capable === false && before.master_candidate) context.info('Demoting from master candidate');
  await checkReturn(op, context, before, role);
  if (op.secondary_ip !== null) await requireSecondaryAddress(context, before, op.secondary_ip, op.force);
  const after: Node = {
    ...before,
    ...roleFlags[role],
    ...changedSettings(op, before),
    master_capable: capable,
    vm_capable: op.vm_capable ?? before.vm_capable,
    powered: op.powered ?? before.powered,
    secondary_ip: op.secondary_ip ?? before.secondary_ip,
  };
  return {
    configuration,
    before,
    after,
    autoPromote: op.auto_promote || role !== roleOf(before),
    changes: changesOf(before, after),
  };
}

function locksOf(op: Op, configuration: Configuration): LockRequest[] {
  const node = nodeNamed(configuration, op.node_name);
  const instances = op.secondary_ip === null ? [] : mirroredInstances(configuration, node);
  return [
    ...instances.map(({ name }): LockRequest => ({ level: 'instance', name, mode: 'shared' })),
    { level: 'node', name: node.uuid, mode: 'exclusive' },
  ];
}

/** Too few candidates are worth a line, though the pool may be filled in a moment. */
function tellOfPool(job: JobHandle): void {
  const fault = candidatePoolFault(job.world.config.current);
  if (fault !== undefined) job.say(`Configuration data is not consistent: ${fault}`);
}

export const nodeSetParams = operation({
  opcode: NodeSetParams,
  steps: [putNode, promoteCandidates, followSsh],
  locks: locksOf,
  plan,
  hooks: (op, { before }, configuration) => {
    const where = [...new Set([configuration.cluster.master_node, before.uuid])];
    const text = (flag: boolean | null) => (flag === null ? 'None' : flag ? 'True' : 'False');
    return {
      path: 'node-modify',
      objectType: 'NODE',
      env: {
        OP_TARGET: op.node_name,
        MASTER_CANDIDATE: text(op.master_candidate),
        OFFLINE: text(op.offline),
        DRAINED: text(op.drained),
        MASTER_CAPABLE: text(op.master_capable),
        VM_CAPABLE: text(op.vm_capable),
      },
      preNodes: where,
      postNodes: where,
    };
  },
  run: async ({ configuration, before, after, autoPromote, changes }, job) => {
    const digestBefore = configuration.cluster.candidate_certs[before.uuid] ?? null;
    let digest = after.master_candidate ? digestBefore : null;
    if (after.master_candidate && digest === null) {
      // By its address: until the commit below, a node that comes back still counts as offline.
      const key = joiningKey(before.name, before.primary_ip);
      digest = (await job.world.nodes.call(key, nodeCryptoTokens, { action: 'get' })).digest;
    }
    await job.do(putNode, { node: after as never, digest, before: before as never, digestBefore });
    await job.keep();
    tellOfPool(job);
    if (autoPromote) await fillCandidatePool(job, [after.uuid]);
    if (roleOf(before) !== roleOf(after) || before.master_capable !== after.master_capable)
      await followRoles(job);
    if (before.master_candidate && !after.master_candidate && !after.offline) {
      try {
        await job.world.nodes.call(before.uuid, nodeDemoteFromCandidate, {});
      } catch (error) {
        job.warn(`Node failed to demote itself: ${messageOf(error)}`);
      }
    }
    return changes.map((change) => [...change]);
  },
});
