/** OP_INSTANCE_QUERY_DATA: everything about instances, for `gnt-instance info`. */

import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { executionFailure, messageOf } from '../../kit/failure.ts';
import { compareNicely } from '../../kit/nice-sort.ts';
import { disksOf, instanceNamed, secondariesOf } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { filledBackend, filledHypervisor, filledOs } from '../../model/params/fill.ts';
import { blockdevFind, type DiskStatus } from '../../noderpc/calls/disk.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { InstanceQueryData } from '../../opcodes/instance.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { runningOn } from '../checks.ts';
import { diskOnNode, filledNicOf } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';

/** Numbers of the local disk states in the wire form (constants.LDS_*). */
const localDiskNumbers = { okay: 1, sync: 2, unknown: 3, faulty: 4 } as const;

type Status =
  | readonly [string, number | null, number | null, number | null, number | null, boolean, number]
  | null;

const wireStatus = (status: DiskStatus | null): Status =>
  status === null
    ? null
    : [
        status.path,
        status.major,
        status.minor,
        status.syncPercent,
        status.estimatedTime,
        status.degraded,
        localDiskNumbers[status.localDisk],
      ];

interface DiskContext {
  readonly context: PlanContext;
  readonly instance: Instance;
  readonly isStatic: boolean;
}

async function statusOn(
  { context, instance, isStatic }: DiskContext,
  node: string | null,
  disk: Disk,
  index: number,
): Promise<Status> {
  const { configuration, nodes } = context;
  if (isStatic || node === null || configuration.nodes.get(node)?.offline !== false) return null;
  try {
    return wireStatus(
      await nodes.call(node, blockdevFind, { disk: diskOnNode(configuration, instance, disk, index, node) }),
    );
  } catch (error) {
    throw executionFailure(`Can't compute disk status for ${instance.name}: ${messageOf(error)}`, error);
  }
}

async function diskData(
  on: DiskContext,
  disk: Disk,
  index: number,
  inheritedSecondary: string | null,
): Promise<Record<string, unknown>> {
  const { configuration } = on.context;
  const nameOf = (uuid: unknown) => configuration.nodes.get(String(uuid))?.name ?? String(uuid);
  let secondary = inheritedSecondary;
  let mirror: Record<string, unknown> | null = null;
  let logicalId: unknown = disk.logical_id;
  if (storageAbout(disk.dev_type).mirrored === 'internal') {
    const [nodeA, nodeB, port, minorA, minorB] = disk.logical_id ?? [];
    const primaryFirst = nodeA === on.instance.primary_node;
    secondary = String(primaryFirst ? nodeB : nodeA);
    mirror = {
      primary_node: nameOf(on.instance.primary_node),
      primary_minor: primaryFirst ? minorA : minorB,
      secondary_node: nameOf(secondary),
      secondary_minor: primaryFirst ? minorB : minorA,
      port,
    };
    // The last part is the secret of the connection: never shown.
    logicalId = [...(disk.logical_id ?? []).slice(0, -1), null];
  }
  const [pstatus, sstatus, ...children] = await Promise.all([
    statusOn(on, on.instance.primary_node, disk, index),
    statusOn(on, secondary, disk, index),
    ...(disk.children ?? []).map((child) => diskData(on, child, index, secondary)),
  ]);
  return {
    iv_name: disk.iv_name,
    dev_type: disk.dev_type,
    logical_id: logicalId,
    drbd_info: mirror,
    pstatus,
    sstatus,
    children,
    mode: disk.mode,
    size: disk.size,
    spindles: disk.spindles ?? null,
    name: disk.name ?? null,
    uuid: disk.uuid,
  };
}

