/** OP_INSTANCE_REPLACE_DISKS: which disks get new storage, on which node (cmdlib TLReplaceDisks). */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed, nodesOf, secondariesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Node } from '../../../model/objects/node.ts';
import { blockdevFind, blockdevStatus } from '../../../noderpc/calls/disk.ts';
import type { InstanceReplaceDisks } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { primaryOf, requireNotDrained, requireOnline, requireVmCapable } from '../../checks.ts';
import { disksOnNode } from '../../on-node.ts';
import type { PlanContext } from '../../operation.ts';
import { chooseNewSecondary } from '../choose-nodes.ts';
import { requireDiskSpace } from '../create-checks.ts';
import { requireNodePolicy } from '../policy.ts';

export type Op = OpcodeOf<typeof InstanceReplaceDisks>;

export interface ReplacedDisk {
  readonly index: number;
  readonly before: Disk;
  /** With the new secondary's end, when there is one. */
  readonly after: Disk;
}

export interface ReplacePlan {
  /** `nothing`: no disk needs it; `storage`: new volumes on `target`; `secondary`: `newNode` instead of `target`. */
  readonly kind: 'nothing' | 'storage' | 'secondary';
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly disks: readonly ReplacedDisk[];
  readonly primary: Node;
  readonly secondary: Node;
  /** The node whose storage is replaced. */
  readonly target: Node;
  /** The node that the data comes from. */
  readonly other: Node;
  readonly newNode: Node | undefined;
  readonly earlyRelease: boolean;
  /** Beginning of the names of new volumes, one a disk. */
  readonly unique: readonly string[];
  /** Unix time: part of the names of volumes that are set aside. */
  readonly now: number;
}

/** The arguments that go together. @throws Failure OpPrereqError wrong_input */
export function requireSoundRequest(op: Op): void {
  const changes = op.mode === 'replace_new_secondary';
  if (changes && op.remote_node === null && op.iallocator === null) {
    throw prerequisiteFailure(
      'When changing the secondary either an iallocator script must be used or the new node given',
      ErrorCode.invalid,
    );
  }
  if (!changes && (op.remote_node !== null || op.iallocator !== null)) {
    throw prerequisiteFailure(
      'The iallocator and new node options can only be used when changing the secondary node',
      ErrorCode.invalid,
    );
  }
  if (op.remote_node !== null && op.iallocator !== null)
    throw prerequisiteFailure('Do not specify both, iallocator and node', ErrorCode.invalid);
}

function onlySecondary(configuration: Configuration, instance: Instance): Node {
  const secondaries = secondariesOf(configuration, instance);
  if (secondaries.length !== 1) {
    throw prerequisiteFailure(
      `The instance has a strange layout, expected one secondary but found ${secondaries.length}`,
      ErrorCode.fault,
    );
  }
  return configuration.nodes.get(secondaries[0]!)!;
}

/** Are all disks active on every node that can be asked? */
async function requireActive(context: PlanContext, instance: Instance): Promise<void> {
  const { configuration, nodes } = context;
  for (const uuid of nodesOf(configuration, instance)) {
    const node = configuration.nodes.get(uuid)!;
    if (node.offline) continue;
    for (const disk of disksOnNode(configuration, instance, uuid)) {
      context.info(`Checking disk/${disk.index} on ${node.name}`);
      const found = await nodes.call(uuid, blockdevFind, { disk }).catch(() => null);
      if (found !== null) continue;
      throw prerequisiteFailure(
        `Please run activate-disks on instance ${instance.name} first`,
        ErrorCode.state,
      );
    }
  }
}

async function faultyDisks(context: PlanContext, instance: Instance, node: Node): Promise<number[]> {
  if (node.offline) return [];
  const disks = disksOnNode(context.configuration, instance, node.uuid);
  const statuses = await context.nodes.call(node.uuid, blockdevStatus, { disks });
  return statuses.flatMap((status, index) => (status?.localDisk === 'faulty' ? [index] : []));
}

interface Choice {
  readonly target: Node;
  readonly other: Node;
  readonly disks: readonly number[];
}

/** The node with faulty disks, when there is just one. */
async function faultyNode(
  context: PlanContext,
  instance: Instance,
  primary: Node,
  secondary: Node,
): Promise<Choice> {
  await requireActive(context, instance);
  const onPrimary = await faultyDisks(context, instance, primary);
  const onSecondary = await faultyDisks(context, instance, secondary);
  if (onPrimary.length > 0 && onSecondary.length > 0) {
    throw prerequisiteFailure(
      `Instance ${instance.name} has faulty disks on more than one node and can not be repaired automatically`,
      ErrorCode.state,
    );
  }
  if (onPrimary.length > 0) return { target: primary, other: secondary, disks: onPrimary };
  return { target: secondary, other: primary, disks: onSecondary };
}

