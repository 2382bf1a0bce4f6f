/** What OP_INSTANCE_CREATE asks for, with everything settled that needs no node: name, template, parameters. */
import { hypervisorAbout } from '../../../hypervisors/catalog.ts';
import { ErrorCode, Failure, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { type BackendParameters, backendParameters, splitMemory } from '../../../model/params/backend.ts';
import { changeLevel, enforceTypes, findFault, type ParameterValues } from '../../../model/params/family.ts';
import { filledBackend, filledHypervisor } from '../../../model/params/fill.ts';
import { requireTags } from '../../../model/tags.ts';
import type { InstanceCreate } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import type { StorageAbout } from '../../../storage/contract.ts';
import { allocatorOrNode } from '../../allocate.ts';
import type { PlanContext } from '../../operation.ts';
import { requireSoundBackend } from '../backend.ts';
import { requireNotGlobal } from '../hypervisor-parameters.ts';
import { requireGoodNames } from '../modify/items.ts';
import { checkedName } from '../name.ts';
import { osImage, osValues } from '../os-parameters.ts';
import type { DiskRequest } from '../plan-disks.ts';
import type { NicRequest } from '../plan-nics.ts';

export type Op = OpcodeOf<typeof InstanceCreate>;

export interface CreateRequest {
  readonly name: string;
  /** What the name resolves to; undefined when that was not looked at. */
  readonly address: string | undefined;
  readonly about: StorageAbout;
  readonly disks: readonly DiskRequest[];
  readonly adopts: boolean;
  readonly nics: readonly NicRequest[];
  readonly hypervisor: string;
  readonly hvparams: ParameterValues;
  readonly beparams: ParameterValues;
  /** Filled. */
  readonly backend: BackendParameters;
  readonly tags: readonly string[];
  readonly start: boolean;
  /** The allocator that chooses the nodes; undefined when they are named. */
  readonly iallocator: string | undefined;
  /** The reserved instance that is made now. */
  readonly reserved: Instance | undefined;
}

/** Options that exclude or need each other. */
function requireSoundOptions(op: Op, configuration: Configuration): void {
  const wrong = (message: string) => prerequisiteFailure(message, ErrorCode.invalid);
  if (op.forthcoming && op.commit) throw wrong('Forthcoming generation and commiting are mutually exclusive');
  if (op.ip_check && !op.name_check) throw wrong('Cannot do IP address check without a name check');
  if (op.opportunistic_locking && op.iallocator === null) {
    throw wrong('Opportunistic locking is only available in combination with an instance allocator');
  }
  if (op.mode !== 'create') return;
  const image = osImage(osValues(op.osparams));
  if (op.os_type === null && image === undefined) throw wrong('No guest OS or OS image specified');
  if (op.os_type !== null && configuration.cluster.blacklisted_os.includes(op.os_type)) {
    throw prerequisiteFailure(`Guest OS '${op.os_type}' is not allowed for installation`, ErrorCode.state);
  }
}

function templateOf(configuration: Configuration, op: Op): StorageAbout {
  const enabled = configuration.cluster.enabled_disk_templates;
  const template = op.disk_template ?? enabled[0]!;
  if (!enabled.includes(template)) {
    // Without a code, as upstream's (utils.storage.CheckDiskTemplateEnabled).
    throw new Failure('OpPrereqError', [
      `Disk template '${template}' is not enabled in cluster. Enabled disk templates are: ${enabled.join(',')}`,
    ]);
  }
  const about = storageAbout(template);
  if (about.volumeGroup && !configuration.cluster.volume_group_name) {
    throw prerequisiteFailure('Cluster does not support lvm-based instances', ErrorCode.state);
  }
  return about;
}

/** All disks are adopted, or none. */
function adoptsDisks(op: Op, about: StorageAbout, disks: readonly DiskRequest[]): boolean {
  const wrong = (message: string) => prerequisiteFailure(message, ErrorCode.invalid);
  if (about.empty && disks.length > 0) throw wrong('Diskless instance but disk information passed');
  const adopted = disks.filter((disk) => 'adopt' in disk).length;
  if (adopted > 0 && adopted < disks.length) throw wrong('Either all disks are adopted or none is');
  if (adopted > 0) {
    if (about.adoptable === 'no')
      throw wrong(`Disk adoption is not supported for the '${about.name}' disk template`);
    if (op.iallocator !== null) throw wrong('Disk adoption not allowed with an iallocator script');
    if (op.mode !== 'create') throw wrong('Disk adoption not allowed for instance import');
  } else if (about.adoptable === 'must') {
    throw wrong(`Disk template ${about.name} requires disk adoption, but no 'adopt' parameter given`);
  }
  return adopted > 0;
}

function hypervisorParameters(op: Op, { cluster }: Configuration, hypervisor: string): ParameterValues {
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

/** The reserved instance that is to be made, or nothing when the name is free. */
function reservedInstance(op: Op, configuration: Configuration, name: string): Instance | undefined {
  const found = configuration.instances.byName(name);
  if (!op.commit) {
    if (found === undefined) return undefined;
    throw prerequisiteFailure(`Instance '${name}' is already in the cluster`, ErrorCode.exists);
  }
  if (found === undefined) throw prerequisiteFailure(`Instance ${name} unknown`, ErrorCode.invalid);
  if (found.forthcoming) return found;
  throw prerequisiteFailure(
    `Instance ${name} (with uuid ${found.uuid}) not forthcoming but --commit was passed.`,
    ErrorCode.state,
  );
}

function nicsOf(op: Op, configuration: Configuration, name: string): NicRequest[] {
  const nics = op.nics as readonly NicRequest[];
  const own = `ganeti:communication:${name}`;
  if (!op.instance_communication || nics.some((nic) => nic.name === own)) return [...nics];
  const network = configuration.cluster.instance_communication_network;
  if (typeof network !== 'string' || network === '') {
    throw prerequisiteFailure(
      'Instance communication needs a network: set one for the cluster first',
      ErrorCode.state,
    );
  }
  return [...nics, { name: own, mac: 'generate', ip: 'pool', network }];
}

function withoutDefaults(op: Op, own: ParameterValues, defaults: ParameterValues): ParameterValues {
  if (!op.identify_defaults) return own;
  return Object.fromEntries(Object.entries(own).filter(([name, value]) => defaults[name] !== value));
}

/** What is "auto" is the cluster's to say. */
const withoutAuto = (own: ParameterValues): ParameterValues =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== 'auto'));

