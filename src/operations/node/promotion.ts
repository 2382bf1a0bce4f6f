/** Filling the candidate pool after a candidate has gone or the pool has grown. */
import type { Node } from '../../model/objects/node.ts';
import { nodeCryptoTokens } from '../../noderpc/calls/node.ts';
import type { JobHandle } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { promoteCandidates } from '../steps/candidates.ts';
import { mayBeCandidate, poolState } from './candidate-pool.ts';

/**
 * Promotes nodes until the pool is full, in the order of their names. A node whose certificate can't be
 * read is passed over, because a candidate without one is refused everywhere.
 * @param except uuids of nodes that must not become candidates now
 */
export async function fillCandidatePool(job: JobHandle, except: readonly string[] = []): Promise<void> {
  const { config, nodes } = job.world;
  const { candidates, wanted } = poolState(config.current);
  if (candidates >= wanted) return;
  const possible = config.current.nodes
    .filter((node) => mayBeCandidate(node) && !node.master_candidate && !except.includes(node.uuid))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const replies = await nodes.callAll(
    possible.map(({ uuid }) => uuid),
    nodeCryptoTokens,
    { action: 'get' },
  );
  const promotions: { node: string; digest: string }[] = [];
  const promoted: Node[] = [];
  for (const node of possible) {
    if (candidates + promotions.length >= wanted) break;
    const reply = replies.get(node.uuid);
    if (reply?.kind === 'answered') {
      promotions.push({ node: node.uuid, digest: reply.value.digest });
      promoted.push(node);
    } else {
      job.warn(`Node ${node.name} can't become a master candidate: ${faultOf(reply) ?? 'it is offline'}`);
    }
  }
  if (promotions.length === 0) return;
  await job.do(promoteCandidates, { promotions });
  job.info(`Promoted nodes to master candidate role: ${promoted.map(({ name }) => name).join(', ')}`);
}
