/**
 * OP_CLUSTER_RENEW_CRYPTO: certificates and SSH keys of the nodes, each renewed while the cluster goes on working.
 * Interrupted anywhere, it can be asked again.
 */
import { keyBits, type SshKeyType } from '../../kit/ssh-keys.ts';
import { cryptoState } from '../../noderpc/calls/crypto.ts';
import { ClusterRenewCrypto } from '../../opcodes/cluster.ts';
import { operation } from '../operation.ts';
import { setClusterFields } from '../steps/objects.ts';
import { followSsh } from '../steps/ssh.ts';
import {
  activateCertificates,
  renewCertificates,
  settleCertificates,
  stageCertificates,
  type Tell,
} from './renew-certificates.ts';
import { admitNewKeys, prepareSshKeys, renewSshKeys, useNewKeys } from './renew-ssh-keys.ts';

interface RenewPlan {
  readonly tellsSteps: boolean;
  readonly tellsNodes: boolean;
  readonly certificates: boolean;
  /** A new cluster certificate lies ready on the master. */
  readonly withCluster: boolean;
  readonly sshKeys: boolean;
  readonly managesSsh: boolean;
  readonly key: { readonly type: SshKeyType; readonly bits: number };
}

export const clusterRenewCrypto = operation({
  opcode: ClusterRenewCrypto,
  steps: [
    stageCertificates,
    setClusterFields,
    activateCertificates,
    settleCertificates,
    prepareSshKeys,
    admitNewKeys,
    useNewKeys,
    followSsh,
  ],
  locks: () => [{ level: 'node', name: 'all', mode: 'exclusive' }],
  plan: async (op, { configuration, nodes }): Promise<RenewPlan> => {
    const { cluster } = configuration;
    const before = { type: cluster.ssh_key_type, bits: cluster.ssh_key_bits };
    const type = op.ssh_key_type ?? before.type;
    const state = op.node_certificates
      ? await nodes.call(cluster.master_node, cryptoState, {})
      : { hasStagedCluster: false };
    return {
      tellsSteps: op.verbose || op.debug,
      tellsNodes: op.debug,
      certificates: op.node_certificates,
      withCluster: state.hasStagedCluster,
      sshKeys: op.renew_ssh_keys,
      managesSsh: cluster.modify_ssh_setup,
      key: { type, bits: keyBits(type, op.ssh_key_bits, before) },
    };
  },
  run: async ({ tellsSteps, tellsNodes, certificates, withCluster, sshKeys, managesSsh, key }, job) => {
    const tell: Tell = (text, nodes) => {
      if (!tellsSteps) return;
      const names = nodes.map((uuid) => job.world.config.current.nodes.get(uuid)?.name ?? uuid);
      job.info(tellsNodes ? `${text} on ${names.join(', ')}` : `${text} (${nodes.length} nodes)`);
    };
    if (certificates) {
      job.say('Renewing Node SSL certificates');
      await renewCertificates(withCluster, job, tell);
    }
    if (sshKeys && managesSsh) {
      job.say('Renewing SSH keys');
      await renewSshKeys(key, job, tell);
    } else if (sshKeys) {
      job.say('Cannot renew SSH keys if the cluster is configured to not modify the SSH setup.');
    }
    return null;
  },
});
