/** From one disk template to another: is it possible, and what do the new disks look like? */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, nodeNamed } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Node } from '../../../model/objects/node.ts';
import { filledNode } from '../../../model/params/fill.ts';
import { fillInstancePolicy } from '../../../model/params/instance-policy.ts';
import type { InstanceSetParams } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import { emptyTemplate, storageAbout } from '../../../storage/catalog.ts';
import type { StorageAbout } from '../../../storage/contract.ts';
import { allocatorOrNode } from '../../allocate.ts';
import { primaryOf, requireNotDrained, requireOnline, requireVmCapable } from '../../checks.ts';
import type { PlanContext } from '../../operation.ts';
import { chooseSecondary } from '../choose-nodes.ts';
import { requireDiskSpace } from '../create-checks.ts';
import { type DiskRequest, layDisksOut, wantedDisk } from '../plan-disks.ts';
import { requireNodePolicy } from '../policy.ts';
import { down, requireState } from '../state.ts';

type Op = OpcodeOf<typeof InstanceSetParams>;

/**
 * How the data gets there: `raise`: the volume of before becomes the data volume of a mirror; `lower`: a
 * mirror's data volume becomes the disk; `copy`: all of it is copied.
 */
export interface ConversionPlan {
  readonly way: 'raise' | 'lower' | 'copy';
  readonly configuration: Configuration;
  /** As it is. */
  readonly instance: Instance;
  readonly oldDisks: readonly Disk[];
  readonly newDisks: readonly Disk[];
  readonly oldTemplate: string;
  readonly newTemplate: string;
  /** With the provider, as clients are told. */
  readonly newTemplateShown: string;
  readonly waitForSync: boolean;
}

function requirePossible(
  op: Op,
  configuration: Configuration,
  old: readonly Disk[],
  about: StorageAbout,
): string {
  const templates = new Set(old.map((disk) => disk.dev_type));
  if (templates.size > 1)
    throw prerequisiteFailure('Conversion from mixed is not yet supported.', ErrorCode.invalid);
  const [oldTemplate = emptyTemplate] = templates;
  if (!storageAbout(oldTemplate).convertibleFrom) {
    throw prerequisiteFailure(
      `Conversion from the '${oldTemplate}' disk template is not supported`,
      ErrorCode.invalid,
    );
  }
  if (!about.convertibleTo) {
    throw prerequisiteFailure(
      `Conversion to the '${about.name}' disk template is not supported`,
      ErrorCode.invalid,
    );
  }
  const toAnotherProvider =
    about.providers && old.some((disk) => disk.params?.provider !== op.ext_params.provider);
  if (oldTemplate === about.name && !toAnotherProvider) {
    throw prerequisiteFailure(`Instance already has disk template ${about.name}`, ErrorCode.invalid);
  }
  const { cluster } = configuration;
  if (!cluster.enabled_disk_templates.includes(about.name)) {
    throw prerequisiteFailure(
      `Disk template '${about.name}' is not enabled for this cluster (enabled templates: ${cluster.enabled_disk_templates.join(', ')})`,
      ErrorCode.state,
    );
  }
  if (about.volumeGroup && !cluster.volume_group_name) {
    throw prerequisiteFailure(
      'Disk template conversions to lvm-based instances are not supported by the cluster',
      ErrorCode.state,
    );
  }
  return oldTemplate;
}

function requireAllowed(configuration: Configuration, primary: Node, about: StorageAbout): void {
  const { cluster, nodegroups } = configuration;
  const policy = fillInstancePolicy(cluster.ipolicy, nodegroups.get(primary.group)!.ipolicy);
  if (policy['disk-templates'].includes(about.name)) return;
  throw prerequisiteFailure(
    `Disk template '${about.name}' in not allowed (allowed templates: ${policy['disk-templates'].join(', ')})`,
    ErrorCode.state,
  );
}

function requireNoExclusiveStorage(
  configuration: Configuration,
  nodes: readonly Node[],
  oldTemplate: string,
  about: StorageAbout,
): void {
  if (about.exclusiveStorage) return;
  const { cluster, nodegroups } = configuration;
  const exclusive = nodes.some(
    (node) => filledNode(cluster, nodegroups.get(node.group), node).exclusive_storage === true,
  );
  if (!exclusive) return;
  throw prerequisiteFailure(
    `Cannot convert disk template from ${oldTemplate} to ${about.name} when exclusive storage is enabled`,
    ErrorCode.state,
  );
}

function requireSecondary(context: PlanContext, op: Op, instance: Instance, secondary: Node): void {
  const { configuration } = context;
  if (secondary.uuid === instance.primary_node) {
    throw prerequisiteFailure(
      `Given new secondary node ${secondary.name} is the same as the primary node of the instance`,
      ErrorCode.state,
    );
  }
  requireOnline(secondary);
  requireNotDrained(secondary);
  requireVmCapable(secondary);
  requireNodePolicy(context, instance, secondary, op.ignore_ipolicy);
  if (primaryOf(configuration, instance).group !== secondary.group) {
    context.warn(
      "The primary and secondary nodes are in two different node groups; the disk parameters from the first disk's node group will be used",
    );
  }
}

