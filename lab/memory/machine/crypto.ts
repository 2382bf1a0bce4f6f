/** Node calls about certificates, for nodes in memory. */
import { Failure } from '../../../src/kit/failure.ts';
import type { Handler } from './machine.ts';

export const cryptoHandlers: Readonly<Record<string, Handler>> = {
  node_crypto_state: ({ certificates }) => ({ hasStagedCluster: certificates.stagedCluster !== null }),
  node_crypto_staged_cluster: ({ certificates }) => ({
    pem: certificates.stagedCluster ?? certificates.cluster,
  }),
  node_crypto_stage: (
    { certificates },
    { clusterCertificate }: { readonly clusterCertificate: string | null },
  ) => {
    const cluster = clusterCertificate ?? certificates.cluster;
    certificates.stagedCluster = cluster === certificates.cluster ? null : cluster;
    certificates.stagedClient = `by ${cluster}`;
    return { current: certificates.client, staged: certificates.stagedClient };
  },
  node_crypto_unstage: ({ certificates }, { keepCluster }: { readonly keepCluster: boolean }) => {
    certificates.stagedClient = null;
    if (!keepCluster) certificates.stagedCluster = null;
    return null;
  },
  node_crypto_activate: ({ certificates }) => {
    if (certificates.stagedCluster !== null) {
      certificates.replaced = certificates.cluster;
      certificates.cluster = certificates.stagedCluster;
      certificates.stagedCluster = null;
    }
    certificates.client = certificates.stagedClient ?? certificates.client;
    certificates.stagedClient = null;
    if (!certificates.client.endsWith(certificates.cluster) && certificates.client !== 'aa:bb')
      throw new Failure('ProgrammerError', ['the client certificate is of another cluster certificate']);
    return { digest: certificates.client };
  },
  node_crypto_settle: ({ certificates }) => {
    certificates.replaced = null;
    return null;
  },
};
