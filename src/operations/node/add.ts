/** OP_NODE_ADD: a host whose daemon already runs with the cluster's certificate becomes a member. */

import { isIP } from 'node:net';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { resolveHost } from '../../kit/resolve.ts';
import type { Configuration } from '../../model/configuration.ts';
import { groupNamed, masterNode, nodesOf } from '../../model/lookup.ts';
import type { Node } from '../../model/objects/node.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { filledNode } from '../../model/params/fill.ts';
import {
  nodeCryptoTokens,
  nodeDemoteFromCandidate,
  nodeHasIpAddress,
  version,
  vgList,
} from '../../noderpc/calls/node.ts';
import { nodeVerify } from '../../noderpc/calls/verify.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { NodeAdd } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { uploadAncillaryFiles } from '../cluster/ancillary-files.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { addHostsEntry, enrol, putNode } from '../steps/node.ts';
import { followRoles, followSsh } from '../steps/ssh.ts';
import { configureSwitch, setSwitchUp } from '../steps/switch.ts';
import { hasRoom } from './candidate-pool.ts';
import { joiningKey } from './joining.ts';
import { changedSettings } from './settings.ts';

type Op = OpcodeOf<typeof NodeAdd>;

/** Seconds that clocks may differ (constants.NODE_MAX_CLOCK_SKEW). */
const clockSkew = 150;

interface AddPlan {
  readonly configuration: Configuration;
  readonly node: Node;
  readonly before: Node | null;
  readonly readd: boolean;
  /** Its SSH was set up, and the other nodes have to know of it. */
  readonly nodeSetup: boolean;
  readonly key: string;
}

function groupOf(configuration: Configuration, name: string | null): NodeGroup {
  if (name !== null) return groupNamed(configuration, name);
  const groups = configuration.nodegroups.values();
  if (groups.length > 1) {
    throw prerequisiteFailure(
      'More than one node group exists. Target group must be specified explicitly.',
      ErrorCode.invalid,
    );
  }
  return groups[0]!;
}

function checkAddresses(
  configuration: Configuration,
  name: string,
  primary: string,
  secondary: string,
): void {
  if (isIP(secondary) !== 4) {
    throw prerequisiteFailure(
      `Secondary IP (${secondary}) needs to be a valid IPv4 address`,
      ErrorCode.invalid,
    );
  }
  for (const other of configuration.nodes) {
    if (other.name === name) continue;
    if ([primary, secondary].some((ip) => ip === other.primary_ip || ip === other.secondary_ip)) {
      throw prerequisiteFailure(
        `New node ip address(es) conflict with existing node ${other.name}`,
        ErrorCode.notUnique,
      );
    }
  }
  const master = masterNode(configuration);
  const masterSingleHomed = master.primary_ip === master.secondary_ip;
  if (masterSingleHomed !== (primary === secondary)) {
    throw prerequisiteFailure(
      masterSingleHomed
        ? 'The master has no secondary ip but the new node has one'
        : "The master has a secondary ip but the new node doesn't have one",
      ErrorCode.invalid,
    );
  }
}

function flagsOf(op: Op, before: Node | undefined): Pick<Node, 'master_capable' | 'vm_capable'> {
  return {
    master_capable: op.master_capable ?? before?.master_capable ?? true,
    vm_capable: op.vm_capable ?? before?.vm_capable ?? true,
  };
}

function requireNoInstances(configuration: Configuration, node: Node): void {
  const isUsed = configuration.instances
    .values()
    .some((each) => nodesOf(configuration, each).includes(node.uuid));
  if (!isUsed) return;
  throw prerequisiteFailure(
    `Node ${node.name} being re-added with vm_capable flag set to false, but it already holds instances`,
    ErrorCode.state,
  );
}

async function plan(op: Op, context: PlanContext): Promise<AddPlan> {
  const { configuration, reservations, owner } = context;
  const family = configuration.cluster.primary_ip_family === 10 ? 6 : 4;
  const host = await resolveHost(op.node_name, context.paths.etcHosts, family);
  const before = configuration.nodes.byName(host.name);
  if (before !== undefined && !op.readd) {
    throw prerequisiteFailure(`Node ${host.name} is already in the configuration`, ErrorCode.exists);
  }
  if (before === undefined && op.readd)
    throw prerequisiteFailure(`Node ${host.name} is not in the configuration`, ErrorCode.unknown);
  if (op.readd && op.group !== null)
    throw prerequisiteFailure('Cannot pass a node group when a node is being readded', ErrorCode.invalid);
  const secondary = op.secondary_ip ?? before?.secondary_ip ?? host.ip;
  if (before !== undefined && before.secondary_ip !== secondary) {
    throw prerequisiteFailure(
      "Readded node doesn't have the same IP address configuration as before",
      ErrorCode.invalid,
    );
  }
  checkAddresses(configuration, host.name, host.ip, secondary);
  const group = before === undefined ? groupOf(configuration, op.group).uuid : before.group;
  const flags = flagsOf(op, before);
  if (before !== undefined && !flags.vm_capable) requireNoInstances(configuration, before);
  const candidate = flags.master_capable && hasRoom(configuration, before === undefined ? [] : [before.uuid]);
  if (op.readd) context.info('Readding a node, the offline/drained flags were reset');
  if (candidate) context.info('Node will be a master candidate');
  const node: Node = {
    ...before,
    uuid: before?.uuid ?? reservations.generateUuid(owner),
    serial_no: before?.serial_no ?? 1,
    ctime: before?.ctime ?? context.now(),
    mtime: context.now(),
    tags: [...(before?.tags ?? [])],
    name: host.name,
    primary_ip: host.ip,
    secondary_ip: secondary,
    group,
    master_candidate: candidate,
    offline: false,
    drained: false,
    powered: true,
    ndparams: before?.ndparams ?? {},
    ...flags,
  };
  return {
    configuration,
    node: { ...node, ...changedSettings(op, node) },
    before: before ?? null,
    readd: op.readd,
    nodeSetup: op.node_setup,
    key: joiningKey(host.name, host.ip),
  };
}

