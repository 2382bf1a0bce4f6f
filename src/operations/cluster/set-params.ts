/** OP_CLUSTER_SET_PARAMS: everything that holds for the whole cluster. One commit; parts in modify/. */

import type { LockRequest } from '../../locks/contract.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { ClusterSetParams } from '../../opcodes/cluster.ts';
import { fillCandidatePool } from '../node/promotion.ts';
import { type FollowUpJobs, type JobHandle, operation } from '../operation.ts';
import { promoteCandidates } from '../steps/candidates.ts';
import { bringMasterIpUp, masterAddressOf, takeMasterIpDown } from '../steps/master-ip.ts';
import { clusterChange, setClusterFields } from '../steps/objects.ts';
import { setPrivateOsParameters } from '../steps/private-parameters.ts';
import { followRoles, followSsh } from '../steps/ssh.ts';
import { modifyCommunication } from './modify/communication.ts';
import { modifyGuests } from './modify/guests.ts';
import { modifyHypervisors } from './modify/hypervisors.ts';
import { type ClusterChange, type Modification, type Op, wrongInput } from './modify/request.ts';
import { modifySimple } from './modify/simple.ts';
import { modifyStorage } from './modify/storage.ts';
import { modifySystems } from './modify/systems.ts';

interface SetParamsPlan {
  readonly op: Op;
  readonly cluster: Cluster;
  readonly change: ClusterChange;
  readonly privateParameters: Cluster['osparams_private_cluster'] | undefined;
  readonly notes: readonly string[];
  readonly jobs: FollowUpJobs | undefined;
}

/** Changes that must not meet an instance that is being made or changed: they are checked against all. */
function concernsInstances(op: Op): boolean {
  return [
    op.enabled_disk_templates,
    op.enabled_hypervisors,
    op.nicparams,
    op.vg_name,
    op.drbd_helper,
    op.diskparams,
  ].some((value) => value !== null);
}

function locksOf(op: Op): LockRequest[] {
  // Two changes of the cluster's settings never meet, and don't wait for anything else.
  const settings: LockRequest = { level: 'cluster', name: 'settings', mode: 'exclusive' };
  if (!concernsInstances(op)) return [settings];
  const whole = (['instance', 'nodegroup', 'node'] as const).map(
    (level): LockRequest => ({ level, name: 'all', mode: 'shared' }),
  );
  return [settings, ...whole];
}

function modifyMasterAddress({ op, cluster, change }: Modification): void {
  const longest = cluster.primary_ip_family === 10 ? 128 : 32;
  if (op.master_netmask !== null) {
    if (op.master_netmask < 1 || op.master_netmask > longest)
      throw wrongInput(`CIDR netmask (${op.master_netmask}) not valid`);
    change.master_netmask = op.master_netmask;
  }
  if (op.master_netdev) change.master_netdev = op.master_netdev;
}

/** Takes the address down where it moves to another interface or gets another netmask. */
async function prepareMasterAddress({ op, cluster }: SetParamsPlan, job: JobHandle): Promise<void> {
  if (op.master_netdev) job.say(`Shutting down master ip on the current netdev (${cluster.master_netdev})`);
  if (op.master_netmask) job.say(`Changing master IP netmask to ${op.master_netmask}`);
  try {
    await job.do(takeMasterIpDown, { node: cluster.master_node, address: masterAddressOf(cluster) });
  } catch (error) {
    if (!op.force) throw error;
    job.say(`Could not disable the master ip (continuing anyway): ${reasonOf(error)}`);
  }
  if (op.master_netdev)
    job.say(`Changing master_netdev from ${cluster.master_netdev} to ${op.master_netdev}`);
}

async function restoreMasterAddress({ op }: SetParamsPlan, job: JobHandle): Promise<void> {
  const { cluster } = job.world.config.current;
  if (op.master_netdev) job.say(`Starting the master ip on the new master netdev (${op.master_netdev})`);
  try {
    await job.do(bringMasterIpUp, { node: cluster.master_node, address: masterAddressOf(cluster) });
  } catch (error) {
    job.warn(`Could not re-enable the master ip on the master, please restart manually: ${reasonOf(error)}`);
  }
}

async function run(plan: SetParamsPlan, job: JobHandle): Promise<null | FollowUpJobs> {
  const { op, cluster, change, privateParameters, notes, jobs } = plan;
  for (const note of notes) job.say(note);
  const movesAddress = Boolean(op.master_netdev) || Boolean(op.master_netmask);
  if (movesAddress) await prepareMasterAddress(plan, job);
  if (Object.keys(change).length > 0) await job.do(setClusterFields, clusterChange(cluster, change));
  await job.keep();
  if (movesAddress) await restoreMasterAddress(plan, job);
  if (privateParameters !== undefined)
    await job.do(setPrivateOsParameters, { osparams_private_cluster: privateParameters });
  if (change.candidate_pool_size !== undefined) {
    await fillCandidatePool(job);
    await followRoles(job);
  }
  return jobs ?? null;
}

export const clusterSetParams = operation({
  opcode: ClusterSetParams,
  steps: [
    takeMasterIpDown,
    setClusterFields,
    bringMasterIpUp,
    setPrivateOsParameters,
    promoteCandidates,
    followSsh,
  ],
  locks: locksOf,
  plan: async (op, context): Promise<SetParamsPlan> => {
    const { cluster } = context.configuration;
    const modification: Modification = { op, context, cluster, change: {}, notes: [] };
    modifyMasterAddress(modification);
    await modifyStorage(modification);
    modifyGuests(modification);
    await modifyHypervisors(modification);
    const privateParameters = await modifySystems(modification);
    await modifySimple(modification);
    const jobs = modifyCommunication(modification);
    const { change, notes } = modification;
    return { op, cluster, change, privateParameters, notes, jobs };
  },
  hooks: (op, _plan, { cluster }) => ({
    path: 'cluster-modify',
    objectType: 'CLUSTER',
    env: { OP_TARGET: cluster.cluster_name, NEW_VG_NAME: op.vg_name ?? 'None' },
    preNodes: [cluster.master_node],
    postNodes: [cluster.master_node],
  }),
  run,
});
