/**
 * May this node serve as master? Files on its own disk can't tell: it may have been down while another
 * took over. So before it serves, the other nodes are asked which master they follow.
 *
 *   somebody follows a newer epoch           → this node is not master any more
 *   half of the online nodes or more answer  → it is (its own vote counts)
 *   fewer                                    → it waits: the others may be behind a broken switch, with a master
 */
import { sleep } from '../kit/clock.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { masterEpoch } from '../noderpc/calls/master.ts';
import { readPosition } from '../noderpc/journal/position.ts';
import type { ClusterView } from './cluster-view.ts';

export type Verdict =
  | { readonly kind: 'elected' }
  | { readonly kind: 'superseded'; readonly reason: string }
  | { readonly kind: 'unheard'; readonly reason: string };

/** Milliseconds between two rounds of questions. */
const betweenRoundsMs = 1_000;

export interface Ballot {
  readonly paths: Pick<Paths, 'journalDir'>;
  readonly nodes: NodeCaller;
  readonly view: ClusterView;
}

/** One round. */
export async function gatherVotes({ paths, nodes, view }: Ballot): Promise<Verdict> {
  const position = await readPosition(paths.journalDir);
  const own = position?.epoch ?? 1;
  const others = view.nodes.filter((node) => node !== view.own && !node.isOffline);
  const replies = await nodes.callAll(
    others.map(({ key }) => key),
    masterEpoch,
    {},
  );
  const answers = others.flatMap(({ name, key }) => {
    const reply = replies.get(key);
    return reply?.kind === 'answered' ? [{ name, ...reply.value }] : [];
  });
  const newest = answers.reduce((best, answer) => (answer.epoch > best.epoch ? answer : best), {
    name: view.own?.name ?? 'this node',
    epoch: position?.promised ?? 1,
    master: '',
  });
  if (newest.epoch > own) {
    const who = newest.master === '' || newest.master === view.own?.name ? '' : ` (${newest.master})`;
    return {
      kind: 'superseded',
      reason: `${newest.name} follows a master${who} of epoch ${newest.epoch}, this node was master in epoch ${own}`,
    };
  }
  if (2 * (answers.length + 1) >= others.length + 1) return { kind: 'elected' };
  const silent = others.filter(({ name }) => !answers.some((answer) => answer.name === name));
  return {
    kind: 'unheard',
    reason:
      `Only ${answers.length + 1} of ${others.length + 1} nodes can be heard; no answer from` +
      ` ${silent.map(({ name }) => name).join(', ')}`,
  };
}

/** Asks until there is a verdict. `waiting` is called once, when the first round gave none. */
export async function awaitElection(
  ballot: Ballot,
  options: {
    readonly log: Log;
    readonly signal: AbortSignal;
    readonly waiting: (reason: string) => Promise<void>;
  },
): Promise<Exclude<Verdict, { kind: 'unheard' }>> {
  for (let round = 0; ; round += 1) {
    const verdict = await gatherVotes(ballot);
    if (verdict.kind !== 'unheard') return verdict;
    if (round === 0) {
      options.log.warning(
        `${verdict.reason}. Waiting for them: a newer master may be among them. If they are known to be down,` +
          " 'ganeti-masterd --no-voting --yes-do-it' starts without their votes",
      );
      await options.waiting(verdict.reason);
    }
    await sleep(betweenRoundsMs, options.signal);
  }
}
