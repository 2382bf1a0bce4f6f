/** The listing of `gnt-cluster info`. */
import { niceSort } from '../../../kit/nice-sort.ts';
import type { Paths } from '../../../kit/paths.ts';
import { type Info, type Pairs, pairs } from '../../output/info.ts';
import { groupedInfo, listOrNone, policyInfo, sortedByName } from '../../output/parameters-info.ts';
import { maybeRoman } from '../../output/roman.ts';
import { formatTime } from '../../output/time.ts';
import { formatUidRanges } from '../../shared/uid-ranges.ts';
import type { ClusterData } from './cluster-data.ts';

const microsecondsPerSecond = 1e6;

function collectorsInfo(cluster: ClusterData): Record<string, Info> {
  return Object.fromEntries(
    Object.entries(cluster.enabled_data_collectors).map(([name, active]) => {
      const seconds = (cluster.data_collector_interval[name] ?? 0) / microsecondsPerSecond;
      return [name, { active, interval: `${seconds.toFixed(3)}s` }];
    }),
  );
}

function settingsInfo(cluster: ClusterData, paths: Paths, roman: boolean): Pairs {
  const number = (value: unknown) => maybeRoman(value, roman);
  return pairs(
    ['candidate pool size', number(cluster.candidate_pool_size)],
    ['maximal number of jobs running simultaneously', number(cluster.max_running_jobs)],
    ['maximal number of jobs simultaneously tracked by the scheduler', number(cluster.max_tracked_jobs)],
    ['mac prefix', cluster.mac_prefix],
    ['master netdev', cluster.master_netdev],
    ['master netmask', number(cluster.master_netmask)],
    ['use external master IP address setup script', cluster.use_external_mip_script],
    ['lvm volume group', cluster.volume_group_name],
    ['lvm reserved volumes', listOrNone(cluster.reserved_lvs)],
    ['drbd usermode helper', cluster.drbd_usermode_helper],
    ['file storage path', cluster.file_storage_dir],
    ['shared file storage path', cluster.shared_file_storage_dir],
    ['gluster storage path', cluster.gluster_storage_dir],
    ['maintenance of node health', cluster.maintain_node_health],
    ['uid pool', formatUidRanges(cluster.uid_pool)],
    ['default instance allocator', cluster.default_iallocator],
    ['default instance allocator parameters', cluster.default_iallocator_params],
    ['primary ip version', number(cluster.primary_ip_version)],
    ['preallocation wipe disks', cluster.prealloc_wipe_disks],
    ['OS search path', paths.osSearchPath.join(', ')],
    ['ExtStorage Providers search path', paths.extStorageSearchPath.join(', ')],
    ['enabled disk templates', cluster.enabled_disk_templates.join(', ')],
    ['install image', cluster.install_image],
    ['instance communication network', cluster.instance_communication_network],
    ['zeroing image', cluster.zeroing_image],
    ['compression tools', cluster.compression_tools],
    ['enabled user shutdown', cluster.enabled_user_shutdown],
    ['modify ssh setup', cluster.modify_ssh_setup],
    ['ssh_key_type', cluster.ssh_key_type],
    ['ssh_key_bits', cluster.ssh_key_bits],
  );
}

export function clusterInfo(cluster: ClusterData, paths: Paths, roman: boolean): Pairs {
  const enabled = cluster.enabled_hypervisors;
  const hvparams = Object.fromEntries(
    Object.entries(cluster.hvparams).filter(([hypervisor]) => enabled.includes(hypervisor)),
  );
  return pairs(
    ['Cluster name', cluster.name],
    ['Cluster UUID', cluster.uuid],
    ['Creation time', formatTime(cluster.ctime)],
    ['Modification time', formatTime(cluster.mtime)],
    ['Master node', cluster.master],
    ['Architecture (this node)', `${cluster.architecture[0]} (${cluster.architecture[1]})`],
    ['Tags', listOrNone(niceSort(cluster.tags))],
    ['Default hypervisor', cluster.default_hypervisor],
    ['Enabled hypervisors', enabled.join(', ')],
    ['Hypervisor parameters', groupedInfo(hvparams, roman)],
    ['OS-specific hypervisor parameters', groupedInfo(cluster.os_hvp, roman)],
    ['OS parameters', groupedInfo(cluster.osparams, roman)],
    ['Hidden OSes', cluster.hidden_os.join(', ')],
    ['Blacklisted OSes', cluster.blacklisted_os.join(', ')],
    ['Cluster parameters', settingsInfo(cluster, paths, roman)],
    ['Default node parameters', groupedInfo(sortedByName(cluster.ndparams), roman)],
    ['Default instance parameters', groupedInfo(cluster.beparams, roman)],
    ['Default nic parameters', groupedInfo(cluster.nicparams, roman)],
    ['Default disk parameters', groupedInfo(cluster.diskparams, roman)],
    ['Instance policy - limits for instances', policyInfo(cluster.ipolicy, null, roman)],
    ['Data collectors', collectorsInfo(cluster)],
  );
}