/** Options for the new disks: what the old ones have, and what a provider is to be told. */
function requestOf(disk: Disk, about: StorageAbout, op: Op): DiskRequest {
  const lower = disk.children?.[0] ?? disk;
  const vg =
    storageAbout(lower.dev_type).volumeGroup && about.volumeGroup ? lower.logical_id?.[0] : undefined;
  const access = about.userspaceAccess ? disk.params?.access : undefined;
  const provided = about.providers ? (op.ext_params as Record<string, string>) : {};
  return {
    size: disk.size,
    mode: disk.mode,
    ...(disk.name ? { name: disk.name } : {}),
    ...(typeof vg === 'string' ? { vg } : {}),
    ...(typeof access === 'string' ? { access } : {}),
    ...(typeof disk.spindles === 'number' ? { spindles: disk.spindles } : {}),
    ...provided,
  };
}

/** A mirror's data volume as a disk of its own. */
function loweredDisk(context: PlanContext, instance: Instance, disk: Disk): Disk {
  const data = disk.children![0]!;
  const { params: _, ...rest } = data;
  return {
    ...rest,
    uuid: context.reservations.generateUuid(context.owner),
    iv_name: disk.iv_name,
    size: disk.size,
    mode: disk.mode,
    nodes: [instance.primary_node],
    params: {},
    ...(disk.name ? { name: disk.name } : {}),
  };
}

function raisedDisks(
  context: PlanContext,
  op: Op,
  instance: Instance,
  old: readonly Disk[],
  about: StorageAbout,
  nodes: readonly Node[],
): Disk[] {
  const { configuration } = context;
  const group = configuration.nodegroups.get(nodes[0]!.group);
  const defaults = {
    template: about.name,
    fileDriver: op.file_driver,
    fileStorageDir: op.file_storage_dir,
    instanceName: instance.name,
    nodes: nodes.map((node) => node.uuid),
  };
  const wanted = old.map((disk) => wantedDisk(configuration, about, requestOf(disk, about, op), group));
  return layDisksOut(context, defaults, wanted);
}

/** Only what the nodes don't have already is asked for. */
async function requireSpace(
  context: PlanContext,
  way: ConversionPlan['way'],
  disks: readonly Disk[],
  nodes: readonly Node[],
): Promise<void> {
  if (way === 'lower') return;
  await requireDiskSpace(context, disks, way === 'raise' ? nodes.slice(1) : nodes);
}

/** @throws Failure OpPrereqError */
export async function planConversion(
  op: Op,
  context: PlanContext,
  instance: Instance,
): Promise<ConversionPlan> {
  const { configuration } = context;
  const about = storageAbout(op.disk_template!);
  const mirrored = about.mirrored === 'internal';
  if (!mirrored && op.remote_node !== null) {
    context.warn('Changing the disk template to a non-mirrored one, the secondary node will be ignored');
  }
  const iallocator = mirrored ? allocatorOrNode(configuration, op.iallocator, op.remote_node) : undefined;
  const oldDisks = disksOf(configuration, instance);
  const oldTemplate = requirePossible(op, configuration, oldDisks, about);
  await requireState(context, instance, down, 'cannot change disk template');
  const primary = primaryOf(configuration, instance);
  requireOnline(primary);
  requireAllowed(configuration, primary, about);
  const nodes = [primary];
  if (mirrored) {
    const secondary =
      iallocator === undefined
        ? nodeNamed(configuration, op.remote_node!)
        : await chooseSecondary(context, iallocator, instance);
    requireSecondary(context, op, instance, secondary);
    nodes.push(secondary);
  }
  requireNoExclusiveStorage(configuration, nodes, oldTemplate, about);
  const isLower = oldDisks.every((disk) => disk.children?.[0]?.dev_type === about.name);
  const newDisks = isLower
    ? oldDisks.map((disk) => loweredDisk(context, instance, disk))
    : raisedDisks(context, op, instance, oldDisks, about, nodes);
  const isRaise = newDisks.every((disk) => disk.children?.[0]?.dev_type === oldTemplate);
  const way = isLower ? 'lower' : isRaise ? 'raise' : 'copy';
  await requireSpace(context, way, newDisks, nodes);
  const provider = op.ext_params.provider;
  return {
    way,
    configuration,
    instance,
    oldDisks,
    newDisks,
    oldTemplate,
    newTemplate: about.name,
    newTemplateShown: about.providers ? `${about.name}:${String(provider)}` : about.name,
    waitForSync: op.wait_for_sync,
  };
}
