/** From the checked request of `gnt-cluster init` to what a new configuration is made of. */
import type { InitialRequest } from '../../config/initial.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { keyBits, type SshKeyType } from '../../kit/ssh-keys.ts';
import type { Parameters } from '../../model/objects/common.ts';
import type { InstancePolicy, PartialInstancePolicy } from '../../model/objects/instance-policy.ts';
import { enforceTypes, findFault, type ParameterValues } from '../../model/params/family.ts';
import { hypervisorStateDefaults } from '../../model/params/fill.ts';
import { defaultInstancePolicy, fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { changedDiskState, changedHypervisorState } from '../../operations/settings/resource-state.ts';
import { storageAbout, storageTemplates } from '../../storage/catalog.ts';
import {
  flagOf,
  hypervisorParametersOf,
  type InitInput,
  inheritedOf,
  listOf,
  textOf,
} from './init-request.ts';

export interface FirstNode {
  readonly name: string;
  readonly primaryIp: string;
  readonly secondaryIp: string;
  readonly certificateDigest: string;
}

/** What was found out about the machine and its names. */
export interface FirstFacts {
  readonly cluster: { readonly name: string; readonly ip: string };
  readonly netdev: string;
  readonly netmask: number;
  readonly macPrefix: string;
  readonly volumeGroup: string | null;
  readonly hypervisors: readonly string[];
  readonly templates: readonly string[];
  readonly node: FirstNode;
  /** Seconds since the epoch. */
  readonly now: number;
}

function diskParametersOf(input: InitInput): Record<string, Parameters> {
  const given = (input.diskparams ?? {}) as Readonly<Record<string, ParameterValues>>;
  const known = storageTemplates.map((about) => about.name);
  return Object.fromEntries(
    Object.entries(given).map(([template, values]) => {
      if (!known.includes(template))
        throw prerequisiteFailure(`Invalid disk template '${template}'`, ErrorCode.invalid);
      const { params } = storageAbout(template);
      const typed = enforceTypes(params, values);
      const fault = findFault(params, typed);
      if (fault !== undefined)
        throw prerequisiteFailure(`While verify diskparam options: ${fault}`, ErrorCode.invalid);
      return [template, typed];
    }),
  );
}

/** The policy allows no more templates than the cluster has (bootstrap._RestrictIpolicyToEnabledDiskTemplates). */
function policyOf(input: InitInput, templates: readonly string[]): InstancePolicy {
  const given = (input.ipolicy ?? {}) as PartialInstancePolicy;
  const policy = fillInstancePolicy(defaultInstancePolicy, given);
  return {
    ...policy,
    'disk-templates': policy['disk-templates'].filter((template) => templates.includes(template)),
  };
}

/** The storage folder of a file-based template: what was given, or Ganeti's default when the template is enabled. */
function storageFolder(
  input: InitInput,
  key: string,
  template: string,
  templates: readonly string[],
  standard: string,
): string {
  const given = textOf(input, key);
  if (given !== null && !given.startsWith('/')) {
    throw prerequisiteFailure(`File storage directory '${given}' is not an absolute path`, ErrorCode.invalid);
  }
  return given ?? (templates.includes(template) ? standard : '');
}

const statesOf = (input: InitInput, key: string) =>
  (input[key] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A cluster without a master candidate could not outlive its master (constants.MASTER_POOL_SIZE_MIN). */
function poolSizeOf({ candidate_pool_size: size }: InitInput): number | undefined {
  if (size === null || size === undefined) return undefined;
  if (typeof size === 'number' && Number.isInteger(size) && size >= 1) return size;
  throw prerequisiteFailure(
    `The candidate pool must have room for one node at least, not for ${JSON.stringify(size)}`,
    ErrorCode.invalid,
  );
}

/** @throws Failure OpPrereqError, TypeEnforcementError, HypervisorError */
export function configurationRequest(input: InitInput, facts: FirstFacts): InitialRequest {
  const { beparams, nicparams, ndparams } = inheritedOf(input);
  const family = Number(input.primary_ip_version ?? 4) === 6 ? 10 : 4;
  const templates = [...facts.templates];
  const keyType = (textOf(input, 'ssh_key_type') ?? 'rsa') as SshKeyType;
  const folder = (key: string, template: string, standard: string) =>
    storageFolder(input, key, template, templates, standard);
  return {
    cluster: {
      cluster_name: facts.cluster.name,
      master_ip: facts.cluster.ip,
      master_netdev: facts.netdev,
      master_netmask: facts.netmask,
      primary_ip_family: family === 10 ? 10 : 2,
      use_external_mip_script: flagOf(input, 'use_external_mip_script', false),
      mac_prefix: facts.macPrefix,
      volume_group_name: facts.volumeGroup,
      drbd_usermode_helper: templates.some((template) => storageAbout(template).mirrored === 'internal')
        ? (textOf(input, 'drbd_helper') ?? '/bin/true')
        : null,
      file_storage_dir: folder('file_storage_dir', 'file', '/srv/ganeti/file-storage'),
      shared_file_storage_dir: folder(
        'shared_file_storage_dir',
        'sharedfile',
        '/srv/ganeti/shared-file-storage',
      ),
      gluster_storage_dir: folder('gluster_storage_dir', 'gluster', '/var/run/ganeti/gluster'),
      enabled_hypervisors: [...facts.hypervisors],
      enabled_disk_templates: templates,
      hvparams: hypervisorParametersOf(input) as Record<
        string,
        Record<string, string | number | boolean | null>
      >,
      beparams: { default: { ...beparams } },
      nicparams: { default: { ...nicparams } as Record<string, string> },
      ndparams: { ...ndparams },
      diskparams: diskParametersOf(input) as Record<string, Record<string, string | number | boolean | null>>,
      ipolicy: policyOf(input, templates),
      candidate_pool_size: poolSizeOf(input),
      hv_state_static: changedHypervisorState(
        Object.fromEntries(facts.hypervisors.map((name) => [name, { ...hypervisorStateDefaults }])),
        statesOf(input, 'hv_state'),
      ) as Record<string, Record<string, string | number | boolean | null>>,
      disk_state_static: changedDiskState({}, statesOf(input, 'disk_state')) as Record<string, never>,
      modify_etc_hosts: flagOf(input, 'modify_etc_hosts', true),
      modify_ssh_setup: flagOf(input, 'modify_ssh_setup', true),
      maintain_node_health: flagOf(input, 'maintain_node_health', false),
      uid_pool: Array.isArray(input.uid_pool) ? (input.uid_pool as number[][]) : undefined,
      default_iallocator: textOf(input, 'default_iallocator') ?? 'hail',
      default_iallocator_params: (input.default_iallocator_params ?? undefined) as
        | Record<string, unknown>
        | undefined,
      prealloc_wipe_disks: flagOf(input, 'prealloc_wipe_disks', false),
      install_image: textOf(input, 'install_image') ?? '',
      zeroing_image: textOf(input, 'zeroing_image') ?? '',
      compression_tools: listOf(input, 'compression_tools') ?? undefined,
      enabled_user_shutdown: flagOf(input, 'enabled_user_shutdown', false),
      ssh_key_type: keyType,
      ssh_key_bits: keyBits(keyType, typeof input.ssh_key_bits === 'number' ? input.ssh_key_bits : null),
    },
    node: { name: facts.node.name, primary_ip: facts.node.primaryIp, secondary_ip: facts.node.secondaryIp },
    certificateDigest: facts.node.certificateDigest,
    now: facts.now,
  };
}
