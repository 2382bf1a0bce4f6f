/**
 * OP_INSTANCE_CREATE: a new instance from nothing. Everything is named in the plan; the steps make the
 * volumes, write the configuration, wait for the mirror, install the OS and start the guest. Until the
 * last of them has succeeded all of it is undone on failure.
 */
import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { ErrorCode, executionFailure, notSupportedYet, prerequisiteFailure } from '../../kit/failure.ts';
import { formatUnit } from '../../kit/units.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { backendParameters, splitMemory } from '../../model/params/backend.ts';
import { changeLevel, enforceTypes, findFault, type ParameterValues } from '../../model/params/family.ts';
import { filledBackend, filledHypervisor } from '../../model/params/fill.ts';
import { requireTags } from '../../model/tags.ts';
import { InstanceCreate } from '../../opcodes/instance.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import type { StorageAbout } from '../../storage/contract.ts';
import { requireUsable } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { disksOnNode, instanceOnNode } from '../on-node.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { addInstance, runStateOf, setRunState } from '../steps/configuration.ts';
import { activateDisks, createVolume, deactivateDisks, volumeInfo } from '../steps/disks.ts';
import { installOs, startInstance } from '../steps/instance.ts';
import { waitForSync } from '../sync.ts';
import { requireSoundBackend } from './backend.ts';
import {
  requireDiskSpace,
  requireHypervisor,
  requireLinks,
  requireMemory,
  requireOs,
} from './create-checks.ts';
import { requireNotGlobal } from './hypervisor-parameters.ts';
import { checkedName } from './name.ts';
import { hiddenOs, osValues, requireNoImage } from './os-parameters.ts';
import { layDisksOut, wantedDisk } from './plan-disks.ts';
import { planNics } from './plan-nics.ts';
import { requirePolicy } from './policy.ts';

type Op = OpcodeOf<typeof InstanceCreate>;

interface CreatePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly disks: readonly Disk[];
  /** Primary first. */
  readonly nodes: readonly Node[];
  readonly ports: readonly number[];
  readonly about: StorageAbout;
  readonly waitForSync: boolean;
  readonly installOs: boolean;
  readonly start: boolean;
  readonly secretParameters: Readonly<Record<string, string>>;
  readonly debug: number;
}

/** The forms of the opcode that this operation can't do yet are said so before anything else. */
function checkForm(op: Op): void {
  if (op.mode !== 'create') throw notSupportedYet(`Instance creation by ${op.mode}`);
  if (op.forthcoming || op.commit) throw notSupportedYet('A forthcoming instance');
  if (op.instance_communication) throw notSupportedYet('Instance communication');
  if (op.opportunistic_locking && op.iallocator === null) {
    throw prerequisiteFailure(
      'Opportunistic locking is only available in combination with an instance allocator',
      ErrorCode.invalid,
    );
  }
  if (op.iallocator !== null && op.pnode !== null) {
    throw prerequisiteFailure('Please do not specify both an iallocator and a node', ErrorCode.invalid);
  }
  if (op.ip_check && !op.name_check)
    throw prerequisiteFailure('Cannot do IP address check without a name check', ErrorCode.invalid);
  requireNoImage(osValues(op.osparams));
  if (op.os_type === null && !op.no_install)
    throw prerequisiteFailure('No guest OS specified', ErrorCode.invalid);
}

function templateOf(configuration: Configuration, op: Op): StorageAbout {
  const enabled = configuration.cluster.enabled_disk_templates;
  const template = op.disk_template ?? enabled[0]!;
  if (!enabled.includes(template)) {
    throw prerequisiteFailure(
      `Disk template '${template}' is not enabled in cluster. Enabled disk templates are: ${enabled.join(',')}`,
      ErrorCode.invalid,
    );
  }
  const about = storageAbout(template);
  if (about.empty && op.disks.length > 0) {
    throw prerequisiteFailure('Diskless instance but disk information passed', ErrorCode.invalid);
  }
  if (about.adoptable === 'must' && !op.disks.every((disk) => 'adopt' in disk)) {
    throw prerequisiteFailure(
      `Disk template ${template} requires disk adoption but no 'adopt' parameter given`,
      ErrorCode.invalid,
    );
  }
  if (op.disks.some((disk) => 'adopt' in disk)) throw notSupportedYet('Adoption of existing volumes');
  return about;
}

function namedNodes(configuration: Configuration, op: Op, about: StorageAbout): Node[] {
  if (op.pnode === null) {
    throw notSupportedYet('Choosing nodes by an instance allocator (give --node)');
  }
  const primary = nodeNamed(configuration, op.pnode);
  if (!about.needsSecondary) return [primary];
  if (op.snode === null) {
    throw prerequisiteFailure('The networked disk templates need a mirror node', ErrorCode.invalid);
  }
  const secondary = nodeNamed(configuration, op.snode);
  if (primary.uuid === secondary.uuid) {
    throw prerequisiteFailure('The secondary node cannot be the primary node', ErrorCode.invalid);
  }
  return [primary, secondary];
}

