/**
 * OP_CLUSTER_RENEW_CRYPTO: the certificates that candidates show now are entered as theirs. New ones are
 * made by `gnt-cluster renew-crypto` before; interrupted anywhere, it can simply be asked again.
 */
import { notSupportedYet } from '../../kit/failure.ts';
import type { Node } from '../../model/objects/node.ts';
import { nodeCryptoTokens } from '../../noderpc/calls/node.ts';
import { ClusterRenewCrypto } from '../../opcodes/cluster.ts';
import { nodesByName } from '../node/wanted.ts';
import { type JobHandle, operation } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { clusterChange, setClusterFields } from '../steps/objects.ts';

interface RenewPlan {
  readonly certificates: boolean;
  readonly sshKeys: boolean;
  readonly candidates: readonly Node[];
}

/** A candidate that can't say keeps the certificate that is known of it. */
async function renewCertificates(candidates: readonly Node[], job: JobHandle): Promise<void> {
  const { config, nodes } = job.world;
  const { cluster } = config.current;
  const asked = candidates.filter(({ offline }) => !offline);
  const replies = await nodes.callAll(
    asked.map(({ uuid }) => uuid),
    nodeCryptoTokens,
    { action: 'get' },
  );
  const certificates: Record<string, string> = {};
  const faults: string[] = [];
  for (const { uuid, name } of asked) {
    const reply = replies.get(uuid);
    if (reply?.kind === 'answered') {
      certificates[uuid] = reply.value.digest;
      continue;
    }
    faults.push(`Node ${name}: ${faultOf(reply) ?? 'it is offline'}`);
    const known = cluster.candidate_certs[uuid];
    if (known !== undefined) certificates[uuid] = known;
  }
  if (faults.length > 0) {
    job.say(
      `Some nodes' SSL client certificates could not be fetched. Please make sure those nodes are reachable and rerun the operation. The affected nodes and their errors are:\n${faults.join('\n')}`,
    );
  }
  await job.do(setClusterFields, clusterChange(cluster, { candidate_certs: certificates }));
  await job.keep();
}

export const clusterRenewCrypto = operation({
  opcode: ClusterRenewCrypto,
  steps: [setClusterFields],
  locks: () => [{ level: 'node', name: 'all', mode: 'exclusive' }],
  plan: async (op, { configuration }): Promise<RenewPlan> => {
    if (op.renew_ssh_keys && configuration.cluster.modify_ssh_setup)
      throw notSupportedYet('Renewing the SSH keys of the nodes');
    return {
      certificates: op.node_certificates,
      sshKeys: op.renew_ssh_keys,
      candidates: nodesByName(configuration).filter(({ master_candidate }) => master_candidate),
    };
  },
  run: async ({ certificates, sshKeys, candidates }, job) => {
    if (certificates) {
      job.say('Renewing Node SSL certificates');
      await renewCertificates(candidates, job);
    }
    if (sshKeys) job.say('Cannot renew SSH keys if the cluster is configured to not modify the SSH setup.');
    return null;
  },
});
