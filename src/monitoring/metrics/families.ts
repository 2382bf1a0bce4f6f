/**
 * Every metric that `/metrics` may have: name, type, labels and what it says. The dashboard and the alert rules in docs/
 * may use these names and no others. Counters have `_total` after the name here and in what is served.
 */

export type MetricType = 'gauge' | 'counter' | 'histogram';

export interface Family {
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly help: string;
}

const gauge = (help: string, ...labels: string[]): Family => ({ type: 'gauge', labels, help });
const counter = (help: string, ...labels: string[]): Family => ({ type: 'counter', labels, help });
const histogram = (help: string, ...labels: string[]): Family => ({ type: 'histogram', labels, help });

const ofNode = {
  ganeti_node_info: gauge('1; the release that runs here and the kernel.', 'node', 'release', 'kernel'),
  ganeti_node_is_master: gauge('1 on the master node, 0 elsewhere.'),
  ganeti_node_boot_time_seconds: gauge('When the node was booted, seconds since the epoch.'),
  ganeti_node_cpus: gauge('Processors of the node.'),
  ganeti_node_cpu_seconds_total: counter('Time of all processors by what they did.', 'mode'),
  ganeti_node_load: gauge('Load average over so many minutes.', 'minutes'),
  ganeti_node_memory_bytes: gauge('Memory: total, free, available.', 'state'),
} as const;

const ofStorage = {
  ganeti_volume_group_size_bytes: gauge('Size of a volume group.', 'group'),
  ganeti_volume_group_free_bytes: gauge('Room left in a volume group.', 'group'),
  ganeti_volume_group_volumes: gauge('Logical volumes in a volume group.', 'group'),
  ganeti_volume_group_missing_disks: gauge('Physical volumes of a group that are not there.', 'group'),
  ganeti_drbd_info: gauge(
    '1; the states of a mirror as DRBD names them.',
    ...['minor', 'instance_name', 'connection', 'role', 'peer_role', 'disk', 'peer_disk'],
  ),
  ganeti_drbd_connected: gauge(
    '1 when the two sides of a mirror speak to each other.',
    'minor',
    'instance_name',
  ),
  ganeti_drbd_up_to_date: gauge('1 when both sides of a mirror are up to date.', 'minor', 'instance_name'),
  ganeti_drbd_sync_percent: gauge('How much of a mirror is in sync.', 'minor', 'instance_name'),
  ganeti_drbd_out_of_sync_bytes: gauge('How much of a mirror is out of sync.', 'minor', 'instance_name'),
  ganeti_drbd_sent_bytes_total: counter('What a mirror has sent to its peer.', 'minor', 'instance_name'),
  ganeti_drbd_received_bytes_total: counter(
    'What a mirror has received from its peer.',
    'minor',
    'instance_name',
  ),
} as const;

const ofInstances = {
  ganeti_instance_running: gauge('1; an instance that runs on this node.', 'instance_name', 'hypervisor'),
  ganeti_instance_vcpus: gauge('Virtual processors of an instance.', 'instance_name'),
  ganeti_instance_cpu_seconds_total: counter('Processor time that an instance has used.', 'instance_name'),
  ganeti_instance_memory_assigned_bytes: gauge('Memory that an instance was started with.', 'instance_name'),
  ganeti_instance_memory_resident_bytes: gauge('Memory of the node that an instance has.', 'instance_name'),
  ganeti_instance_disk_read_bytes_total: counter('Read from a disk of an instance.', 'instance_name', 'disk'),
  ganeti_instance_disk_written_bytes_total: counter(
    'Written to a disk of an instance.',
    'instance_name',
    'disk',
  ),
  ganeti_instance_disk_reads_total: counter('Reads from a disk of an instance.', 'instance_name', 'disk'),
  ganeti_instance_disk_writes_total: counter('Writes to a disk of an instance.', 'instance_name', 'disk'),
  ganeti_instance_disk_busy_seconds_total: counter('Time in which a disk had work.', 'instance_name', 'disk'),
  ganeti_instance_network_received_bytes_total: counter(
    'What an instance has received.',
    'instance_name',
    'nic',
  ),
  ganeti_instance_network_sent_bytes_total: counter('What an instance has sent.', 'instance_name', 'nic'),
  ganeti_instance_network_received_packets_total: counter(
    'Packets that it received.',
    'instance_name',
    'nic',
  ),
  ganeti_instance_network_sent_packets_total: counter('Packets that it sent.', 'instance_name', 'nic'),
  ganeti_instance_network_dropped_packets_total: counter(
    'Packets lost to or from it.',
    'instance_name',
    'nic',
  ),
} as const;

const ofDaemons = {
  ganeti_daemon_up: gauge('1 when a daemon runs on this node, 0 when it should and does not.', 'daemon'),
  ganeti_daemon_memory_bytes: gauge('Resident memory of a daemon.', 'daemon'),
  ganeti_daemon_cpu_seconds_total: counter('Processor time of a daemon.', 'daemon'),
  ganeti_daemon_start_time_seconds: gauge('When a daemon was started, seconds since the epoch.', 'daemon'),
  ganeti_certificate_expiry_timestamp_seconds: gauge(
    'When a certificate of this node ends, seconds since the epoch.',
    'certificate',
  ),
  ganeti_scrape_success: gauge('1 when a part of these figures could be had.', 'part'),
  ganeti_scrape_seconds: gauge('How long a part of these figures took.', 'part'),
} as const;

const ofCluster = {
  ganeti_cluster_nodes: gauge('Nodes of the cluster by role.', 'role'),
  ganeti_cluster_instances: gauge('Instances of the cluster by wanted state.', 'state'),
  ganeti_jobs: gauge('Jobs that are not archived, by status.', 'status'),
  ganeti_job_queue_drained: gauge('1 while no new jobs are taken.'),
  ganeti_locks_held: gauge('Locks that jobs hold.'),
  ganeti_lock_waits: gauge('Jobs that wait for locks.'),
  ganeti_commit_seconds: histogram('From a change of the configuration to its safety on disk and copies.'),
  ganeti_candidates_behind: gauge('Master candidates whose copy of the configuration is not in step.'),
  ganeti_group_score: gauge('How unevenly a group is loaded; hbal makes it smaller.', 'group'),
  ganeti_group_n1_failing_nodes: gauge('Nodes that could not take over from one of their peers.', 'group'),
  ganeti_group_n1_headroom_bytes: gauge(
    'Memory to spare on the node with the least, once it has taken over from the peer that needs the most.',
    'group',
  ),
} as const;

export const families = { ...ofNode, ...ofStorage, ...ofInstances, ...ofDaemons, ...ofCluster } as const;
export type FamilyName = keyof typeof families;
