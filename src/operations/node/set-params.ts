/** OP_NODE_SET_PARAMS: roles (offline, drained, candidate), capabilities and parameters of a node. */
import { ErrorCode, messageOf, notSupportedYet, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed, nodesOf } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';
import { changeLevel, enforceTypes, type ParameterValues } from '../../model/params/family.ts';
import { nodeParameters } from '../../model/params/node.ts';
import { nodeCryptoTokens, nodeDemoteFromCandidate, version } from '../../noderpc/calls/node.ts';
import { NodeSetParams } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { operation, type PlanContext } from '../operation.ts';
import { promoteCandidates } from '../steps/candidates.ts';
import { putNode } from '../steps/node.ts';
import { hasRoom, poolState } from './candidate-pool.ts';
import { fillCandidatePool } from './promotion.ts';

type Op = OpcodeOf<typeof NodeSetParams>;
type Role = 'candidate' | 'drained' | 'offline' | 'regular';

interface SetParamsPlan {
  readonly configuration: Configuration;
  readonly before: Node;
  readonly after: Node;
  readonly autoPromote: boolean;
  readonly changes: readonly (readonly [string, unknown])[];
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
      'Please pass only one of the master candidate, offline, drained flags',
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

function changesOf(before: Node, after: Node): [string, unknown][] {
  const changes: [string, unknown][] = [];
  for (const key of [
    'master_candidate',
    'drained',
    'offline',
    'master_capable',
    'vm_capable',
    'powered',
  ] as const) {
    if (before[key] !== after[key]) changes.push([key, after[key]]);
  }
  return changes;
}

async function plan(op: Op, context: PlanContext): Promise<SetParamsPlan> {
  const { configuration } = context;
  if (op.secondary_ip !== null) throw notSupportedYet('Changing the secondary address of a node');
  if (Object.keys({ ...op.hv_state, ...op.disk_state }).length > 0)
    throw notSupportedYet('Changing the hypervisor or disk state of a node');
  const before = nodeNamed(configuration, op.node_name);
  const wanted = wantedRole(op, before);
  const capable = op.master_capable ?? before.master_capable;
  const promote = wanted === 'promote-if-room' && capable && hasRoom(configuration, [before.uuid]);
  const role: Role = wanted === 'promote-if-room' ? (promote ? 'candidate' : 'regular') : wanted;
  checkRole(op, configuration, before, role);
  checkVmCapable(op, configuration, before);
  if (promote) context.info('Auto-promoting node to master candidate');
  if (op.offline === false && before.offline) {
    try {
      await context.nodes.call(before.uuid, version, {});
    } catch (error) {
      if (!op.force) {
        throw prerequisiteFailure(
          `Node ${before.name} is not reachable and can't be set online: ${messageOf(error)}`,
          ErrorCode.environment,
          error,
        );
      }
    }
    context.warn(
      'Transitioning node from offline to online state without using re-add. Please make sure the node is healthy!',
    );
  }
  const ndparams =
    op.ndparams === null
      ? before.ndparams
      : changeLevel(before.ndparams, enforceTypes(nodeParameters, op.ndparams as ParameterValues));
  const after: Node = {
    ...before,
    ...roleFlags[role],
    ndparams: { ...ndparams },
    master_capable: capable,
    vm_capable: op.vm_capable ?? before.vm_capable,
    powered: op.powered ?? before.powered,
  };
  return {
    configuration,
    before,
    after,
    autoPromote: op.auto_promote || role !== roleOf(before),
    changes: changesOf(before, after),
  };
}

export const nodeSetParams = operation({
  opcode: NodeSetParams,
  steps: [putNode, promoteCandidates],
  locks: (op, configuration) => [
    { level: 'node', name: nodeNamed(configuration, op.node_name).uuid, mode: 'exclusive' },
  ],
  plan,
  hooks: (op, { before, after }, configuration) => {
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
        MASTER_CAPABLE: text(after.master_capable),
        VM_CAPABLE: text(after.vm_capable),
      },
      preNodes: where,
      postNodes: where,
    };
  },
  run: async ({ configuration, before, after, autoPromote, changes }, job) => {
    const digestBefore = configuration.cluster.candidate_certs[before.uuid] ?? null;
    let digest = after.master_candidate ? digestBefore : null;
    if (after.master_candidate && digest === null) {
      digest = (await job.world.nodes.call(before.uuid, nodeCryptoTokens, { action: 'get' })).digest;
    }
    await job.do(putNode, { node: after as never, digest, before: before as never, digestBefore });
    await job.keep();
    if (autoPromote) await fillCandidatePool(job, [after.uuid]);
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
