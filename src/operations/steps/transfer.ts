/** Steps that carry the contents of disks: ends of transfers, keys, snapshots, exports on their node. */
import * as z from 'zod';
import { executionFailure } from '../../kit/failure.ts';
import { blockdevRemove, blockdevSnapshot } from '../../noderpc/calls/disk.ts';
import * as exports from '../../noderpc/calls/export.ts';
import { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import * as calls from '../../noderpc/calls/transfer.ts';
import { step } from '../operation.ts';

const end = calls.TransferEnd.omit({ secretParameters: true });
const named = z.object({ node: z.string(), name: z.string() });

type Secrets = Readonly<Record<string, string>>;

/**
 * Starts a receiving end; undone by ending it. Secret parameters of scripts must never be journalled, so
 * they stand beside the input.
 */
export function startImport(secrets: Secrets) {
  return step({
    name: 'start-import',
    input: z.object({ node: z.string(), end }),
    run: async ({ nodes }, { node, end }) => {
      await nodes.call(node, calls.importStart, { ...end, secretParameters: { ...secrets } });
    },
    undo: async ({ nodes }, { node, end: { name } }) => {
      await nodes.call(node, calls.impexpCleanup, { name });
    },
  });
}

/** Starts a sending end; undone by ending it. */
export function startExport(secrets: Secrets) {
  return step({
    name: 'start-export',
    input: z.object({ node: z.string(), end, host: z.string(), port: z.int() }),
    run: async ({ nodes }, { node, end, host, port }) => {
      const argument = { ...end, host, port, secretParameters: { ...secrets } };
      await nodes.call(node, calls.exportStart, argument);
    },
    undo: async ({ nodes }, { node, end: { name } }) => {
      await nodes.call(node, calls.impexpCleanup, { name });
    },
  });
}

/** Ends an end that has done its work, or hasn't. */
export const endTransfer = step({
  name: 'end-transfer',
  input: named,
  run: async ({ nodes }, { node, name }) => {
    await nodes.call(node, calls.impexpCleanup, { name });
  },
  undo: 'none',
});

/** Makes a key with its certificate on a node; undone by removing them. Gives the certificate. */
export const createKey = step({
  name: 'create-key',
  input: named.extend({ validitySeconds: z.int() }),
  run: async ({ nodes }, { node, name, validitySeconds }) =>
    await nodes.call(node, calls.x509CertCreate, { name, validitySeconds }),
  undo: async ({ nodes }, { node, name }) => {
    await nodes.call(node, calls.x509CertRemove, { name });
  },
});

/** Removes a key that nobody needs any more. */
export const removeKey = step({
  name: 'remove-key',
  input: named,
  run: async ({ nodes }, { node, name }) => {
    await nodes.call(node, calls.x509CertRemove, { name });
  },
  undo: 'none',
});

/** Takes a snapshot of a disk; undone by removing it. */
export const takeSnapshot = step({
  name: 'take-snapshot',
  input: z.object({ node: z.string(), disk: DiskOnNode, snapshot: DiskOnNode }),
  run: async ({ nodes }, { node, disk, snapshot }) => {
    const [, wanted] = snapshot.disk.logical_id ?? [];
    const argument = { disk, snapshotName: String(wanted), snapshotSize: null };
    const made = await nodes.call(node, blockdevSnapshot, argument);
    if (JSON.stringify(made) === JSON.stringify(snapshot.disk.logical_id)) return;
    throw executionFailure(`invalid result '${JSON.stringify(made)}'`);
  },
  undo: async ({ nodes }, { node, snapshot }) => {
    await nodes.call(node, blockdevRemove, { disk: snapshot });
  },
});

/** Removes a snapshot that has been read. */
export const removeSnapshot = step({
  name: 'remove-snapshot',
  input: z.object({ node: z.string(), snapshot: DiskOnNode }),
  run: async ({ nodes }, { node, snapshot }) => {
    await nodes.call(node, blockdevRemove, { disk: snapshot });
  },
  undo: 'none',
});

const making = named.extend({ token: z.string() });

/** Makes the folder of a new export; undone by removing it with what has come into it. */
export const beginExport = step({
  name: 'begin-export',
  input: making,
  run: async ({ nodes }, { node, ...argument }) => {
    await nodes.call(node, exports.exportBegin, argument);
  },
  undo: async ({ nodes }, { node, ...argument }) => {
    await nodes.call(node, exports.exportAbandon, argument);
  },
});

/**
 * Puts a new export in the place of the one before; undone by the opposite. Its configuration may hold
 * private parameters, so it stands beside the input.
 */
export function finalizeExport(config: string) {
  return step({
    name: 'finalize-export',
    input: making,
    run: async ({ nodes }, { node, ...argument }) => {
      await nodes.call(node, exports.finalizeExport, { ...argument, config });
    },
    undo: async ({ nodes }, { node, ...argument }) => {
      await nodes.call(node, exports.exportAbandon, argument);
    },
  });
}

/** The new export stays, the one before it goes. */
export const settleExport = step({
  name: 'settle-export',
  input: making,
  run: async ({ nodes }, { node, ...argument }) => {
    await nodes.call(node, exports.exportSettle, argument);
  },
  undo: 'none',
});

/** Removes an export for good. */
export const removeExport = step({
  name: 'remove-export',
  input: named,
  run: async ({ nodes }, { node, name }) => {
    await nodes.call(node, exports.exportRemove, { name });
  },
  undo: 'none',
});
