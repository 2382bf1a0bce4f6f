/** The node call behind `gnt-cluster verify`: one question to a node, with everything that is to be looked at. */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { HypervisorInfo, LogicalVolume } from './node.ts';
import { HypervisorWithParameters } from './shapes.ts';

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
