/**
 * config.data as the configuration daemon reads it: plain JSON under the names of the file, of which it looks at
 * little. What the master wrote is taken as it is; no schema library is loaded for it, so that the daemon stays small.
 */

export type Raw = Readonly<Record<string, unknown>>;

export interface RawDisk extends Raw {
  readonly uuid: string;
  readonly dev_type: string;
  readonly logical_id?: readonly unknown[] | null;
  readonly children?: readonly RawDisk[];
}

export interface RawNic {
  readonly ip?: string | null;
  readonly nicparams?: { readonly link?: string };
}

export interface RawInstance extends Raw {
  readonly uuid: string;
  readonly name?: string;
  readonly primary_node?: string;
  readonly disks?: readonly string[];
  readonly nics?: readonly RawNic[];
  readonly serial_no: number;
}

export interface RawNode extends Raw {
  readonly uuid: string;
  readonly name: string;
  readonly primary_ip: string;
  readonly master_candidate: boolean;
  readonly drained: boolean;
  readonly offline: boolean;
  readonly serial_no: number;
}

export interface RawCluster extends Raw {
  readonly cluster_name: string;
  readonly master_node: string;
  readonly master_ip: string;
  readonly serial_no: number;
  readonly enabled_hypervisors: readonly string[];
  readonly nicparams: Readonly<Record<string, { readonly link: string }>>;
  readonly data_collectors?: Readonly<
    Record<string, { readonly active: boolean; readonly interval: number }>
  >;
}

type ByUuid<T> = Readonly<Record<string, T>>;

export interface RawConfiguration extends Raw {
  readonly version: number;
  readonly serial_no: number;
  readonly cluster: RawCluster;
  readonly nodes: ByUuid<RawNode>;
  readonly instances: ByUuid<RawInstance>;
  readonly disks: ByUuid<RawDisk>;
}