function hypervisorParameters(configuration: Configuration, op: Op, hypervisor: string): ParameterValues {
  const { cluster } = configuration;
  if (!cluster.enabled_hypervisors.includes(hypervisor)) {
    throw prerequisiteFailure(
      `Selected hypervisor (${hypervisor}) not enabled in the cluster (${cluster.enabled_hypervisors.join(',')})`,
      ErrorCode.state,
    );
  }
  const about = hypervisorAbout(hypervisor);
  const own = changeLevel({}, enforceTypes(about.params, op.hvparams as ParameterValues));
  const filled = filledHypervisor(cluster, { hypervisor, os: op.os_type ?? '', hvparams: own });
  const fault = findFault(about.params, filled) ?? about.crossCheck?.(filled);
  if (fault !== undefined) throw prerequisiteFailure(fault, ErrorCode.invalid);
  requireNotGlobal(about, own);
  return own;
}

function backendOf(op: Op): ParameterValues {
  return changeLevel({}, enforceTypes(backendParameters, splitMemory(op.beparams as ParameterValues)));
}

function withoutDefaults(op: Op, own: ParameterValues, defaults: ParameterValues): ParameterValues {
  if (!op.identify_defaults) return own;
  return Object.fromEntries(Object.entries(own).filter(([name, value]) => defaults[name] !== value));
}

async function planInstance(
  op: Op,
  context: PlanContext,
  name: string,
  about: StorageAbout,
  nodes: readonly Node[],
): Promise<{ instance: Instance; disks: Disk[]; ports: number[] }> {
  const { configuration, reservations, owner } = context;
  const { cluster } = configuration;
  const hypervisor = op.hypervisor ?? cluster.enabled_hypervisors[0]!;
  const hvparams = hypervisorParameters(configuration, op, hypervisor);
  const beparams = backendOf(op);
  const backend = filledBackend(cluster, { beparams });
  requireSoundBackend(backend);
  const group = configuration.nodegroups.get(nodes[0]!.group)!;
  const wanted = op.disks.map((disk) => wantedDisk(configuration, about, disk, group));
  if (!op.ignore_ipolicy) {
    const sizes = wanted.map((disk) => disk.size);
    requirePolicy(cluster, group, {
      memory: backend.maxmem,
      vcpus: backend.vcpus,
      spindles: backend.spindle_use,
      nics: op.nics.length,
      disks: sizes,
      template: about.name,
    });
  }
  const nics = planNics(context, op.nics, group.uuid, name, op.conflicts_check);
  const disks = layDisksOut(
    context,
    {
      template: about.name,
      fileDriver: op.file_driver,
      fileStorageDir: op.file_storage_dir,
      instanceName: name,
      nodes: nodes.map((node) => node.uuid),
    },
    wanted,
  );
  const port = hypervisorAbout(hypervisor).needsPort ? reservations.allocatePort(owner) : null;
  const instance: Instance = {
    uuid: reservations.generateUuid(owner),
    serial_no: 1,
    ctime: context.now(),
    mtime: context.now(),
    tags: [...new Set(op.tags)].sort(),
    name,
    primary_node: nodes[0]!.uuid,
    os: op.os_type ?? '',
    hypervisor,
    hvparams: withoutDefaults(op, hvparams, cluster.hvparams[hypervisor] ?? {}) as Instance['hvparams'],
    beparams: withoutDefaults(op, beparams, cluster.beparams.default ?? {}) as Instance['beparams'],
    osparams: osValues(op.osparams),
    osparams_private: osValues(op.osparams_private),
    admin_state: 'down',
    admin_state_source: 'admin',
    nics,
    disks: disks.map((disk) => disk.uuid),
    disks_active: false,
    ...(port === null ? {} : { network_port: port }),
  };
  const mirrorPorts = disks.flatMap((disk) =>
    storageAbout(disk.dev_type).mirrored === 'internal' ? [Number(disk.logical_id?.[2])] : [],
  );
  return { instance, disks, ports: [...mirrorPorts, ...(port === null ? [] : [port])] };
}

async function plan(op: Op, context: PlanContext): Promise<CreatePlan> {
  requireTags(op.tags);
  checkForm(op);
  const { configuration } = context;
  const start = op.start && !op.no_install;
  if (op.no_install && op.start) context.info('No-installation mode selected, disabling startup');
  const name = await checkedName(context, {
    name: op.instance_name,
    nameCheck: op.name_check,
    ipCheck: op.ip_check && start,
  });
  if (configuration.instances.byName(name) !== undefined) {
    throw prerequisiteFailure(`Instance '${name}' is already in the cluster`, ErrorCode.exists);
  }
  const about = templateOf(configuration, op);
  const nodes = namedNodes(configuration, op, about);
  for (const node of nodes) requireUsable(node);
  const [primary] = nodes as [Node];
  const planned = await planInstance(op, context, name, about, nodes);
  const { instance, disks } = planned;
  const { os, osparams_private } = instance;
  const secretParameters = hiddenOs(configuration.cluster, os, osparams_private, op.osparams_secret);
  await requireHypervisor(context, instance, nodes);
  if (op.os_type !== null) await requireOs(context, instance, primary, secretParameters, op.force_variant);
  await requireLinks(context, instance, primary);
  await requireDiskSpace(context, disks, nodes);
  if (start) await requireMemory(context, instance, primary);
  if (op.snode !== null && !about.needsSecondary)
    context.info('Ignoring secondary node, since the disk template is not mirrored');
  return {
    ...planned,
    configuration,
    nodes,
    about,
    waitForSync: op.wait_for_sync,
    installOs: op.os_type !== null && !op.no_install && disks.length > 0,
    start,
    secretParameters,
    debug: op.debug_level ?? 0,
  };
}

