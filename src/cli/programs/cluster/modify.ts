/** gnt-cluster modify. */
import { ClusterSetParams } from '../../../opcodes/cluster.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { groupsOf, nestedGroupsOf, unescapeAndSplit } from '../../optparse/key-values.ts';
import type { ValuesOf } from '../../optparse/option.ts';
import { pythonText } from '../../output/python-text.ts';
import type { Session } from '../../session.ts';
import { invalid } from '../../shared/devices.ts';
import { followResult } from '../../shared/follow-result.ts';
import { typedBackend, typedHypervisors, typedNic, typedNode } from '../../shared/parameters.ts';
import { policyOf } from '../../shared/policy.ts';
import { parseUidRanges } from '../../shared/uid-ranges.ts';
import { compressionTools } from './settings-values.ts';

const modifyOptions = [
  o.force,
  o.backendParameters,
  o.candidatePoolSize,
  o.maxRunningJobs,
  o.maxTrackedJobs,
  o.installImage,
  o.instanceCommunicationNetwork,
  o.enabledHypervisors,
  o.manyHypervisorParameters,
  o.macPrefix,
  o.masterNetdev,
  o.masterNetmask,
  o.nicParameters,
  o.vgName,
  o.maintainNodeHealth,
  o.uidPool,
  o.addUids,
  o.removeUids,
  o.drbdUsermodeHelper,
  o.defaultIallocator,
  o.defaultIallocatorParams,
  o.reservedLvs,
  o.dryRun,
  o.priority,
  o.preallocWipeDisks,
  o.nodeParameters,
  o.useExternalMipScript,
  o.diskParameters,
  o.hypervisorState,
  o.diskState,
  o.submit,
  o.printJobId,
  o.enabledDiskTemplates,
  o.ipolicyStdSpecs,
  o.modifyEtcHosts,
  o.userShutdown,
  o.ipolicyBoundsSpecs,
  o.ipolicyDiskTemplates,
  o.ipolicyVcpuRatio,
  o.ipolicySpindleRatio,
  o.clusterFileStorageDir,
  o.sharedFileStorageDir,
  o.zeroingImage,
  o.compressionTools,
  o.enabledDataCollectors,
  o.dataCollectorInterval,
] as const;

type ModifyOptions = ValuesOf<typeof modifyOptions>;

/** Options that say how, not what. */
const notChanges = ['force', 'dry_run', 'priority', 'submit_only', 'print_jobid', 'debug', 'reason'];

function isGiven(value: unknown): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function changesNothing(options: ModifyOptions): boolean {
  return !Object.entries(options).some(([name, value]) => !notChanges.includes(name) && isGiven(value));
}

/** Says which options can have no effect with the disk templates that shall be enabled. */
async function warnOfStorage(
  session: Session,
  options: ModifyOptions,
  templates: string[] | null,
): Promise<void> {
  if (templates === null) return;
  const { inVolumeGroup, mirrors, usesVolumeGroup } = await import('../../shared/storage-facts.ts');
  if (options.vg_name && !usesVolumeGroup(templates)) {
    session.print(
      'You specified a volume group with --vg-name, but you did not enable any of the following lvm-based' +
        ` disk templates: ${inVolumeGroup().join(', ')}`,
    );
  }
  if (options.drbd_helper && !mirrors(templates)) {
    session.print(
      'You specified a DRBD usermode helper with  --drbd-usermode-helper while DRBD is not enabled.',
    );
  }
}

const microsecondsPerSecond = 1e6;

function collectorIntervals(values: ModifyOptions['data_collector_interval']): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const microseconds = Math.trunc(Number(value) * microsecondsPerSecond);
      if (typeof value !== 'string' || Number.isNaN(microseconds)) {
        throw invalid(`Can't transform all values to integers: ${pythonText(values)}`);
      }
      if (microseconds <= 0) throw invalid('Some interval times where not above zero.');
      return [name, microseconds];
    }),
  );
}

function collectorsEnabled(values: ModifyOptions['enabled_data_collectors']): Record<string, boolean> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, String(value).toLowerCase().startsWith('t')]),
  );
}

function netmaskOf(text: string | null): number | null {
  if (text === null) return null;
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  throw invalid('The --master-netmask option expects an int parameter.');
}

/** Null while the option isn't given; an empty value reserves none. */
function reservedVolumes(text: string | null): string[] | null {
  if (text === null) return null;
  return text === '' ? [] : unescapeAndSplit(text);
}

/** Names and addresses of what the cluster uses. */
function placesOf(options: ModifyOptions) {
  return {
    vg_name: options.vg_name,
    drbd_helper: options.drbd_helper,
    mac_prefix: options.mac_prefix,
    master_netdev: options.master_netdev,
    master_netmask: netmaskOf(options.master_netmask),
    file_storage_dir: options.file_storage_dir,
    shared_file_storage_dir: options.shared_file_storage_dir,
    install_image: options.install_image,
    zeroing_image: options.zeroing_image,
    instance_communication_network: options.instance_communication_network,
    default_iallocator: options.default_iallocator,
    default_iallocator_params: options.default_iallocator_params,
  };
}

/** Parameters that others inherit. */
async function parametersOf(options: ModifyOptions) {
  return {
    hvparams: (await typedHypervisors(groupsOf(options.hvparams))) as never,
    os_hvp: null,
    beparams: typedBackend(options.beparams),
    nicparams: typedNic(options.nicparams) as never,
    ndparams: options.ndparams === null ? null : typedNode(options.ndparams),
    diskparams: groupsOf(options.diskparams) as never,
    ipolicy: policyOf(options, false) as never,
    hv_state: groupsOf(options.hv_state),
    disk_state: nestedGroupsOf(options.disk_state),
  };
}

export const modify = command({
  arguments: [],
  usage: '[<opts>...]',
  description: 'Alters the parameters of the cluster',
  options: modifyOptions,
  run: async (session, options) => {
    if (changesNothing(options)) {
      session.warn('Please give at least one of the parameters.');
      return ExitCode.failure;
    }
    const templates = options.enabled_disk_templates ? options.enabled_disk_templates.split(',') : null;
    await warnOfStorage(session, options, templates);
    const opcode = opcodeOf(ClusterSetParams, {
      ...placesOf(options),
      ...(await parametersOf(options)),
      enabled_hypervisors: options.enabled_hypervisors?.split(',') as never,
      enabled_disk_templates: templates as never,
      candidate_pool_size: options.candidate_pool_size,
      max_running_jobs: options.max_running_jobs,
      max_tracked_jobs: options.max_tracked_jobs,
      maintain_node_health: options.maintain_node_health,
      modify_etc_hosts: options.modify_etc_hosts,
      uid_pool: parseUidRanges(options.uid_pool),
      add_uids: parseUidRanges(options.add_uids),
      remove_uids: parseUidRanges(options.remove_uids),
      prealloc_wipe_disks: options.prealloc_wipe_disks,
      reserved_lvs: reservedVolumes(options.reserved_lvs),
      use_external_mip_script: options.use_external_mip_script,
      force: options.force,
      compression_tools: compressionTools(options.compression_tools),
      enabled_user_shutdown: options.enabled_user_shutdown,
      enabled_data_collectors: collectorsEnabled(options.enabled_data_collectors),
      data_collector_interval: collectorIntervals(options.data_collector_interval),
    });
    return await followResult(session, await submit(session, opcode, options), options);
  },
});
