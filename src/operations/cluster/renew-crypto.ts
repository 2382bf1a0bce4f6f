/**
 * OP_CLUSTER_RENEW_CRYPTO: certificates and SSH keys of the nodes, each renewed while the cluster goes on working.
 * Interrupted anywhere, it can be asked again.
 */
import { notSupportedYet } from '../../kit/failure.ts';
import { cryptoState } from '../../noderpc/calls/crypto.ts';
import { ClusterRenewCrypto } from '../../opcodes/cluster.ts';
import { operation } from '../operation.ts';
import { setClusterFields } from '../steps/objects.ts';
import {
  activateCertificates,
  renewCertificates,
  settleCertificates,
  stageCertificates,
} from './renew-certificates.ts';

interface RenewPlan {
  readonly certificates: boolean;
  /** A new cluster certificate lies ready on the master. */
  readonly withCluster: boolean;
  readonly sshKeys: boolean;
}

export const clusterRenewCrypto = operation({
  opcode: ClusterRenewCrypto,
  steps: [stageCertificates, setClusterFields, activateCertificates, settleCertificates],
  locks: () => [{ level: 'node', name: 'all', mode: 'exclusive' }],
  plan: async (op, { configuration, nodes }): Promise<RenewPlan> => {
    const { cluster } = configuration;
    if (op.renew_ssh_keys && cluster.modify_ssh_setup)
      throw notSupportedYet('Renewing the SSH keys of the nodes');
    const state = op.node_certificates
      ? await nodes.call(cluster.master_node, cryptoState, {})
      : { hasStagedCluster: false };
    return {
      certificates: op.node_certificates,
      withCluster: state.hasStagedCluster,
      sshKeys: op.renew_ssh_keys,
    };
  },
  run: async ({ certificates, withCluster, sshKeys }, job) => {
    if (certificates) {
      job.say('Renewing Node SSL certificates');
      await renewCertificates(withCluster, job);
    }
    if (sshKeys) job.say('Cannot renew SSH keys if the cluster is configured to not modify the SSH setup.');
    return null;
  },
});
