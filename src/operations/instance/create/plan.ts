/** The plan of a new instance: its nodes, everything it consists of named and reserved, every node asked. */
import type { NewInstance } from '../../../allocator/wish.ts';
import { hypervisorAbout } from '../../../hypervisors/catalog.ts';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { LockRequest } from '../../../locks/contract.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { disksOf, nodeNamed, nodesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Nic } from '../../../model/objects/nic.ts';
import type { Node } from '../../../model/objects/node.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import type { StorageAbout } from '../../../storage/contract.ts';
import { requireUsable, requireUsableAsPrimary } from '../../checks.ts';
import type { PlanContext } from '../../operation.ts';
import { requireCompression } from '../../transfer/authority.ts';
import { chooseNodes, nodeCountOf } from '../choose-nodes.ts';
import {
  requireDiskSpace,
  requireHypervisor,
  requireLinks,
  requireMemory,
  requireOs,
} from '../create-checks.ts';
import { type InstallMachine, planInstall } from '../helper/install.ts';
import { hasExclusiveStorage, requireSpindles } from '../modify/disk-requests.ts';
import { hiddenOs, osImage, osValues } from '../os-parameters.ts';
import { layDisksOut, type WantedDisk, wantedDisk } from '../plan-disks.ts';
import { type NicRequest, planNics } from '../plan-nics.ts';
import { requirePolicy } from '../policy.ts';
import { adopt } from './adopt.ts';
import type { Origin } from './import.ts';
import { type CreateRequest, createRequest, type Op } from './request.ts';

export interface CreatePlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly disks: readonly Disk[];
  /** The reserved instance that it takes the place of, and its disks. */
  readonly reserved: { readonly instance: Instance; readonly disks: readonly Disk[] } | undefined;
  /** Names of volumes that are adopted, one a disk; empty when none is. */
  readonly adopted: readonly string[];
  /** Primary first. */
  readonly nodes: readonly Node[];
  readonly ports: readonly number[];
  readonly about: StorageAbout;
  /** Nothing is made: it is only reserved. */
  readonly forthcoming: boolean;
  readonly waitForSync: boolean;
  readonly installOs: boolean;
  /** Installs instead of the node, which does not trust the scripts. */
  readonly installer: InstallMachine | undefined;
  /** What the first disk begins with, instead of an installation. */
  readonly image: string | undefined;
  /** Where the contents of its disks come from; undefined when it is installed. */
  readonly origin: Origin | undefined;
  /** How they are compressed on their way. */
  readonly compress: string;
  readonly start: boolean;
  readonly secretParameters: Readonly<Record<string, string>>;
  readonly secretNames: readonly string[];
  readonly debug: number;
}

function namedNodes(op: Op, context: PlanContext, about: StorageAbout): Node[] {
  const { configuration } = context;
  const primary = nodeNamed(configuration, op.pnode!);
  if (!about.needsSecondary) {
    if (op.snode !== null) context.warn('Secondary node will be ignored on non-mirrored disk template');
    return [primary];
  }
  if (op.snode === null)
    throw prerequisiteFailure('The networked disk templates need a mirror node', ErrorCode.invalid);
  const secondary = nodeNamed(configuration, op.snode);
  if (primary.uuid === secondary.uuid)
    throw prerequisiteFailure('The secondary node cannot be the primary node', ErrorCode.invalid);
  return [primary, secondary];
}

/** Names of the nodes whose locks could be taken, when not all of them were waited for. */
function lockedNodes(op: Op, { configuration, held }: PlanContext): string[] | null {
  if (!op.opportunistic_locking) return null;
  const has = (level: LockRequest['level'], uuid: string) =>
    held.some((lock) => lock.level === level && lock.name === uuid);
  return configuration.nodes
    .values()
    .filter(({ uuid }) => has('node', uuid) && has('node-res', uuid))
    .map((node) => node.name);
}

function asNew(op: Op, request: CreateRequest, wanted: readonly WantedDisk[]): NewInstance {
  const { backend, about } = request;
  return {
    name: request.name,
    template: about.name,
    tags: request.tags,
    os: op.os_type ?? '',
    vcpus: backend.vcpus,
    memory: backend.maxmem,
    spindleUse: backend.spindle_use,
    disks: wanted.map(({ size, mode, spindles, vg }) => ({
      size,
      mode,
      spindles: spindles ?? undefined,
      vg: vg ?? undefined,
    })),
    nics: request.nics.map(({ ip, network, mode, link }) => ({
      ip: ip ?? null,
      mode: mode ?? undefined,
      link: link ?? undefined,
      network: network ?? undefined,
    })),
    hypervisor: request.hypervisor,
    nodeCount: nodeCountOf(about.name),
    group: op.group_name,
  };
}