async function makeDisks(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, disks, nodes, about } = plan;
  if (about.mirrored !== 'internal')
    for (const [index, disk] of disks.entries())
      job.say(`* disk ${index}, size ${formatUnit(disk.size, 'h')}`);
  job.say('* creating instance disks...');
  // The secondary first, so that the primary finds its peer waiting.
  for (const node of [...nodes].reverse()) {
    for (const disk of disksOnNode(configuration, instance, node.uuid, disks)) {
      await job.do(createVolume, {
        node: node.uuid,
        disk,
        info: volumeInfo(instance.name),
        onPrimary: node === nodes[0],
      });
    }
  }
}

async function bringDisksUp(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { configuration, instance, disks, nodes } = plan;
  for (const node of [...nodes].reverse()) {
    await job.do(activateDisks, {
      node: node.uuid,
      disks: disksOnNode(configuration, instance, node.uuid, disks),
      asPrimary: node === nodes[0],
      before: 'inactive' as const,
    });
  }
}

async function syncDisks(plan: CreatePlan, job: JobHandle): Promise<void> {
  const { instance, disks, nodes, configuration } = plan;
  const primary = nodes[0]!.uuid;
  const onPrimary = disksOnNode(configuration, instance, primary, disks);
  const oneShot = !plan.waitForSync;
  if (oneShot && plan.about.mirrored === 'no') return;
  if (!(await waitForSync(job, instance.name, primary, onPrimary, oneShot)) && !oneShot) {
    throw executionFailure('There are some degraded disks for this instance');
  }
}

async function run(plan: CreatePlan, job: JobHandle): Promise<string[]> {
  const { instance, disks, nodes, configuration, ports } = plan;
  const primary = nodes[0]!.uuid;
  await makeDisks(plan, job);
  job.say(`adding instance ${instance.name} to cluster config`);
  job.say('adding disks to cluster config');
  await job.do(addInstance, {
    instance,
    disks: [...disks],
    ports: [...ports],
  });
  if (disks.length > 0) {
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: runStateOf(instance),
      after: { disks_active: true },
    });
    await bringDisksUp(plan, job);
    await syncDisks(plan, job);
  }
  if (plan.installOs) {
    if (plan.waitForSync) await syncDisks(plan, job);
    job.say('* running the instance OS create scripts...');
    await job.do(installOs(plan.secretParameters), {
      node: primary,
      instance: instanceOnNode(configuration, instance, primary, { disks }),
      reinstall: false,
      debug: plan.debug,
    });
  }
  if (plan.start) {
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: { ...runStateOf(instance), disks_active: disks.length > 0 },
      after: { admin_state: 'up', disks_active: true },
    });
    job.say('* starting instance...');
    await job.do(startInstance, {
      node: primary,
      instance: instanceOnNode(configuration, instance, primary, { disks }),
      paused: false,
      wasRunning: false,
    });
  } else if (disks.length > 0) {
    for (const node of nodes) {
      await job.do(deactivateDisks, {
        node: node.uuid,
        disks: disksOnNode(configuration, instance, node.uuid, disks),
        wasPrimary: node === nodes[0],
        // Should it all be undone, the disks go: there is nothing to activate again.
        wasActive: false,
      });
    }
    await job.do(setRunState, {
      uuid: instance.uuid,
      before: { ...runStateOf(instance), disks_active: true },
      after: { disks_active: false },
    });
  }
  await job.keep();
  return nodes.map((node) => node.name);
}

function locks(op: Op, configuration: Configuration): LockRequest[] {
  const requests: LockRequest[] = [
    { level: 'instance', name: op.instance_name.toLowerCase(), mode: 'exclusive' },
  ];
  for (const name of [op.pnode, op.snode]) {
    if (name === null) continue;
    const { uuid } = nodeNamed(configuration, name);
    requests.push(
      { level: 'node', name: uuid, mode: 'shared' },
      { level: 'node-res', name: uuid, mode: 'shared' },
    );
  }
  return requests;
}

export const instanceCreate = operation({
  opcode: InstanceCreate,
  steps: [
    createVolume,
    addInstance,
    setRunState,
    activateDisks,
    deactivateDisks,
    installOs({}),
    startInstance,
  ],
  locks,
  plan,
  hooks: (_op, { instance, disks, nodes }, configuration) =>
    instanceHooks(
      'instance-add',
      configuration,
      instance,
      nodes.map((node) => node.uuid),
      { ADD_MODE: 'create' },
      disks,
    ),
  run,
  dryRunResult: ({ nodes }) => nodes.map((node) => node.name),
});
