/**
 * Node calls that renew the certificates of a cluster that goes on working. Everything is prepared beside the
 * files in use first (stage), then put in their place (activate), and the cluster certificate that was replaced is
 * trusted until the end (settle). Each call can be repeated, and stopped anywhere.
 */
import * as z from 'zod';
import { nodeCall } from '../call.ts';
import { Done } from './shapes.ts';

const Nothing = z.object({});

/** Is a new cluster certificate prepared here? Asked of the master, where `renew-crypto` puts it. */
export const cryptoState = nodeCall({
  name: 'node_crypto_state',
  deadline: 10,
  effect: 'read',
  argument: Nothing,
  result: z.object({ hasStagedCluster: z.boolean() }),
});

/** Key and certificate of the prepared cluster certificate; the master hands it on to the other nodes. */
export const cryptoStagedCluster = nodeCall({
  name: 'node_crypto_staged_cluster',
  deadline: 10,
  effect: 'read',
  argument: Nothing,
  result: z.object({ pem: z.string() }),
});

/**
 * Prepares a client certificate, signed by the cluster certificate given, which is prepared too, or by the one in
 * use. One that is prepared already and fits is kept.
 */
export const cryptoStage = nodeCall({
  name: 'node_crypto_stage',
  deadline: 60,
  effect: 'change',
  argument: z.object({ clusterCertificate: z.string().nullable() }),
  result: z.object({
    /** Digests of the client certificates: the one in use, and the prepared one. */
    current: z.string().nullable(),
    staged: z.string(),
  }),
});

/** Throws away what was prepared; the cluster certificate stays where it was put before (on the master). */
export const cryptoUnstage = nodeCall({
  name: 'node_crypto_unstage',
  deadline: 60,
  effect: 'change',
  argument: z.object({ keepCluster: z.boolean() }),
  result: Done,
});

/** Puts what was prepared in its place; nothing prepared: fine. Gives the digest of the client certificate. */
export const cryptoActivate = nodeCall({
  name: 'node_crypto_activate',
  deadline: 60,
  effect: 'change',
  argument: Nothing,
  result: z.object({ digest: z.string() }),
});

/** The cluster certificate that was replaced counts no longer. */
export const cryptoSettle = nodeCall({
  name: 'node_crypto_settle',
  deadline: 60,
  effect: 'change',
  argument: Nothing,
  result: Done,
});