async function runState(context: PlanContext, instance: Instance, isStatic: boolean): Promise<string | null> {
  const { configuration, nodes } = context;
  const primary = configuration.nodes.get(instance.primary_node);
  if (primary === undefined || isStatic) return null;
  if (primary.offline) {
    context.warn(
      `Primary node ${primary.name} is marked offline, returning static information only for instance ${instance.name}`,
    );
    return null;
  }
  let found: Awaited<ReturnType<typeof runningOn>>;
  try {
    found = await runningOn(nodes, configuration, instance, primary.uuid);
  } catch (error) {
    throw executionFailure(`Error checking node ${primary.name}: ${reasonOf(error)}`, error);
  }
  if (found !== null && found.state !== 'shutdown') return 'up';
  if (found !== null) return configuration.cluster.enabled_user_shutdown ? 'user down' : 'down';
  if (instance.admin_state === 'offline') return 'offline';
  return instance.admin_state === 'down' && instance.admin_state_source === 'user' ? 'user down' : 'down';
}

async function instanceData(
  context: PlanContext,
  instance: Instance,
  isStatic: boolean,
): Promise<Record<string, unknown>> {
  const { configuration } = context;
  const { cluster } = configuration;
  const primary = configuration.nodes.get(instance.primary_node);
  const disks = disksOf(configuration, instance);
  const secondaries = secondariesOf(configuration, instance).flatMap(
    (uuid) => configuration.nodes.get(uuid) ?? [],
  );
  const groupName = (uuid: string | undefined) =>
    uuid === undefined ? null : (configuration.nodegroups.get(uuid)?.name ?? null);
  const about = hypervisorAbout(instance.hypervisor);
  const hvparams = Object.fromEntries(
    Object.entries(filledHypervisor(cluster, instance)).filter(
      ([name]) => about.params[name]?.global !== true,
    ),
  );
  const on = { context, instance, isStatic };
  return {
    name: instance.name,
    config_state: instance.admin_state,
    run_state: await runState(context, instance, isStatic),
    pnode: primary?.name ?? null,
    pnode_group_uuid: primary?.group ?? null,
    pnode_group_name: groupName(primary?.group),
    snodes: secondaries.map((node) => node.name),
    snodes_group_uuids: secondaries.map((node) => node.group),
    snodes_group_names: secondaries.map((node) => groupName(node.group)),
    os: instance.os,
    nics: instance.nics.map((nic) => {
      const filled = filledNicOf(configuration, nic);
      const { network } = filled;
      return [
        filled.name,
        filled.uuid,
        filled.ip,
        filled.mac,
        filled.mode,
        filled.link,
        filled.vlan,
        network?.uuid ?? null,
        network,
      ];
    }),
    disk_template: disks[0]?.dev_type ?? 'diskless',
    disks: await Promise.all(disks.map((disk, index) => diskData(on, disk, index, null))),
    hypervisor: instance.hypervisor,
    network_port: instance.network_port ?? null,
    hv_instance: instance.hvparams,
    hv_actual: hvparams,
    be_instance: instance.beparams,
    be_actual: filledBackend(cluster, instance),
    os_instance: instance.osparams,
    os_actual: filledOs(cluster, instance.os, instance.osparams),
    serial_no: instance.serial_no,
    mtime: instance.mtime,
    ctime: instance.ctime,
    uuid: instance.uuid,
  };
}

export const instanceQueryData = operation({
  opcode: InstanceQueryData,
  steps: [],
  locks: (op, configuration) =>
    op.use_locking
      ? op.instances.map((name) => ({
          level: 'instance',
          name: instanceNamed(configuration, name).name,
          mode: 'shared',
        }))
      : [],
  plan: async (op, context): Promise<Record<string, unknown>> => {
    const { configuration } = context;
    const wanted: Instance[] =
      op.instances.length === 0
        ? configuration.instances.values().sort((a, b) => compareNicely(a.name, b.name))
        : op.instances.map((name) => instanceNamed(configuration, name));
    const data = await Promise.all(wanted.map((instance) => instanceData(context, instance, op.static)));
    return Object.fromEntries(wanted.map((instance, index) => [instance.name, data[index]]));
  },
  run: async (data) => data,
});
