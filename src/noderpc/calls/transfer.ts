/**
 * Node calls that carry the contents of disks from one node to another, also of another cluster. Each end
 * is a process of its own on its node (noded/transfer), named by the master before it exists, so that
 * starting it twice and ending what never began are both fine.
 */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { DiskOnNode, Done, InstanceOnNode } from './shapes.ts';

/** A name that is one folder and nothing else. */
const FolderName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,200}$/, 'not a plain name');
const name = z.object({ name: FolderName });

/** Where the data comes from or goes to on the node. */
export const TransferIo = z.discriminatedUnion('kind', [
  /** A file of an export; its path as it is without a virtual node's root. */
  z.object({ kind: z.literal('file'), path: z.string() }),
  z.object({
    kind: z.literal('disk'),
    disk: DiskOnNode,
    /** Of a receiving end: the disk holds zeros only, so zeros need not be written. */
    isEmpty: z.boolean(),
  }),
  /** The script of the OS definition; `index` is the disk's place in the instance. */
  z.object({ kind: z.literal('script'), disk: DiskOnNode, index: z.int(), instance: InstanceOnNode }),
]);
export type TransferIo = z.infer<typeof TransferIo>;

export const TransferEnd = z.object({
  name: FolderName,
  /** "disk0": for the name of the log. */
  component: z.string(),
  instanceName: z.string(),
  os: z.string(),
  io: TransferIo,
  /** Names the key of `x509_cert_create`; null for the cluster's own certificate. */
  keyName: FolderName.nullable(),
  /** The only certificate that the other side may show; null for the cluster's own. */
  peerCertificate: z.string().nullable(),
  /** none, or a tool that the cluster allows. */
  compress: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/),
  /** What both sides must know of each other's transfer. */
  magic: z.string().regex(/^[-_.a-zA-Z0-9]{5,100}$/),
  ipv6: z.boolean(),
  /** Seconds until somebody has connected. */
  connectTimeout: z.int(),
  /** Parameters of scripts that are neither journalled nor logged. */
  secretParameters: z.record(z.string(), z.string()).default({}),
  debug: z.int().default(0),
});
export type TransferEnd = z.infer<typeof TransferEnd>;

/** State of one end as its status file has it (objects.ImportExportStatus). */
export const TransferStatus = z.object({
  ctime: z.number(),
  mtime: z.number().nullable(),
  recent_output: z.array(z.string()),
  listen_port: z.int().nullish(),
  connected: z.boolean().nullish(),
  /** MiB, and MiB a second. */
  progress_mbytes: z.number().nullish(),
  progress_throughput: z.number().nullish(),
  progress_percent: z.number().nullish(),
  /** Seconds. */
  progress_eta: z.number().nullish(),
  exit_status: z.int().nullish(),
  error_message: z.string().nullish(),
  /** The other side waits to be told that everything has been stored: it knows of a failure here. */
  confirms: z.boolean().nullish(),
  /** Everything that the other side had to send has arrived. */
  received: z.boolean().nullish(),
});
export type TransferStatus = z.infer<typeof TransferStatus>;

/** Starts a receiving end; running already or ended: fine. */
export const importStart = nodeCall({
  name: 'import_start',
  deadline: 60,
  effect: 'change',
  argument: TransferEnd,
  result: Done,
});

/** Starts a sending end; running already or ended: fine. */
export const exportStart = nodeCall({
  name: 'export_start',
  deadline: 60,
  effect: 'change',
  argument: TransferEnd.extend({ host: z.string(), port: z.int().min(1).max(65535) }),
  result: Done,
});

/** States of ends, null for one that has not said anything yet. */
export const impexpStatus = nodeCall({
  name: 'impexp_status',
  deadline: 60,
  effect: 'read',
  argument: z.object({ names: z.array(FolderName) }),
  result: z.array(TransferStatus.nullable()),
});

/** Tells an end to stop; its status says so. Not running: fine. */
export const impexpAbort = nodeCall({
  name: 'impexp_abort',
  deadline: 60,
  effect: 'change',
  argument: name,
  result: Done,
});

/** Ends it for certain and removes its state. None: fine. */
export const impexpCleanup = nodeCall({
  name: 'impexp_cleanup',
  deadline: 60,
  effect: 'change',
  argument: name,
  result: Done,
});

/** Makes a key and a certificate of that name; there already: the same. Gives the certificate. */
export const x509CertCreate = nodeCall({
  name: 'x509_cert_create',
  deadline: 60,
  effect: 'change',
  argument: name.extend({ validitySeconds: z.int() }),
  result: z.string(),
});

/** Removes them; none: fine. */
export const x509CertRemove = nodeCall({
  name: 'x509_cert_remove',
  deadline: 60,
  effect: 'change',
  argument: name,
  result: Done,
});