const named = (requests: readonly { readonly name?: unknown }[]) =>
  requests.map((request, index) => ({
    uuid: `#${index}`,
    name: typeof request.name === 'string' && request.name.toLowerCase() !== 'none' ? request.name : null,
  }));

/** @throws Failure OpPrereqError, TypeEnforcementError, TagError */
export async function createRequest(op: Op, context: PlanContext): Promise<CreateRequest> {
  const { configuration } = context;
  const { cluster } = configuration;
  requireTags(op.tags);
  const skipsInstall = op.no_install === true && op.mode === 'create';
  if (skipsInstall && op.start) context.info('No-installation mode selected, disabling startup');
  requireSoundOptions(op, configuration);
  const start = op.start && !skipsInstall;
  const { name, address } = await checkedName(context, {
    name: op.instance_name,
    nameCheck: op.name_check,
    ipCheck: op.ip_check && start,
  });
  const reserved = reservedInstance(op, configuration, name);
  const about = templateOf(configuration, op);
  const disks = op.disks as readonly DiskRequest[];
  const adopts = adoptsDisks(op, about, disks);
  requireGoodNames('disk', named(disks));
  const nics = nicsOf(op, configuration, name);
  requireGoodNames('NIC', named(nics));
  const hypervisor = op.hypervisor ?? cluster.enabled_hypervisors[0]!;
  const hvparams = hypervisorParameters(op, configuration, hypervisor);
  const beparams = changeLevel(
    {},
    enforceTypes(backendParameters, withoutAuto(splitMemory(op.beparams as ParameterValues))),
  );
  const backend = filledBackend(cluster, { beparams });
  requireSoundBackend(backend);
  const iallocator =
    reserved === undefined ? allocatorOrNode(configuration, op.iallocator, op.pnode) : undefined;
  return {
    name,
    address,
    about,
    disks,
    adopts,
    nics,
    hypervisor,
    hvparams: withoutDefaults(op, hvparams, cluster.hvparams[hypervisor] ?? {}),
    beparams: withoutDefaults(op, beparams, cluster.beparams.default ?? {}),
    backend,
    tags: [...new Set(op.tags)].sort(),
    start,
    iallocator,
    reserved,
  };
}