async function nodesFor(op: Op, context: PlanContext, request: CreateRequest): Promise<Node[]> {
  const { configuration } = context;
  const { iallocator, reserved, about } = request;
  if (reserved !== undefined)
    return nodesOf(configuration, reserved).map((uuid) => configuration.nodes.get(uuid)!);
  if (iallocator === undefined) return namedNodes(op, context, about);
  const wanted = request.disks.map((disk) => wantedDisk(configuration, about, disk));
  const onlyNodes = lockedNodes(op, context);
  try {
    return await chooseNodes(context, iallocator, asNew(op, request, wanted), {
      onlyNodes,
      ...(onlyNodes === null ? {} : { code: ErrorCode.temporaryResources }),
    });
  } catch (error) {
    if (onlyNodes !== null)
      context.info(`IAllocator '${iallocator}' failed on opportunistically acquired nodes`);
    throw error;
  }
}

/** An interface that was reserved and is asked for in the same way stays as it was reserved. */
function keptNics(
  context: PlanContext,
  requests: readonly NicRequest[],
  old: readonly Nic[],
  plan: (requests: readonly NicRequest[]) => Nic[],
): Nic[] {
  const same = (request: NicRequest, nic: Nic) =>
    Object.entries(request).every(([key, value]) => {
      if (key === 'mac') return value === 'auto' || value === 'generate' || value === nic.mac;
      if (key === 'ip') return value === 'pool' || value === (nic.ip ?? null);
      if (key === 'name') return value === (nic.name ?? null);
      if (key === 'network') {
        const network = nic.network ? context.configuration.networks.get(nic.network) : undefined;
        return value === (network?.name ?? null) || value === (nic.network ?? null);
      }
      return value === (nic.nicparams as Readonly<Record<string, unknown>>)[key];
    });
  return requests.flatMap((request, index) => {
    const nic = old[index];
    return nic !== undefined && same(request, nic) ? [nic] : plan([request]);
  });
}

interface Parts {
  readonly instance: Instance;
  readonly disks: readonly Disk[];
  readonly adopted: readonly string[];
  readonly ports: readonly number[];
}

async function wantedDisks(
  context: PlanContext,
  request: CreateRequest,
  nodes: readonly Node[],
): Promise<WantedDisk[]> {
  const { configuration } = context;
  const { about } = request;
  const uuids = nodes.map((node) => node.uuid);
  const exclusive = hasExclusiveStorage(configuration, uuids);
  if (exclusive && !about.exclusiveStorage) {
    throw prerequisiteFailure(
      `Disk template ${about.name} not supported with exclusive storage`,
      ErrorCode.state,
    );
  }
  for (const disk of request.disks) requireSpindles(disk, exclusive, true);
  const group = configuration.nodegroups.get(nodes[0]!.group);
  const wanted = request.disks.map((disk) => wantedDisk(configuration, about, disk, group));
  return request.adopts ? await adopt(context, nodes[0]!, about, wanted) : wanted;
}

/** Reserved disks lose the mark; all else about them stands. */
function madeDisks(configuration: Configuration, reserved: Instance): Disk[] {
  return disksOf(configuration, reserved).map((disk) => marked(disk, undefined));
}

/** A disk and what it stands on, marked as only reserved or as made. */
function marked(disk: Disk, forthcoming: true | undefined): Disk {
  const children = disk.children?.map((child) => marked(child, forthcoming));
  return { ...disk, forthcoming, ...(children === undefined ? {} : { children }) };
}

