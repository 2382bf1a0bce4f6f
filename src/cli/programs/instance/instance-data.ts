/** What OP_INSTANCE_QUERY_DATA gives for one instance (LUInstanceQueryData). */

type Values = Readonly<Record<string, unknown>>;

/** [device path, major, minor, sync %, seconds left, degraded, state of the local disk (0 fine, 1 unknown, 2 faulty)] */
export type DeviceStatus = readonly [
  string,
  number | null,
  number | null,
  number | null,
  number | null,
  boolean | null,
  number | null,
];

export interface DiskData {
  readonly dev_type: string;
  readonly logical_id: readonly unknown[] | null;
  readonly drbd_info: {
    readonly primary_node: string;
    readonly primary_minor: number;
    readonly secondary_node: string;
    readonly secondary_minor: number;
    readonly port: number;
  } | null;
  readonly pstatus: DeviceStatus | null;
  readonly sstatus: DeviceStatus | null;
  readonly children: readonly DiskData[];
  readonly mode: string;
  /** MiB, or text when the node could not tell. */
  readonly size: number | string;
  readonly spindles: number | null;
  readonly iv_name: string | null;
  readonly name: string | null;
  readonly uuid: string;
}

/** [name, uuid, ip, mac, mode, link, vlan, network uuid, network] */
export type NicData = readonly [
  string | null,
  string,
  string | null,
  string,
  string,
  string,
  string,
  string | null,
  Values | null,
];

export interface InstanceData {
  readonly name: string;
  readonly uuid: string;
  readonly serial_no: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly config_state: string;
  readonly run_state: string | null;
  readonly pnode: string;
  readonly pnode_group_name: string;
  readonly pnode_group_uuid: string;
  readonly snodes: readonly string[];
  readonly snodes_group_names: readonly string[];
  readonly snodes_group_uuids: readonly string[];
  readonly os: string;
  readonly os_instance: Values;
  readonly os_actual: Values;
  readonly network_port?: number | null;
  readonly hypervisor: string;
  readonly hv_instance: Values;
  readonly hv_actual: Values;
  readonly be_instance: Values;
  readonly be_actual: Values;
  readonly nics: readonly NicData[];
  readonly disk_template: string;
  readonly disks: readonly DiskData[];
}
