/** Node calls about the node itself: version, resources, verification, files, roles. */
import { z } from 'zod';
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

/**
 * Everything that `gnt-cluster verify` asks of a node, each part only when named in the argument
 * (constants.NV_*). Parts that couldn't be found out carry the reason instead.
 */
export const nodeVerify = nodeCall({
  name: 'node_verify',
  deadline: 900,
  effect: 'read',
  hasty: true,
  argument: z.object({
    fileChecksums: z.array(z.string()).default([]),
    hypervisors: z.array(HypervisorWithParameters).default([]),
    volumeGroups: z.array(z.string()).default([]),
    drbd: z.boolean().default(false),
    bridges: z.array(z.object({ mode: z.string(), link: z.string() })).default([]),
    /** Peers to reach over TCP at the node daemon's port: name, primary and secondary address. */
    peers: z.array(z.object({ name: z.string(), primary: z.string(), secondary: z.string() })).default([]),
    /** Own addresses to find on this machine. */
    addresses: z.array(z.string()).default([]),
    oses: z.boolean().default(false),
    fileStorageDirs: z.array(z.object({ template: z.string(), path: z.string() })).default([]),
    masterIp: z.object({ ip: z.string(), masterName: z.string() }).nullable().default(null),
    userScripts: z.array(z.string()).default([]),
    uidPool: z.boolean().default(false),
    /** Programs for power control. */
    oobPrograms: z.array(z.string()).default([]),
    /** The list of paths for file storage is looked through. */
    storagePathList: z.boolean().default(false),
    /** Logs in to each by SSH, knowing the cluster's host key by its name. */
    ssh: z
      .object({
        cluster: z.string(),
        peers: z.array(z.object({ name: z.string(), port: z.int() })),
        /** Also looks for keys that were left behind. */
        clutter: z.boolean(),
      })
      .nullable()
      .default(null),
    port: z.int().default(1811),
  }),
  result: z.object({
    protocol: z.int(),
    release: z.string(),
    /** Seconds since the epoch. */
    time: z.number(),
    fileChecksums: z.record(z.string(), z.string()),
    hypervisors: z.array(
      z.object({
        name: z.string(),
        fault: z.string().nullable(),
        info: HypervisorInfo.nullable(),
        instances: z.array(z.string()),
      }),
    ),
    volumeGroups: z.record(z.string(), z.object({ size: z.number(), free: z.number() })).nullable(),
    logicalVolumes: z.array(LogicalVolume).nullable(),
    physicalVolumes: z
      .array(
        z.object({
          name: z.string(),
          vg: z.string(),
          size: z.number(),
          free: z.number(),
          attributes: z.string(),
        }),
      )
      .nullable(),
    drbd: z.object({ version: z.string(), helper: z.string(), minors: z.array(z.int()) }).nullable(),
    missingBridges: z.array(z.string()),
    unreachablePeers: z.array(z.object({ name: z.string(), address: z.string() })),
    missingAddresses: z.array(z.string()),
    oses: z.array(z.unknown()),
    masterIpReachable: z.boolean().nullable(),
    missingScripts: z.array(z.string()),
    /** A sentence for each. */
    oobFaults: z.array(z.string()).default([]),
    forbiddenStoragePaths: z.array(z.string()).default([]),
    storageProblems: z.array(z.object({ template: z.string(), fault: z.string() })).default([]),
    /** Peer to what went wrong. */
    sshFaults: z.record(z.string(), z.string()).default({}),
    sshClutter: z.array(z.string()).default([]),
    clientCertificate: z.object({
      fault: z.string().nullable(),
      digest: z.string().nullable(),
      expires: z.number().nullable(),
    }),
    /** Which part failed, and why. */
    faults: z.record(z.string(), z.string()),
  }),
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

/**
 * Entries appended to the journal of the configuration, kept by a master candidate (journal-replica.ts).
 * `last` of the answer is where the copy ends: before `first` when there was a gap, -1 when it needs a
 * snapshot.
 */
export const journalAppend = nodeCall({
  name: 'journal_append',
  deadline: 10,
  effect: 'change',
  argument: z.object({
    /** Counts masters: an entry of an older one is refused. */
    epoch: z.int(),
    /** Number of the first entry. */
    first: z.int(),
    entries: z.array(z.string()),
  }),
  result: z.object({ last: z.int() }),
});

/** config.data and job files: all for a candidate that is new or too far behind, what changed for others. */
export const journalSnapshot = nodeCall({
  name: 'journal_snapshot',
  deadline: 120,
  effect: 'change',
  argument: z.object({
    epoch: z.int(),
    /** The last entry that is in the configuration, and the one after which the journal goes on. */
    folded: z.int(),
    last: z.int(),
    /** Packed by packConfiguration. */
    configuration: z.string(),
    /** Files of the job queue by name; null: gone. */
    jobs: z.record(z.string(), z.string().nullable()),
    whole: z.boolean(),
  }),
  result: Done,
});

/** Where this node's copy of the journal ends; -1 when it needs a snapshot. */
export const journalPosition = nodeCall({
  name: 'journal_position',
  deadline: 10,
  effect: 'read',
  argument: Nothing,
  result: z.object({ epoch: z.int(), last: z.int() }),
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

/** OS definitions found here, valid or not. */
export const OsOnNode = z.object({
  name: z.string(),
  path: z.string(),
  valid: z.boolean(),
  /** Why it isn't valid, or empty. */
  diagnose: z.string(),
  variants: z.array(z.string()),
  /** Name and description. */
  parameters: z.array(z.tuple([z.string(), z.string()])),
  apiVersions: z.array(z.int()),
  trusted: z.boolean(),
});
export type OsOnNode = z.infer<typeof OsOnNode>;
export const osDiagnose = nodeCall({
  name: 'os_diagnose',
  deadline: 300,
  effect: 'read',
  argument: Nothing,
  result: z.array(OsOnNode),
});

/** Runs the OS definition's verify script on the parameters. */
export const osValidate = nodeCall({
  name: 'os_validate',
  deadline: 300,
  effect: 'read',
  argument: z.object({
    name: z.string(),
    checks: z.array(z.string()),
    osparams: z.record(z.string(), z.string()),
    required: z.boolean(),
    forceVariant: z.boolean().default(false),
  }),
  result: z.object({ found: z.boolean() }),
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
