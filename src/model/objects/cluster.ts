/** The cluster itself: names, policies and defaults that everything inherits (objects.Cluster). */
import * as z from 'zod';
import { identity, Parameters, tags } from './common.ts';
import { InstancePolicy } from './instance-policy.ts';
import { NicParameters } from './nic.ts';

export const Cluster = z
  .looseObject({
    ...identity,
    ...tags,
    cluster_name: z.string(),
    master_node: z.string(),
    master_ip: z.string(),
    master_netdev: z.string(),
    master_netmask: z.int(),
    use_external_mip_script: z.boolean().default(false),
    primary_ip_family: z.union([z.literal(2), z.literal(10)]).default(2),
    rsahostkeypub: z.string().default(''),
    dsahostkeypub: z.string().nullish(),
    ssh_key_type: z.enum(['rsa', 'dsa', 'ecdsa']).default('rsa'),
    ssh_key_bits: z.int().default(2048),
    highest_used_port: z.int(),
    tcpudp_port_pool: z.array(z.int()).default([]),
    mac_prefix: z.string(),
    volume_group_name: z.string().nullish(),
    reserved_lvs: z.array(z.string()).default([]),
    drbd_usermode_helper: z.string().nullish(),
    file_storage_dir: z.string().default(''),
    shared_file_storage_dir: z.string().default(''),
    gluster_storage_dir: z.string().default(''),
    enabled_hypervisors: z.array(z.string()),
    enabled_disk_templates: z.array(z.string()),
    hvparams: z.record(z.string(), Parameters),
    os_hvp: z.record(z.string(), z.record(z.string(), Parameters)).default({}),
    beparams: z.record(z.string(), Parameters),
    nicparams: z.record(z.string(), NicParameters),
    ndparams: Parameters.default({}),
    diskparams: z.record(z.string(), Parameters).default({}),
    osparams: z.record(z.string(), z.record(z.string(), z.string())).default({}),
    osparams_private_cluster: z.record(z.string(), z.record(z.string(), z.string())).default({}),
    ipolicy: InstancePolicy,
    candidate_pool_size: z.int(),
    modify_etc_hosts: z.boolean().default(true),
    modify_ssh_setup: z.boolean().default(true),
    maintain_node_health: z.boolean().default(false),
    /** Pairs [first, last]. */
    uid_pool: z.array(z.array(z.int())).default([]),
    default_iallocator: z.string().nullable().default('hail'),
    default_iallocator_params: z.record(z.string(), z.unknown()).default({}),
    hidden_os: z.array(z.string()).default([]),
    blacklisted_os: z.array(z.string()).default([]),
    prealloc_wipe_disks: z.boolean().default(false),
    hv_state_static: z.record(z.string(), z.unknown()).default({}),
    disk_state_static: z.record(z.string(), z.unknown()).default({}),
    /** Node uuid to the SHA-1 digest of its client certificate, for master candidates only. */
    candidate_certs: z.record(z.string(), z.string()).default({}),
    max_running_jobs: z.int().default(20),
    max_tracked_jobs: z.int().default(25),
    install_image: z.string().default(''),
    instance_communication_network: z.string().default(''),
    zeroing_image: z.string().default(''),
    compression_tools: z.array(z.string()).default(['gzip', 'gzip-fast', 'gzip-slow']),
    enabled_user_shutdown: z.boolean().default(false),
    data_collectors: z
      .record(z.string(), z.looseObject({ active: z.boolean(), interval: z.number() }))
      .default({}),
  })
  .readonly();
export type Cluster = z.infer<typeof Cluster>;
