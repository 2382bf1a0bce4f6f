/**
 * OP_INSTANCE_SET_PARAMS: everything about an instance that can be changed. Planned as a whole first; then
 * guest memory, disks one after the other, the disk template, all else in one commit, interfaces in the
 * running guest. Only when all of it has succeeded do volumes go that nobody needs any more.
 */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { LockRequest } from '../../../locks/contract.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed, nodesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { filledBackend } from '../../../model/params/fill.ts';
import { InstanceSetParams } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import { deviceChanges } from '../../../opcodes/values.ts';
import { emptyTemplate, storageAbout } from '../../../storage/catalog.ts';
import { primaryOf, runningOn } from '../../checks.ts';
import { instanceHooks } from '../../hooks-environment.ts';
import { instanceOnNode } from '../../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../../operation.ts';
import { changeObjects, difference, type ObjectChange } from '../../steps/changes.ts';
import { balloon, hotplugDevice } from '../../steps/instance.ts';
import { candidateLocks } from '../choose-nodes.ts';
import { type ConversionPlan, planConversion } from '../convert/plan.ts';
import { conversionSteps, convert, converted } from '../convert/run.ts';
import { instanceLocks } from '../locks.ts';
import type { DiskRequest } from '../plan-disks.ts';
import { requirePolicy } from '../policy.ts';
import { notRunning, requireState } from '../state.ts';
import { wipeSteps } from '../wipe.ts';
import { type DiskAction, type Layout, planDiskChanges } from './disks.ts';
import { canHotplug, plug } from './hotplug.ts';
import { planRuntimeMemory, requireRoomFor } from './memory.ts';
import { type NicAction, type NicChange, planNicChanges, type Told } from './nics.ts';
import { type ParameterPlan, planParameters } from './parameters.ts';
import { diskActionSteps, removeOldVolumes, runDiskActions } from './run-disks.ts';

type Op = OpcodeOf<typeof InstanceSetParams>;

interface SetParamsPlan {
  readonly configuration: Configuration;
  /** As it is. */
  readonly instance: Instance;
  /** As it will be once everything is done. */
  readonly after: Layout;
  readonly diskActions: readonly DiskAction[];
  readonly conversion: ConversionPlan | undefined;
  readonly nicActions: readonly NicAction[];
  readonly parameters: ParameterPlan;
  readonly runtimeMemory: { readonly before: number; readonly after: number } | undefined;
  readonly hotplug: boolean;
  readonly waitForSync: boolean;
  readonly offline: boolean | null;
}

function requireAnyChange(op: Op): void {
  const some =
    [op.nics, op.disks].some((list) => list.length > 0) ||
    [op.hvparams, op.beparams, op.osparams, op.osparams_private ?? {}].some(
      (values) => Object.keys(values).length > 0,
    ) ||
    [op.disk_template, op.os_name, op.runtime_mem, op.pnode].some((value) => value !== null) ||
    [op.offline, op.instance_communication].some((value) => value !== null);
  if (!some) throw prerequisiteFailure('No changes submitted', ErrorCode.invalid);
  for (const [kind, changes] of [
    ['disk', op.disks],
    ['NIC', op.nics],
  ] as const) {
    const older = changes.filter((change) => change.length === 2 && typeof change[0] === 'string');
    if (older.length > 1) {
      throw prerequisiteFailure(
        `Only one ${kind} add/attach/remove/detach operation is supported at a time`,
        ErrorCode.invalid,
      );
    }
  }
  if (op.disk_template !== null && op.disks.length > 0) {
    throw prerequisiteFailure(
      'Disk template conversion and other disk changes not supported at the same time',
      ErrorCode.invalid,
    );
  }
}

/** The interface to the metadata service, when it is to come or to go. */
function communicationChange(op: Op, configuration: Configuration, instance: Instance): NicChange[] {
  const wanted = op.instance_communication;
  const name = `ganeti:communication:${instance.name}`;
  const present = instance.nics.some((nic) => nic.name === name);
  if (wanted === null || wanted === present) return [];
  if (!wanted) return [{ action: 'remove', target: name, options: {} }];
  const network = configuration.cluster.instance_communication_network;
  if (typeof network !== 'string' || network === '') {
    throw prerequisiteFailure(
      'Instance communication needs a network: set one for the cluster first',
      ErrorCode.state,
    );
  }
  return [{ action: 'add', target: -1, options: { name, mac: 'generate', ip: 'pool', network } }];
}

