/** Node calls about the node itself: version, resources, files, roles. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done, HypervisorWithParameters } from './shapes.ts';

const Nothing = z.object({});

/** The protocol version of the node daemon, and what joins a node to a cluster checks. */
export const version = nodeCall({
  name: 'version',
  deadline: 10,
  effect: 'read',
  argument: Nothing,
  result: z.object({ protocol: z.int(), release: z.string() }),
});

/** Who this node thinks is master. */
export const masterNodeName = nodeCall({
  name: 'master_node_name',
  deadline: 10,
  effect: 'read',
  argument: Nothing,
  result: z.string(),
});

export const StorageSpace = z.object({
  type: z.string(),
  name: z.string(),
  /** MiB, null where it can't be known. */
  free: z.number().nullable(),
  size: z.number().nullable(),
});
export type StorageSpace = z.infer<typeof StorageSpace>;

/** Memory in MiB. */
export const HypervisorInfo = z.object({
  name: z.string(),
  version: z.string().nullable(),
  memoryTotal: z.int(),
  memoryFree: z.int(),
  memoryNode: z.int(),
  cpuTotal: z.int(),
  cpuNodes: z.int(),
  cpuSockets: z.int(),
  cpuNode: z.int(),
});
export type HypervisorInfo = z.infer<typeof HypervisorInfo>;

/** Boot id, storage space and hypervisor facts. */
export const nodeInfo = nodeCall({
  name: 'node_info',
  deadline: 60,
  effect: 'read',
  argument: z.object({
    /** Storage to look at: type and key (volume group, directory…). */
    storage: z.array(z.object({ type: z.string(), key: z.string(), exclusive: z.boolean().default(false) })),
    hypervisors: z.array(HypervisorWithParameters),
  }),
  result: z.object({
    bootId: z.string(),
    storage: z.array(StorageSpace),
    hypervisors: z.array(HypervisorInfo),
  }),
});

export const LogicalVolume = z.object({
  name: z.string(),
  vg: z.string(),
  size: z.number(),
  inactive: z.boolean(),
  online: z.boolean(),
  tags: z.array(z.string()),
  device: z.string().nullable(),
});
export type LogicalVolume = z.infer<typeof LogicalVolume>;

/** All logical volumes of the volume groups named; of all groups when none is. */
export const lvList = nodeCall({
  name: 'lv_list',
  deadline: 60,
  effect: 'read',
  argument: z.object({ vgs: z.array(z.string()) }),
  result: z.array(LogicalVolume),
});

/** Sizes in MiB by volume group. */
export const vgList = nodeCall({
  name: 'vg_list',
  deadline: 60,
  effect: 'read',
  argument: Nothing,
  result: z.record(z.string(), z.object({ size: z.number(), free: z.number() })),
});

/** Which of the bridges (or switches, for mode openvswitch) are missing here. */
export const bridgesExist = nodeCall({
  name: 'bridges_exist',
  deadline: 60,
  effect: 'read',
  argument: z.object({ links: z.array(z.object({ mode: z.string(), link: z.string() })) }),
  result: z.object({ missing: z.array(z.string()) }),
});

const SwitchName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/, 'not a name of a switch or interface');

/** Sets an Open vSwitch up, with the interface that leads outside when there is one; there already: fine. */
export const nodeConfigureOvs = nodeCall({
  name: 'node_configure_ovs',
  deadline: 60,
  effect: 'change',
  argument: z.object({ name: SwitchName, link: SwitchName.nullable() }),
  result: Done,
});

/** Takes the interface off the switch, and the switch away unless it was there before; gone already: fine. */
export const nodeRemoveOvs = nodeCall({
  name: 'node_remove_ovs',
  deadline: 60,
  effect: 'change',
  argument: z.object({ name: SwitchName, link: SwitchName.nullable(), keepSwitch: z.boolean() }),
  result: Done,
});

/** Which Open vSwitches are there, with their interfaces. */
export const nodeOvsPorts = nodeCall({
  name: 'node_ovs_ports',
  deadline: 60,
  effect: 'read',
  argument: z.object({ name: SwitchName }),
  /** null: no such switch. */
  result: z.object({ ports: z.array(z.string()).nullable() }),
});

/** Does this node answer on the address itself? */
export const nodeHasIpAddress = nodeCall({
  name: 'node_has_ip_address',
  deadline: 10,
  effect: 'read',
  argument: z.object({ address: z.string() }),
  result: z.boolean(),
});

/** Writes a file of the cluster, whole; only paths that belong to the cluster are taken. */
export const uploadFile = nodeCall({
  name: 'upload_file_single',
  deadline: 60,
  effect: 'change',
  argument: z.object({
    path: z.string(),
    content: z.string(),
    encoding: z.enum(['utf8', 'base64']),
    mode: z.int(),
    owner: z.string(),
    group: z.string(),
  }),
  result: Done,
});