async function partsOf(
  op: Op,
  context: PlanContext,
  request: CreateRequest,
  nodes: readonly Node[],
): Promise<Parts> {
  const { configuration, reservations, owner } = context;
  const { about, name, address, reserved, backend, hypervisor } = request;
  const group = configuration.nodegroups.get(nodes[0]!.group)!;
  const wanted = reserved === undefined ? await wantedDisks(context, request, nodes) : [];
  const layout = {
    template: about.name,
    fileDriver: op.file_driver,
    fileStorageDir: op.file_storage_dir,
    instanceName: name,
    nodes: nodes.map((node) => node.uuid),
  };
  const laid =
    reserved === undefined ? layDisksOut(context, layout, wanted) : madeDisks(configuration, reserved);
  const disks = op.forthcoming ? laid.map((disk) => marked(disk, true)) : laid;
  if (!op.ignore_ipolicy) {
    requirePolicy(configuration.cluster, group, {
      memory: backend.maxmem,
      vcpus: backend.vcpus,
      spindles: backend.spindle_use,
      nics: request.nics.length,
      disks: disks.map((disk) => disk.size),
      template: about.name,
    });
  }
  const place = { instanceName: name, address, primary: nodes[0]!, conflictsCheck: op.conflicts_check };
  const plan = (nics: readonly NicRequest[]) => planNics(context, nics, place);
  const nics = keptNics(context, request.nics, reserved?.nics ?? [], plan);
  const port = hypervisorAbout(hypervisor).needsPort
    ? (reserved?.network_port ?? reservations.allocatePort(owner))
    : null;
  const instance: Instance = {
    uuid: reserved?.uuid ?? reservations.generateUuid(owner),
    serial_no: 1,
    ctime: reserved?.ctime ?? context.now(),
    mtime: context.now(),
    tags: [...request.tags],
    name,
    primary_node: nodes[0]!.uuid,
    os: op.os_type ?? '',
    hypervisor,
    hvparams: request.hvparams as Instance['hvparams'],
    beparams: request.beparams as Instance['beparams'],
    osparams: osValues(op.osparams),
    osparams_private: osValues(op.osparams_private),
    admin_state: 'down',
    admin_state_source: 'admin',
    nics,
    disks: disks.map((disk) => disk.uuid),
    disks_active: false,
    ...(port === null ? {} : { network_port: port }),
    ...(op.forthcoming ? { forthcoming: true } : {}),
  };
  const mirrorPorts = disks.flatMap((disk) =>
    storageAbout(disk.dev_type).mirrored === 'internal' ? [Number(disk.logical_id?.[2])] : [],
  );
  const adopted = request.adopts && about.volumeGroup ? wanted.map((disk) => disk.adopt!) : [];
  return { instance, disks, adopted, ports: [...mirrorPorts, ...(port === null ? [] : [port])] };
}

/** @throws Failure OpPrereqError, OpExecError for what an OS definition refuses */
export async function planCreate(op: Op, context: PlanContext, origin?: Origin): Promise<CreatePlan> {
  const { configuration } = context;
  requireCompression(configuration.cluster.compression_tools, op.compress);
  const request = await createRequest(op, context);
  const { about, reserved, start } = request;
  const nodes = await nodesFor(op, context, request);
  const [first, ...others] = nodes as [Node, ...Node[]];
  requireUsableAsPrimary(first);
  for (const node of others) requireUsable(node);
  const [primary] = nodes as [Node];
  const parts = await partsOf(op, context, request, nodes);
  if (request.iallocator === undefined && reserved === undefined) {
    const wanted = request.disks.map((disk) => wantedDisk(configuration, about, disk));
    const uuids = nodes.map((node) => node.uuid);
    const placement = { name: request.name, nodes: uuids, made: asNew(op, request, wanted) };
    context.master?.placements.note(context.owner, placement);
  }
  const { instance, disks } = parts;
  const { os, osparams_private } = instance;
  const secretParameters = hiddenOs(configuration.cluster, os, osparams_private, op.osparams_secret);
  await requireHypervisor(context, instance, nodes);
  let untrusted = false;
  if (os !== '') {
    for (const node of nodes) {
      const found = await requireOs(context, instance, node, secretParameters, op.force_variant);
      if (node === primary) untrusted = found;
    }
  }
  await requireLinks(context, instance, primary);
  if (!request.adopts && reserved === undefined) await requireDiskSpace(context, disks, nodes);
  const isNew = origin === undefined && !op.no_install && !request.adopts && disks.length > 0;
  const image = isNew ? osImage(osValues(op.osparams)) : undefined;
  const installOs = isNew && image === undefined && os !== '' && !op.forthcoming;
  const timeouts = { startup: op.helper_startup_timeout, shutdown: op.helper_shutdown_timeout };
  const installer =
    installOs && untrusted ? await planInstall(context, instance, disks, primary, timeouts) : undefined;
  if (installer === undefined && (timeouts.startup !== null || timeouts.shutdown !== null)) {
    context.warn('No helper virtual machine is needed: its timeouts have no effect');
  }
  if (start || installer !== undefined) await requireMemory(context, instance, primary);
  return {
    ...parts,
    configuration,
    installer,
    reserved:
      reserved === undefined ? undefined : { instance: reserved, disks: disksOf(configuration, reserved) },
    nodes,
    about,
    forthcoming: op.forthcoming,
    waitForSync: op.wait_for_sync,
    origin,
    compress: op.compress,
    installOs,
    image,
    start,
    secretParameters,
    secretNames: Object.keys(osValues(op.osparams_secret)),
    debug: op.debug_level ?? 0,
  };
}