function requireNewNode(op: Op, context: PlanContext, instance: Instance, secondary: Node, node: Node): void {
  if (node.uuid === instance.primary_node) {
    throw prerequisiteFailure('The specified node is the primary node of the instance', ErrorCode.invalid);
  }
  if (node.uuid === secondary.uuid) {
    throw prerequisiteFailure(
      'The specified node is already the secondary node of the instance',
      ErrorCode.invalid,
    );
  }
  requireNotDrained(node);
  requireVmCapable(node);
  requireNodePolicy(context, instance, node, op.ignore_ipolicy);
}

/** The disk with its end on the new secondary. */
function withSecondary(context: PlanContext, disk: Disk, primary: Node, node: Node): Disk {
  const { reservations, owner } = context;
  const [first, , port, firstMinor, secondMinor, secret] = disk.logical_id ?? [];
  const kept = (first === primary.uuid ? firstMinor : secondMinor) ?? null;
  const [minor] = reservations.allocateMinors(owner, [node.uuid]);
  const nodes = [primary.uuid, node.uuid];
  return {
    ...disk,
    nodes,
    logical_id: [primary.uuid, node.uuid, port ?? null, kept, minor!, secret ?? null],
    children: disk.children?.map((child) => ({ ...child, nodes })),
  };
}

async function choiceOf(
  op: Op,
  context: PlanContext,
  instance: Instance,
  primary: Node,
  secondary: Node,
): Promise<Choice> {
  const given = op.disks.length > 0;
  const isWhole = op.mode === 'replace_auto' || op.mode === 'replace_new_secondary';
  if (given && isWhole) throw prerequisiteFailure('Cannot specify disks to be replaced', ErrorCode.invalid);
  if (op.mode === 'replace_auto') return await faultyNode(context, instance, primary, secondary);
  const disks = given ? op.disks : instance.disks.map((_, index) => index);
  return op.mode === 'replace_on_primary'
    ? { target: primary, other: secondary, disks }
    : { target: secondary, other: primary, disks };
}

/** @throws Failure OpPrereqError */
export async function planReplace(op: Op, context: PlanContext): Promise<ReplacePlan> {
  requireSoundRequest(op);
  const { configuration, reservations, owner } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const secondary = onlySecondary(configuration, instance);
  const primary = primaryOf(configuration, instance);
  const newNode =
    op.mode !== 'replace_new_secondary'
      ? undefined
      : op.iallocator === null
        ? nodeNamed(configuration, op.remote_node!)
        : await chooseNewSecondary(context, op.iallocator, instance);
  if (newNode !== undefined) requireNewNode(op, context, instance, secondary, newNode);
  const { target, other, disks: indices } = await choiceOf(op, context, instance, primary, secondary);
  const all = disksOf(configuration, instance);
  if (all.length === 0 || all.some((disk) => storageAbout(disk.dev_type).mirrored !== 'internal')) {
    throw prerequisiteFailure('Can only run replace disks for DRBD8-based instances', ErrorCode.invalid);
  }
  for (const index of indices) {
    if (all[index] !== undefined) continue;
    throw prerequisiteFailure(
      `Invalid disk index: ${index} (instace has disks 0 to ${all.length - 1}`,
      ErrorCode.invalid,
    );
  }
  const receiver = newNode ?? target;
  if (indices.length > 0) for (const node of [receiver, other]) requireOnline(node);
  const chosen = [...new Set(indices)].sort((a, b) => a - b).map((index) => ({ index, before: all[index]! }));
  await requireDiskSpace(
    context,
    chosen.map((each) => each.before),
    chosen.length > 0 ? [receiver] : [],
  );
  const earlyRelease = op.early_release || (newNode !== undefined && target.offline);
  if (earlyRelease && !op.early_release)
    context.info(`Old secondary ${target.uuid} is offline, automatically enabling early-release mode`);
  return {
    kind: chosen.length === 0 ? 'nothing' : newNode === undefined ? 'storage' : 'secondary',
    configuration,
    instance,
    disks: chosen.map((each) => ({
      ...each,
      after: newNode === undefined ? each.before : withSecondary(context, each.before, primary, newNode),
    })),
    primary,
    secondary,
    target,
    other,
    newNode,
    earlyRelease,
    unique: chosen.map(() => reservations.generateUuid(owner)),
    now: Math.floor(context.now()),
  };
}