async function requirePrimaryFree(op: Op, context: PlanContext, instance: Instance): Promise<void> {
  if (op.pnode === null || op.force) return;
  const primary = primaryOf(context.configuration, instance);
  if (nodeNamed(context.configuration, op.pnode).uuid === primary.uuid) return;
  let isRunning = false;
  try {
    isRunning = (await runningOn(context.nodes, context.configuration, instance, primary.uuid)) !== null;
  } catch (error) {
    context.say(`WARNING: Can't get instance runtime information: ${String(error)}`);
  }
  if (isRunning) {
    throw prerequisiteFailure(`Instance is still running on ${primary.name}`, ErrorCode.state);
  }
}

/** With the new primary node; disks of one node follow it, mirrored ones must be there already. */
function withPrimary(op: Op, configuration: Configuration, { instance, disks }: Layout): Layout {
  if (op.pnode === null) return { instance, disks };
  const node = nodeNamed(configuration, op.pnode);
  const moved = disks.map((disk): Disk => {
    if (disk.nodes.includes(node.uuid)) return disk;
    if (storageAbout(disk.dev_type).mirrored === 'internal') {
      throw prerequisiteFailure(
        `Node ${node.name} holds no copy of the disks of instance ${instance.name}`,
        ErrorCode.state,
      );
    }
    return { ...disk, nodes: [node.uuid] };
  });
  return { instance: { ...instance, primary_node: node.uuid }, disks: moved };
}

function requirePolicyOf(
  op: Op,
  configuration: Configuration,
  plan: Pick<SetParamsPlan, 'instance' | 'after' | 'parameters'>,
): void {
  if (op.ignore_ipolicy) return;
  const { instance, after, parameters } = plan;
  const group = configuration.nodegroups.get(primaryOf(configuration, instance).group)!;
  const backend = parameters.newBackend;
  const common = {
    vcpus: backend?.vcpus,
    spindles: backend?.spindle_use,
    nics: after.instance.nics.length,
    disks: after.disks.map((disk) => disk.size),
    template: op.disk_template ?? after.disks[0]?.dev_type ?? emptyTemplate,
  };
  requirePolicy(
    configuration.cluster,
    group,
    { ...common, memory: backend?.maxmem },
    { ...common, memory: backend?.minmem },
  );
}

async function requireOffline(op: Op, context: PlanContext, instance: Instance): Promise<void> {
  if (op.offline === null) return;
  const what = op.offline
    ? "can't change to offline without being down first"
    : "can't change to online (down) without being offline first";
  await requireState(context, instance, notRunning, what);
}

/** The instance and its disks once disks and template have changed. */
function layoutAfterDisks({
  configuration,
  instance,
  diskActions,
  conversion,
}: Pick<SetParamsPlan, 'configuration' | 'instance' | 'diskActions' | 'conversion'>): Layout {
  if (conversion !== undefined) return { instance: converted(conversion), disks: conversion.newDisks };
  return diskActions.at(-1)?.after ?? { instance, disks: disksOf(configuration, instance) };
}

async function plan(op: Op, context: PlanContext): Promise<SetParamsPlan> {
  requireAnyChange(op);
  const { configuration } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  await requirePrimaryFree(op, context, instance);
  const nicChanges = [
    ...deviceChanges<NicChange['options']>(op.nics as never),
    ...communicationChange(op, configuration, instance),
  ];
  const hasDevices = op.disks.length > 0 || nicChanges.length > 0;
  const hotplug = op.hotplug && hasDevices && (await canHotplug(context, instance));
  const diskActions = await planDiskChanges(context, instance, {
    changes: deviceChanges<DiskRequest>(op.disks as never),
    fileDriver: op.file_driver,
    fileStorageDir: op.file_storage_dir,
    waitForSync: op.wait_for_sync,
  });
  if (diskActions.some((action) => action.kind === 'remove') && !hotplug) {
    const what = "can't remove volume from a running instance without using hotplug";
    await requireState(context, instance, notRunning, what);
  }
  await requireOffline(op, context, instance);
  const conversion = op.disk_template === null ? undefined : await planConversion(op, context, instance);
  const layout = layoutAfterDisks({ configuration, instance, diskActions, conversion });
  const parameters = await planParameters(op, context, instance);
  const before = filledBackend(configuration.cluster, instance);
  if (parameters.newBackend !== undefined && !op.force)
    await requireRoomFor(context, instance, before, parameters.newBackend);
  const runtimeMemory =
    op.runtime_mem === null
      ? undefined
      : {
          before: await planRuntimeMemory(context, parameters.instance, op.runtime_mem, op.force),
          after: op.runtime_mem,
        };
  const nicActions = await planNicChanges(context, instance, {
    changes: nicChanges,
    force: op.force,
    conflictsCheck: op.conflicts_check,
  });
  const { disks: diskUuids, disks_active } = layout.instance;
  const nics = [...(nicActions.at(-1)?.after ?? instance.nics)];
  const admin_state = op.offline === null ? instance.admin_state : op.offline ? 'offline' : 'down';
  const changed: Instance = { ...parameters.instance, disks: diskUuids, disks_active, nics, admin_state };
  const after = withPrimary(op, configuration, { instance: changed, disks: layout.disks });
  const made = { instance, after, parameters };
  requirePolicyOf(op, configuration, made);
  return {
    ...made,
    configuration,
    diskActions,
    conversion,
    nicActions,
    runtimeMemory,
    hotplug,
    waitForSync: op.wait_for_sync,
    offline: op.offline,
  };
}

