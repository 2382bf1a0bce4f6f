/** Shapes that several node calls share: what a node must know of a disk and of an instance. */
import * as z from 'zod';
import { Parameters } from '../../model/objects/common.ts';
import { Disk } from '../../model/objects/disk.ts';

/** A disk with everything its driver needs: parameters filled, addresses of the nodes that hold it. */
export const DiskOnNode = z.object({
  disk: Disk,
  /** Filled parameters of the disk's template (cluster and group levels merged). */
  params: Parameters,
  /** Name of the instance it belongs to: LV tags, device links, logs. */
  owner: z.string(),
  ownerUuid: z.string(),
  /** Position in the instance, for device links and volume tags. */
  index: z.int(),
  /** Uuid of the node asked. */
  self: z.string(),
  /** Secondary address of each node that holds the disk, by uuid. */
  addresses: z.record(z.string(), z.string()),
  exclusiveStorage: z.boolean().default(false),
});
export type DiskOnNode = z.infer<typeof DiskOnNode>;

/** A NIC with inherited parameters filled, and its network's data where it has one. */
export const FilledNic = z.object({
  uuid: z.string(),
  mac: z.string(),
  ip: z.string().nullable(),
  name: z.string().nullable(),
  mode: z.string(),
  link: z.string(),
  vlan: z.string(),
  network: z
    .object({
      uuid: z.string(),
      name: z.string(),
      subnet: z.string(),
      gateway: z.string().nullable(),
      subnet6: z.string().nullable(),
      gateway6: z.string().nullable(),
      macPrefix: z.string().nullable(),
      tags: z.array(z.string()),
    })
    .nullable(),
});
export type FilledNic = z.infer<typeof FilledNic>;

/** An instance as a node sees it: every parameter filled, disks in order. */
export const InstanceOnNode = z.object({
  uuid: z.string(),
  name: z.string(),
  hypervisor: z.string(),
  hvparams: Parameters,
  beparams: Parameters,
  os: z.string(),
  osparams: z.record(z.string(), z.string()),
  nics: z.array(FilledNic),
  disks: z.array(DiskOnNode),
  networkPort: z.int().nullable(),
  tags: z.array(z.string()),
  primaryNode: z.string(),
  /** Name and SSH port of the primary node, for consoles. */
  primaryNodeName: z.string().optional(),
  sshPort: z.int().optional(),
  secondaryNodes: z.array(z.string()),
  adminState: z.string(),
  /** First and last uid of each range of the cluster's pool. */
  uidPool: z.array(z.array(z.int())).default([]),
  clusterName: z.string().default(''),
  /** Seconds since the epoch, for the environment of OS scripts. */
  ctime: z.number().optional(),
  mtime: z.number().optional(),
});
export type InstanceOnNode = z.infer<typeof InstanceOnNode>;

/** Filled parameters of a hypervisor, for calls that aren't about one instance. */
export const HypervisorWithParameters = z.object({ name: z.string(), hvparams: Parameters });

/** Nothing to say beyond "done". */
export const Done = z.null();
