/** gnt-cluster init: reads the options; `gantry-bootstrap init` makes the cluster. */
import { ClusterPostInit } from '../../../opcodes/cluster.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { groupsOf, nestedGroupsOf } from '../../optparse/key-values.ts';
import type { ValuesOf } from '../../optparse/option.ts';
import type { Session } from '../../session.ts';
import { typedBackendBounds, typedHypervisors, typedNic, typedNode } from '../../shared/parameters.ts';
import { parseUidRanges } from '../../shared/uid-ranges.ts';
import { compressionTools } from './settings-values.ts';

const initOptions = [
  o.backendParameters,
  o.candidatePoolSize,
  o.enabledHypervisors,
  o.clusterFileStorageDir,
  o.manyHypervisorParameters,
  o.macPrefix,
  o.masterNetdev,
  o.masterNetmask,
  o.nicParameters,
  o.noEtcHosts,
  o.noSshInit,
  o.secondaryIp,
  o.vgName,
  o.maintainNodeHealth,
  o.uidPool,
  o.drbdUsermodeHelper,
  o.defaultIallocator,
  o.defaultIallocatorParams,
  o.primaryIpVersion,
  o.preallocWipeDisks,
  o.nodeParameters,
  o.sharedFileStorageDir,
  o.useExternalMipScript,
  o.diskParameters,
  o.hypervisorState,
  o.diskState,
  o.enabledDiskTemplates,
  o.ipolicyStdSpecs,
  o.glusterStorageDir,
  o.installImage,
  o.zeroingImage,
  o.compressionTools,
  o.userShutdown,
  o.sshKeyBits,
  o.sshKeyType,
  o.ipolicyBoundsSpecs,
  o.ipolicyDiskTemplates,
  o.ipolicyVcpuRatio,
  o.ipolicySpindleRatio,
  o.specsCpuCount,
  o.specsDiskCount,
  o.specsDiskSize,
  o.specsMemSize,
  o.specsNicCount,
] as const;

type InitOptions = ValuesOf<typeof initOptions>;

const defaultBridge = 'xen-br0';
const defaultSwitch = 'switch1';

/** What was asked for and can't be: told before anything is touched. */
class Refusal extends Error {}

/** What doesn't go together with the disk templates that were asked for. */
async function checkStorage(session: Session, options: InitOptions): Promise<void> {
  const { inVolumeGroup, mirrors, usesVolumeGroup } = await import('../../shared/storage-facts.ts');
  const templates = options.enabled_disk_templates?.split(',') ?? inVolumeGroup();
  const usesLvm = usesVolumeGroup(templates);
  if (options.vg_name === '' && usesLvm) {
    throw new Refusal('LVM disk templates are enabled, but vg name not set.');
  }
  if (options.vg_name && !usesLvm) {
    session.print(
      'You specified a volume group with --vg-name, but you did not enable any disk template that uses lvm.',
    );
  }
  const mirrored = mirrors(templates);
  if (!mirrored && options.drbd_helper !== null) {
    session.print('Note: You specified a DRBD usermode helper, while DRBD storage is not enabled.');
  }
  if (mirrored && options.drbd_helper === '') {
    throw new Refusal('Unsetting the drbd usermode helper while enabling DRBD is not allowed.');
  }
}

/** Interface of the cluster's address, and the link of NICs when Open vSwitch decides it. */
function networkChoice(options: InitOptions): { master_netdev: string | null; nicparams: object } {
  const nicparams = typedNic(options.nicparams);
  if (options.master_netdev !== null) return { master_netdev: options.master_netdev, nicparams };
  if (!nicparams.mode) return { master_netdev: defaultBridge, nicparams };
  return nicparams.mode === 'openvswitch'
    ? { master_netdev: defaultSwitch, nicparams: { ...nicparams, link: defaultSwitch } }
    : { master_netdev: null, nicparams };
}

function integerOr(text: string | null, complaint: string): number | null {
  if (text === null) return null;
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  throw new Refusal(`${complaint}: invalid literal for int() with base 10: '${text}'`);
}

/** Everything that `gantry-bootstrap init` is told; what isn't given has its default there. */
async function parametersOf(
  session: Session,
  options: InitOptions,
  name: string,
): Promise<Record<string, unknown>> {
  const { wholePolicyOf } = await import('../../shared/policy.ts');
  await checkStorage(session, options);
  return {
    cluster_name: name,
    secondary_ip: options.secondary_ip,
    vg_name: options.vg_name,
    drbd_helper: options.drbd_helper,
    ...networkChoice(options),
    mac_prefix: options.mac_prefix,
    master_netmask: integerOr(options.master_netmask, 'Invalid master netmask value'),
    file_storage_dir: options.file_storage_dir,
    shared_file_storage_dir: options.shared_file_storage_dir,
    gluster_storage_dir: options.gluster_storage_dir,
    enabled_hypervisors: options.enabled_hypervisors?.split(',') ?? null,
    enabled_disk_templates: options.enabled_disk_templates?.split(',') ?? null,
    hvparams: await typedHypervisors(groupsOf(options.hvparams)),
    beparams: typedBackendBounds(options.beparams),
    ndparams: typedNode(options.ndparams ?? {}),
    diskparams: groupsOf(options.diskparams),
    ipolicy: wholePolicyOf(options),
    candidate_pool_size: options.candidate_pool_size,
    modify_etc_hosts: options.modify_etc_hosts,
    modify_ssh_setup: options.modify_ssh_setup,
    maintain_node_health: options.maintain_node_health ?? false,
    uid_pool: parseUidRanges(options.uid_pool),
    default_iallocator: options.default_iallocator,
    default_iallocator_params: options.default_iallocator_params,
    primary_ip_version: integerOr(options.primary_ip_version, 'Invalid primary ip version value'),
    prealloc_wipe_disks: options.prealloc_wipe_disks ?? false,
    use_external_mip_script: options.use_external_mip_script ?? false,
    hv_state: groupsOf(options.hv_state),
    disk_state: nestedGroupsOf(options.disk_state),
    install_image: options.install_image ?? '',
    zeroing_image: options.zeroing_image ?? '',
    compression_tools: compressionTools(options.compression_tools),
    enabled_user_shutdown: options.enabled_user_shutdown ?? false,
    ssh_key_type: options.ssh_key_type,
    ssh_key_bits: options.ssh_key_bits,
  };
}

export const init = command({
  arguments: [one('host')],
  usage: '[<opts>...] <cluster-name>',
  description: 'Initialises a new cluster configuration',
  options: initOptions,
  run: async (session, options, args) => {
    let parameters: Record<string, unknown>;
    try {
      parameters = await parametersOf(session, options, args[0]!);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      session.warn(error.message);
      return ExitCode.failure;
    }
    await session.bootstrap('init', parameters);
    await submitAndWait(session, opcodeOf(ClusterPostInit, {}), options);
    return ExitCode.success;
  },
});