/** Writes ssconf files by short name (without "ssconf_"). An older serial than what is there is refused. */
export const writeSsconfFiles = nodeCall({
  name: 'write_ssconf_files',
  deadline: 60,
  effect: 'change',
  argument: z.object({ values: z.record(z.string(), z.string()), serial: z.int() }),
  result: Done,
});

/** Brings the cluster's address up on the master's interface; up already: fine. */
export const nodeActivateMasterIp = nodeCall({
  name: 'node_activate_master_ip',
  deadline: 60,
  effect: 'change',
  argument: z.object({
    ip: z.string(),
    netmask: z.int(),
    netdev: z.string(),
    family: z.int(),
    useExternalScript: z.boolean(),
  }),
  result: Done,
});

/** Takes it down; down already: fine. */
export const nodeDeactivateMasterIp = nodeCall({
  ...nodeActivateMasterIp,
  name: 'node_deactivate_master_ip',
});

/** Adds or takes away a line of the hosts file, when the cluster manages it. */
export const etcHostsModify = nodeCall({
  name: 'etc_hosts_modify',
  deadline: 60,
  effect: 'change',
  argument: z.object({ action: z.enum(['add', 'remove']), host: z.string(), ip: z.string().nullable() }),
  result: Done,
});

/** Makes this node's client certificate (create) or reads its digest (get). */
export const nodeCryptoTokens = nodeCall({
  name: 'node_crypto_tokens',
  deadline: 60,
  effect: 'change',
  argument: z.object({ action: z.enum(['get', 'create']) }),
  result: z.object({ digest: z.string() }),
});

/** Takes every trace of the cluster off this node and stops the daemon afterwards. */
export const nodeLeaveCluster = nodeCall({
  name: 'node_leave_cluster',
  deadline: 60,
  effect: 'change',
  argument: z.object({ modifySsh: z.boolean() }),
  result: Done,
});

/** Configuration, queue and journal move out of the way: this node is no longer a master candidate. */
export const nodeDemoteFromCandidate = nodeCall({
  name: 'node_demote_from_mc',
  deadline: 60,
  effect: 'change',
  argument: Nothing,
  result: Done,
});

/** Starts or stops a daemon that serves the cluster beside this one; so already: fine. */
export const nodeEnsureDaemon = nodeCall({
  name: 'node_ensure_daemon',
  deadline: 60,
  effect: 'change',
  argument: z.object({ daemon: z.enum(['ganeti-confd', 'ganeti-mond', 'ganeti-kvmd']), run: z.boolean() }),
  result: z.object({ wasRunning: z.boolean() }),
});

/** Until when the watcher of this node rests, seconds since the epoch; null: it doesn't. */
export const setWatcherPause = nodeCall({
  name: 'set_watcher_pause',
  deadline: 10,
  effect: 'change',
  argument: z.object({ until: z.number().nullable() }),
  result: Done,
});

/** Creates or removes the folder of a file-based disk, within the allowed paths. */
export const fileStorageDirCreate = nodeCall({
  name: 'file_storage_dir_create',
  deadline: 60,
  effect: 'change',
  argument: z.object({ path: z.string() }),
  result: Done,
});
export const fileStorageDirRemove = nodeCall({
  name: 'file_storage_dir_remove',
  deadline: 60,
  effect: 'change',
  argument: z.object({ path: z.string() }),
  result: Done,
});

/** Waits, for tests of the job queue (OP_TEST_DELAY). Seconds. */
export const testDelay = nodeCall({
  name: 'test_delay',
  deadline: 3600,
  effect: 'read',
  argument: z.object({ duration: z.number() }),
  result: Done,
});

/** Runs the hook scripts of one phase; one result a script. */
export const HookResult = z.object({
  script: z.string(),
  status: z.enum(['skip', 'success', 'error']),
  output: z.string(),
});
export const hooksRunner = nodeCall({
  name: 'hooks_runner',
  deadline: 900,
  effect: 'change',
  argument: z.object({
    hook: z.string(),
    phase: z.enum(['pre', 'post']),
    env: z.record(z.string(), z.string()),
  }),
  result: z.array(HookResult),
});

/** Which DRBD minors are in use here. */
export const drbdMinors = nodeCall({
  name: 'drbd_minors',
  deadline: 60,
  effect: 'read',
  argument: Nothing,
  result: z.array(z.int()),
});

/** The DRBD user-mode helper that the kernel module is set to. */
export const drbdHelper = nodeCall({
  name: 'drbd_helper',
  deadline: 60,
  effect: 'read',
  argument: Nothing,
  result: z.string(),
});
