/** Node calls that renew certificates: prepared beside the files in use, then put in their place. */
import { readFile, rename, rm } from 'node:fs/promises';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import * as calls from '../../noderpc/calls/crypto.ts';
import { keyMatches, makeClientCertificate } from '../../noderpc/certificates.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { replacedSuffix, stagedSuffix } from '../../noderpc/identity.ts';
import { certificateIn, digestOf, isIssuedBy } from '../../noderpc/pem.ts';
import type { NodeContext } from '../context.ts';

const mode = 0o440;

const read = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** Gone already: fine. */
async function moveInto(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Can that client certificate be used below that cluster certificate? */
function fits(client: string | undefined, cluster: string): client is string {
  if (client === undefined) return false;
  try {
    return keyMatches(client) && isIssuedBy(certificateIn(client), certificateIn(cluster));
  } catch {
    return false;
  }
}

async function stage(
  { paths, hostname, log }: NodeContext,
  given: string | null,
): Promise<{ current: string | null; staged: string }> {
  const inUse = await readFile(paths.serverCertificate, 'utf8');
  const cluster = given ?? inUse;
  if (!keyMatches(cluster)) {
    throw new Failure('X509CertError', [
      'the new cluster certificate: the key does not belong to the certificate',
    ]);
  }
  const stagedCluster = `${paths.serverCertificate}${stagedSuffix}`;
  if (cluster === inUse) await rm(stagedCluster, { force: true });
  else if ((await read(stagedCluster)) !== cluster) await writeFileAtomic(stagedCluster, cluster, { mode });
  const stagedClient = `${paths.clientCertificate}${stagedSuffix}`;
  let client = await read(stagedClient);
  if (!fits(client, cluster)) {
    client = await makeClientCertificate(cluster, { commonName: hostname });
    await writeFileAtomic(stagedClient, client, { mode });
  }
  const current = await read(paths.clientCertificate);
  log.info('New certificates are prepared');
  return {
    current: current === undefined ? null : digestOf(certificateIn(current, paths.clientCertificate)),
    staged: digestOf(certificateIn(client)),
  };
}

async function activate(context: NodeContext): Promise<{ digest: string }> {
  const { paths, log } = context;
  const staged = `${paths.serverCertificate}${stagedSuffix}`;
  if ((await read(staged)) !== undefined) {
    const inUse = await readFile(paths.serverCertificate);
    await writeFileAtomic(`${paths.serverCertificate}${replacedSuffix}`, inUse, { mode });
    await moveInto(staged, paths.serverCertificate);
    context.certificateChanged();
    log.info('The cluster certificate is a new one');
  }
  if (await moveInto(`${paths.clientCertificate}${stagedSuffix}`, paths.clientCertificate)) {
    log.info('The client certificate is a new one');
  }
  return {
    digest: digestOf(certificateIn(await readFile(paths.clientCertificate, 'utf8'), paths.clientCertificate)),
  };
}

/** node_crypto_state, _staged_cluster, _stage, _unstage, _activate and _settle. */
export function cryptoHandlers(context: NodeContext): NodeHandler[] {
  const { paths } = context;
  const stagedCluster = `${paths.serverCertificate}${stagedSuffix}`;
  return [
    answers(calls.cryptoState, async () => ({ hasStagedCluster: (await read(stagedCluster)) !== undefined })),
    answers(calls.cryptoStagedCluster, async () => {
      // Already in its place when a renewal goes on where it was interrupted.
      const pem = (await read(stagedCluster)) ?? (await readFile(paths.serverCertificate, 'utf8'));
      return { pem };
    }),
    answers(calls.cryptoStage, ({ clusterCertificate }) => stage(context, clusterCertificate)),
    answers(calls.cryptoUnstage, async ({ keepCluster }) => {
      await rm(`${paths.clientCertificate}${stagedSuffix}`, { force: true });
      if (!keepCluster) await rm(stagedCluster, { force: true });
      return null;
    }),
    answers(calls.cryptoActivate, () => activate(context)),
    answers(calls.cryptoSettle, async () => {
      await rm(`${paths.serverCertificate}${replacedSuffix}`, { force: true });
      return null;
    }),
  ];
}
