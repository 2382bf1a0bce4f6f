/** What QueryClusterInfo gives (LUClusterQuery). */

type Values = Readonly<Record<string, unknown>>;

export interface ClusterData {
  readonly software_version: string;
  readonly protocol_version: number;
  readonly config_version: number;
  readonly os_api_version: number;
  readonly export_version: number;
  readonly vcs_version: string;
  readonly name: string;
  readonly uuid: string;
  readonly ctime: number | null;
  readonly mtime: number | null;
  readonly master: string;
  readonly architecture: readonly [string, string];
  readonly tags: readonly string[];
  readonly default_hypervisor: string;
  readonly enabled_hypervisors: readonly string[];
  readonly hvparams: Values;
  readonly os_hvp: Values;
  readonly osparams: Values;
  readonly hidden_os: readonly string[];
  readonly blacklisted_os: readonly string[];
  readonly candidate_pool_size: number;
  readonly max_running_jobs: number;
  readonly max_tracked_jobs: number;
  readonly mac_prefix: string;
  readonly master_netdev: string;
  readonly master_netmask: number;
  readonly use_external_mip_script: boolean;
  readonly volume_group_name: string | null;
  readonly reserved_lvs: readonly string[];
  readonly drbd_usermode_helper: string | null;
  readonly file_storage_dir: string;
  readonly shared_file_storage_dir: string;
  readonly gluster_storage_dir: string;
  readonly maintain_node_health: boolean;
  readonly uid_pool: readonly (readonly [number, number])[];
  readonly default_iallocator: string;
  readonly default_iallocator_params: Values | null;
  readonly primary_ip_version: number;
  readonly prealloc_wipe_disks: boolean;
  readonly enabled_disk_templates: readonly string[];
  readonly install_image: string | null;
  readonly instance_communication_network: string | null;
  readonly zeroing_image: string | null;
  readonly compression_tools: readonly string[];
  readonly enabled_user_shutdown: boolean;
  readonly modify_ssh_setup: boolean;
  readonly ssh_key_type: string;
  readonly ssh_key_bits: number;
  readonly ndparams: Values;
  readonly beparams: Values;
  readonly nicparams: Values;
  readonly diskparams: Values;
  readonly ipolicy: Values;
  readonly enabled_data_collectors: Readonly<Record<string, boolean>>;
  /** Microseconds. */
  readonly data_collector_interval: Readonly<Record<string, number>>;
}