/** From what disk changes have left to what everything shall be. */
function restOfChanges(plan: SetParamsPlan): ObjectChange[] {
  const { after } = plan;
  const done = layoutAfterDisks(plan);
  return [
    ...difference('instances', done.instance, after.instance),
    ...done.disks.flatMap((disk, index) => difference('disks', disk, after.disks[index]!)),
  ];
}

async function setMemory(plan: SetParamsPlan, job: JobHandle): Promise<Told[]> {
  const { configuration, instance, runtimeMemory: memory } = plan;
  if (memory === undefined) return [];
  const node = instance.primary_node;
  const onNode = instanceOnNode(configuration, instance, node);
  await job.do(balloon, { node, instance: onNode, memory: memory.after, before: memory.before });
  return [['runtime_memory', memory.after]];
}

/** NICs in the running guest, once they stand in the configuration. */
async function plugNics(plan: SetParamsPlan, job: JobHandle): Promise<Told[]> {
  const told: Told[] = [];
  for (const action of plan.nicActions) {
    told.push(...action.told);
    if (!plan.hotplug) continue;
    const { kind, index, uuid } = action;
    const [before, after] = [action.before, action.after].map((nics) => ({
      instance: { ...plan.after.instance, nics: [...nics] },
      disks: plan.after.disks,
    })) as [Layout, Layout];
    const outcome = await plug(
      job,
      plan.configuration,
      { kind: 'nic', action: kind, uuid, index },
      before,
      after,
    );
    const name = { add: `nic.${index}`, modify: `nic/${index}`, remove: `NIC/${index}` }[kind];
    told.push([name, outcome]);
  }
  return told;
}

async function run(plan: SetParamsPlan, job: JobHandle): Promise<Told[]> {
  const { configuration, instance, offline } = plan;
  const told: Told[] = await setMemory(plan, job);
  told.push(...(await runDiskActions(job, plan, plan.diskActions)));
  if (plan.conversion !== undefined) {
    await convert(plan.conversion, job);
    told.push(['disk_template', plan.conversion.newTemplate]);
  }
  await job.do(changeObjects, { label: `modify instance ${instance.name}`, changes: restOfChanges(plan) });
  told.push(...(await plugNics(plan, job)), ...plan.parameters.told);
  if (offline !== null) told.push(['admin_state', offline ? 'offline' : 'down']);
  await job.keep();
  await removeOldVolumes(job, configuration, plan.diskActions);
  return told;
}

function locks(op: Op, configuration: Configuration): LockRequest[] {
  const further = [op.pnode, op.remote_node].flatMap((name) =>
    name === null ? [] : [nodeNamed(configuration, name).uuid],
  );
  const instance = instanceNamed(configuration, op.instance_name);
  const group = configuration.nodes.get(instance.primary_node)?.group;
  const mirrors = op.disk_template !== null && storageAbout(op.disk_template).mirrored === 'internal';
  return [
    ...instanceLocks(configuration, op.instance_name, further),
    ...(mirrors && op.remote_node === null ? candidateLocks(configuration, { group }) : []),
  ];
}

export const instanceSetParams = operation({
  opcode: InstanceSetParams,
  steps: [...new Set([balloon, ...diskActionSteps, ...wipeSteps, ...conversionSteps, hotplugDevice])],
  locks,
  plan,
  hooks: (op, { instance, after, parameters }, configuration) => {
    const backend = parameters.newBackend;
    return instanceHooks(
      'instance-modify',
      configuration,
      { ...instance, nics: after.instance.nics },
      nodesOf(configuration, instance),
      {
        ...(backend === undefined
          ? {}
          : {
              INSTANCE_MINMEM: String(backend.minmem),
              INSTANCE_MAXMEM: String(backend.maxmem),
              INSTANCE_MEMORY: String(backend.maxmem),
              INSTANCE_VCPUS: String(backend.vcpus),
            }),
        ...(op.disk_template === null ? {} : { NEW_DISK_TEMPLATE: op.disk_template }),
        ...(op.runtime_mem === null ? {} : { RUNTIME_MEMORY: String(op.runtime_mem) }),
      },
    );
  },
  run,
});