/** What the host itself must fulfil: the right version, clock, volume group and addresses. */
async function examine({ configuration, node, key }: AddPlan, job: JobHandle): Promise<void> {
  const { nodes, now } = job.world;
  const master = masterNode(configuration);
  const [own, its] = await Promise.all([nodes.call(master.uuid, version, {}), nodes.call(key, version, {})]);
  if (own.protocol !== its.protocol) {
    throw executionFailure(`Version mismatch master version ${own.protocol}, node version ${its.protocol}`);
  }
  const { time } = await nodes.call(key, nodeVerify, nodeVerify.argument.parse({}));
  const drift = Math.abs(time - now());
  if (drift > clockSkew) {
    throw executionFailure(
      `Node ${node.name}'s clock differs from the master's by ${Math.round(drift)} s (at most ${clockSkew} s are allowed): set it right, then run this command again`,
    );
  }
  if (!(await nodes.call(key, nodeHasIpAddress, { address: node.secondary_ip }))) {
    throw executionFailure(
      `Node claims it doesn't have the secondary ip you gave (${node.secondary_ip}) - please fix and re-run this command`,
    );
  }
  const group = configuration.cluster.volume_group_name;
  if (node.vm_capable && group && !(await nodes.call(key, vgList, {}))[group]) {
    throw executionFailure(`Checks on node ${node.name} failed: volume group '${group}' missing`);
  }
}

/** A node that was a candidate once may have old copies still. */
async function forgetCandidacy(node: Node, job: JobHandle): Promise<void> {
  try {
    await job.world.nodes.call(node.uuid, nodeDemoteFromCandidate, {});
  } catch (error) {
    job.warn(`Node failed to demote itself from master candidate status: ${messageOf(error)}`);
  }
}

async function run(plan: AddPlan, job: JobHandle): Promise<null> {
  const { configuration, node, before, readd, nodeSetup, key } = plan;
  const { cluster } = configuration;
  await job.do(enrol, { key, name: node.name, modifySsh: cluster.modify_ssh_setup });
  await examine(plan, job);
  if (cluster.modify_etc_hosts) {
    await job.do(addHostsEntry, { master: cluster.master_node, host: node.name, ip: node.primary_ip });
  }
  await setSwitchUp(key, filledNode(cluster, configuration.nodegroups.get(node.group), node), job);
  let digest: string | null = null;
  if (node.master_candidate) {
    try {
      digest = (await job.world.nodes.call(key, nodeCryptoTokens, { action: 'get' })).digest;
    } catch (error) {
      throw executionFailure(`Can't read the client certificate of ${node.name}: ${reasonOf(error)}`, error);
    }
  }
  await job.do(putNode, {
    node: node as never,
    digest,
    before: before as never,
    digestBefore: before === null ? null : (cluster.candidate_certs[before.uuid] ?? null),
  });
  await job.keep();
  if (readd && !node.master_candidate) await forgetCandidacy(node, job);
  if (nodeSetup) await followRoles(job);
  await uploadAncillaryFiles(job, undefined, [node.uuid]);
  if (cluster.modify_etc_hosts) await uploadAncillaryFiles(job, [job.world.paths.etcHosts]);
  return null;
}

export const nodeAdd = operation({
  opcode: NodeAdd,
  steps: [enrol, addHostsEntry, configureSwitch, putNode, followSsh],
  locks: () => [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }],
  plan,
  hooks: (op, { node }, configuration) => ({
    path: 'node-add',
    objectType: 'NODE',
    env: {
      OP_TARGET: op.node_name,
      NODE_NAME: node.name,
      NODE_PIP: node.primary_ip,
      NODE_SIP: node.secondary_ip,
      MASTER_CAPABLE: node.master_capable ? 'True' : 'False',
      VM_CAPABLE: node.vm_capable ? 'True' : 'False',
    },
    preNodes: configuration.nodes.values().map((each) => each.uuid),
    postNodes: [...configuration.nodes.values().map((each) => each.uuid), node.uuid],
  }),
  run,
});
