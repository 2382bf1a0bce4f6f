/**
 * New client certificates of the nodes, and a new cluster certificate when one was prepared on the master. The
 * cluster works all the time:
 *
 *   prepare on every node → the new client certificates count beside the old ones → keep
 *   → put in place, the master's last → only the new ones count → what was replaced is forgotten
 *
 * Up to `keep` everything is taken back. After it, whatever the point at which it stops, both generations are
 * trusted and the same command finishes the work.
 */
import * as z from 'zod';
import { executionFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Node } from '../../model/objects/node.ts';
import {
  cryptoActivate,
  cryptoSettle,
  cryptoStage,
  cryptoStagedCluster,
  cryptoUnstage,
} from '../../noderpc/calls/crypto.ts';
import { nodesByName } from '../node/wanted.ts';
import { type JobHandle, step } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { clusterChange, setClusterFields } from '../steps/objects.ts';

const Target = z.object({ master: z.string(), nodes: z.array(z.string()), withCluster: z.boolean() });

/** Key of the prepared certificate's digest beside that of the one in use (constants.CRYPTO_BOOTSTRAP). */
const preparedKey = (uuid: string) => `${uuid}-bootstrap`;

interface Outcome<R> {
  readonly values: ReadonlyMap<string, R>;
  readonly faults: ReadonlyMap<string, string>;
}

/** Certificates travel from the master's node daemon to the others, never through the journal. */
export const stageCertificates = step({
  name: 'stage-certificates',
  input: Target,
  run: async (
    { nodes },
    input,
  ): Promise<Outcome<{ readonly current: string | null; readonly staged: string }>> => {
    const clusterCertificate = input.withCluster
      ? (await nodes.call(input.master, cryptoStagedCluster, {})).pem
      : null;
    const replies = await nodes.callAll(input.nodes, cryptoStage, { clusterCertificate });
    const values = new Map<string, { current: string | null; staged: string }>();
    const faults = new Map<string, string>();
    for (const [uuid, reply] of replies) {
      if (reply.kind === 'answered') values.set(uuid, reply.value);
      else faults.set(uuid, faultOf(reply) ?? 'it is offline');
    }
    return { values, faults };
  },
  // What stays on a node that can't be reached is used by nobody, and is replaced the next time.
  undo: async ({ nodes }, input) => {
    await nodes.callAll(input.nodes, cryptoUnstage, (uuid) => ({ keepCluster: uuid === input.master }));
  },
});

/** Wanted in any case: the old and the new generation are both trusted when this begins. */
export const activateCertificates = step({
  name: 'activate-certificates',
  input: z.object({ nodes: z.array(z.string()) }),
  run: async ({ nodes }, input): Promise<Outcome<string>> => {
    const values = new Map<string, string>();
    const faults = new Map<string, string>();
    for (const [uuid, reply] of await nodes.callAll(input.nodes, cryptoActivate, {})) {
      if (reply.kind === 'answered') values.set(uuid, reply.value.digest);
      else faults.set(uuid, faultOf(reply) ?? 'it is offline');
    }
    return { values, faults };
  },
  undo: 'none',
});

/** Wanted in any case: nobody uses any longer what is forgotten. */
export const settleCertificates = step({
  name: 'settle-certificates',
  input: z.object({ nodes: z.array(z.string()) }),
  run: async ({ nodes }, input): Promise<Outcome<null>> => {
    const faults = new Map<string, string>();
    for (const [uuid, reply] of await nodes.callAll(input.nodes, cryptoSettle, {})) {
      if (reply.kind !== 'answered') faults.set(uuid, faultOf(reply) ?? 'it is offline');
    }
    return { values: new Map(), faults };
  },
  undo: 'none',
});

const listed = (configuration: Configuration, faults: ReadonlyMap<string, string>) =>
  [...faults]
    .map(([uuid, fault]) => `Node ${configuration.nodes.get(uuid)?.name ?? uuid}: ${fault}`)
    .sort()
    .join('\n');

/** All nodes must have the new list of certificates before anybody shows a new one. */
async function spread(job: JobHandle): Promise<ReadonlyMap<string, string>> {
  return (await job.world.master?.redistribute()) ?? new Map();
}

/**
 * What candidates shall be trusted by.
 * @param digests of the node by uuid: in use, and prepared
 */
function certificatesOf(
  configuration: Configuration,
  digests: (node: Node) => { readonly current: string | null; readonly staged: string | null },
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const node of nodesByName(configuration)) {
    if (!node.master_candidate) continue;
    const { current, staged } = digests(node);
    const known = current ?? configuration.cluster.candidate_certs[node.uuid];
    if (known !== undefined && known !== null) result[node.uuid] = known;
    if (staged !== null) result[preparedKey(node.uuid)] = staged;
  }
  return result;
}

/** What is being done, and on which nodes (by uuid); for those who want to know more. */
export type Tell = (text: string, nodes: readonly string[]) => void;

/** @throws Failure OpExecError naming nodes without which the work can't go on */
export async function renewCertificates(withCluster: boolean, job: JobHandle, tell: Tell): Promise<void> {
  const { config } = job.world;
  const master = config.current.cluster.master_node;
  const online = nodesByName(config.current)
    .filter(({ offline }) => !offline)
    .map(({ uuid }) => uuid);
  // A node that misses a generation would refuse the master for ever.
  const require = (faults: ReadonlyMap<string, string>, what: string) => {
    if (faults.size === 0) return;
    throw executionFailure(
      `${what}\n${listed(config.current, faults)}\nBring these nodes back, or mark them as offline (gnt-node modify -O yes) and add them again later (gnt-node add --readd); then run the same command again: it goes on where it stopped`,
    );
  };
  tell('Preparing new certificates', online);
  const staged = await job.do(stageCertificates, { master, nodes: online, withCluster });
  require(staged.faults, 'New certificates could not be prepared on some nodes:');
  const both = certificatesOf(
    config.current,
    ({ uuid }) => staged.values.get(uuid) ?? { current: null, staged: null },
  );
  await job.do(setClusterFields, clusterChange(config.current.cluster, { candidate_certs: both }));
  tell('Telling which certificates count from now on', online);
  require(await spread(job), 'Some nodes could not be told the new certificates:');
  await job.keep();
  const others = online.filter((uuid) => uuid !== master);
  tell('Putting the new certificates in place', online);
  const active = await job.do(activateCertificates, { nodes: others });
  require(active.faults, 'Some nodes could not put their new certificates in place:');
  const own = await job.do(activateCertificates, { nodes: [master] });
  require(own.faults, 'The master could not put its new certificates in place:');
  const digests = new Map([...active.values, ...own.values]);
  const final = certificatesOf(config.current, ({ uuid }) => ({
    current: digests.get(uuid) ?? null,
    staged: null,
  }));
  await job.do(setClusterFields, clusterChange(config.current.cluster, { candidate_certs: final }));
  await job.keep();
  if (!withCluster) return;
  require(await spread(job), 'Some nodes could not be told that only the new certificates count:');
  tell('Forgetting the replaced cluster certificate', online);
  const settled = await job.do(settleCertificates, { nodes: online });
  require(settled.faults, 'Some nodes still trust the cluster certificate that was replaced:');
}
