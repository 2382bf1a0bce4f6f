/**
 * Words of the Open Virtualization Format (DMTF DSP0243) and of Ganeti's section in it (http://ganeti), and what a
 * package says of an instance, in the terms of both directions.
 */
export const namespaces = {
  ganeti: 'http://ganeti',
  ovf: 'http://schemas.dmtf.org/ovf/envelope/1',
  rasd: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData',
  vssd: 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData',
  xsi: 'http://www.w3.org/2001/XMLSchema-instance',
} as const;

/** CIM_ResourceAllocationSettingData.ResourceType. */
export const resourceTypes = { vcpus: '3', memory: '4', scsi: '6', ethernet: '10', disk: '17' } as const;

/** What an option of config.ini says where the cluster has to choose. */
export const auto = 'auto';

export const diskFormats = ['raw', 'cow', 'vmdk'] as const;
export type DiskFormat = (typeof diskFormats)[number];

/** Where each format is described, as Ganeti's packages have it. */
export const formatAddresses: Readonly<Record<DiskFormat, string>> = {
  raw: 'http://en.wikipedia.org/wiki/Byte',
  vmdk: 'http://www.vmware.com/interfaces/specifications/vmdk.html#monolithicSparse',
  cow: 'http://www.gnome.org/~markmc/qcow-image-format.html',
};

export interface NetworkData {
  readonly mode: string;
  readonly mac: string;
  readonly ip: string;
  readonly link: string;
  readonly network: string;
}

/** A disk that a package has no file of: it begins empty. */
export interface EmptyDisk {
  readonly kind: 'empty';
  /** Bytes. */
  readonly capacity: number;
}

/** A file of a disk in a package. */
export interface DiskFile {
  readonly kind: 'file';
  readonly name: string;
  /** As the package writes it: "gzip", "identity". */
  readonly compression: string | undefined;
}

/** A name and what goes with it: a hypervisor or an OS with its parameters. */
export interface Named {
  readonly name: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface BackendData {
  readonly vcpus: string;
  /** MiB. */
  readonly memory: string;
  readonly autoBalance: string;
}
