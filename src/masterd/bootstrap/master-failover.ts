/**
 * `gnt-cluster master-failover`: this node becomes master.
 *
 *   checks → the old master stops → nodes promise to follow nobody older → the newest copy of the journal is
 *   taken from whoever has it → this node's copy becomes the configuration, in a new epoch → daemons start
 *
 * Up to the promises nothing has changed. From then on the old master, if it still runs somewhere, is refused
 * by every node that was reached; the others hear of the new one with its first call.
 */
import { unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { openStore } from '../../config/open.ts';
import { writeSsconfFiles } from '../../config/ssconf-files.ts';
import { pollUntil } from '../../kit/clock.ts';
import { ErrorCode, executionFailure, Failure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { createLog, type Log } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { describeFailure, runProcess } from '../../kit/process.ts';
import { programPath } from '../../kit/programs.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import {
  type HeldCopy,
  journalPromise,
  journalRead,
  masterEpoch,
  nodeStopMaster,
} from '../../noderpc/calls/master.ts';
import { nodeDeactivateMasterIp } from '../../noderpc/calls/node.ts';
import type { NodeClient } from '../../noderpc/client.ts';
import { isStaleMaster } from '../../noderpc/fence.ts';
import { openReplica } from '../../noderpc/journal-replica.ts';
import { callByAddress, nodeDaemonPort } from '../addresses.ts';
import { type ClusterView, type KnownNode, readClusterView } from '../cluster-view.ts';
import type { Talk } from './talk.ts';

/** Seconds for the old master's address to go, and for the new one's to come (bootstrap.MasterFailover). */
const addressSeconds = 30;

interface Takeover {
  readonly paths: Paths;
  readonly log: Log;
  readonly talk: Talk;
  readonly nodes: NodeClient;
  readonly view: ClusterView;
  readonly own: KnownNode;
  readonly noVoting: boolean;
}

interface Answer {
  readonly epoch: number;
  readonly master: string;
  readonly held: HeldCopy | null;
}

type Answers = ReadonlyMap<KnownNode, Answer>;

function requireCandidate({ own, masterName, nodes }: ClusterView): KnownNode {
  if (own?.name === masterName) {
    throw prerequisiteFailure(
      `This commands must be run on the node where you want the new master to be. ${masterName} is already the master`,
      ErrorCode.invalid,
    );
  }
  if (own?.isCandidate !== true) {
    const possible = nodes.filter((node) => node.isCandidate && node.name !== masterName);
    throw prerequisiteFailure(
      'This node is not among the nodes marked as master candidates. Only these nodes can become masters.' +
        ` Current list of master candidates is:\n${possible.map(({ name }) => name).join('\n')}`,
      ErrorCode.state,
    );
  }
  return own;
}

async function askAll({ nodes, view }: Takeover): Promise<Answers> {
  const replies = await nodes.callAll(
    view.nodes.map(({ key }) => key),
    masterEpoch,
    {},
  );
  return new Map(
    view.nodes.flatMap((node) => {
      const reply = replies.get(node.key);
      return reply?.kind === 'answered' ? [[node, reply.value] as const] : [];
    }),
  );
}

/** @returns whether enough nodes answer */
function isHealthy({ talk, view }: Takeover, answers: Answers, ignoresOffline: boolean): boolean {
  const counted = view.nodes.filter((node) => !(ignoresOffline && node.isOffline));
  const silent = counted.filter((node) => !answers.has(node)).map(({ name }) => `'${name}'`);
  if (2 * (counted.length - silent.length) > counted.length) return true;
  talk.warn(
    'Master-failover with voting is only possible if the majority of nodes are still healthy; use the --no-voting' +
      " option after ensuring by other means that you won't end up in a dual-master scenario. Unhealthy nodes:" +
      ` [${silent.join(', ')}]`,
  );
  return false;
}

/** Most nodes must agree with this one on who the old master is. */
function requireAgreement({ view }: Takeover, answers: Answers): void {
  const votes = new Map<string, number>();
  for (const { master } of answers.values()) votes.set(master, (votes.get(master) ?? 0) + 1);
  const [voted] = [...votes].sort(([, a], [, b]) => b - a)[0] ?? [''];
  if (voted === view.masterName) return;
  throw prerequisiteFailure(
    `I have a wrong configuration, I believe the master is ${view.masterName} but the other nodes voted ${voted}.` +
      ' Please resync the configuration of this node.',
    ErrorCode.state,
  );
}

const isNewer = (a: HeldCopy, b: HeldCopy) => a.epoch > b.epoch || (a.epoch === b.epoch && a.last > b.last);

/** The newest copy of the journal among the nodes that answered, when it is newer than this node's. */
function newerCopy(
  answers: Iterable<readonly [KnownNode, { readonly held: HeldCopy | null }]>,
  own: HeldCopy,
): readonly [KnownNode, HeldCopy] | undefined {
  let best: readonly [KnownNode, HeldCopy] | undefined;
  for (const [node, { held }] of answers) {
    if (held !== null && isNewer(held, best?.[1] ?? own)) best = [node, held];
  }
  return best;
}

async function ownCopy({ paths, log }: Takeover): Promise<HeldCopy> {
  const replica = openReplica({ paths, log });
  try {
    const held = await replica.held();
    if (held !== null) return held;
  } finally {
    await replica.close();
  }
  throw prerequisiteFailure(
    'The copy of the configuration on this node is not whole, so it cannot become the master.' +
      ' Run the command on another master candidate',
    ErrorCode.state,
  );
}

/** A copy of an older epoch, or with too much missing, can't be brought up to date entry by entry. */
function requireReach(
  { talk, noVoting }: Takeover,
  own: HeldCopy,
  best: readonly [KnownNode, HeldCopy] | undefined,
) {
  if (best === undefined || best[1].epoch === own.epoch) return;
  const text =
    `${best[0].name} has a newer copy of the configuration (entry ${best[1].last} of epoch ${best[1].epoch}, here:` +
    ` ${own.last} of ${own.epoch})`;
  if (!noVoting) throw prerequisiteFailure(`${text}. Run the command there`, ErrorCode.state);
  talk.warn(`${text}; going on with the one of this node`);
}

/** Another question to a node that has just not answered would only cost time. */
function requireAnswering({ view }: Takeover, answers: Answers): KnownNode {
  if (view.master !== undefined && answers.has(view.master)) return view.master;
  throw new Failure('RpcError', ['the node does not answer']);
}

/** As far as the old master can be reached; it is kept out by its epoch in any case. */
async function stopOldMaster(takeover: Takeover, answers: Answers): Promise<void> {
  const { nodes, talk, view } = takeover;
  try {
    await nodes.call(requireAnswering(takeover, answers).key, nodeStopMaster, {});
  } catch (error) {
    talk.warn(
      `Could not disable the master role on the old master ${view.masterName}, please disable manually:` +
        ` ${messageOf(error)}`,
    );
  }
}

async function takeAddressAway(takeover: Takeover, answers: Answers, cluster: Cluster): Promise<void> {
  const { nodes, talk } = takeover;
  try {
    await nodes.call(requireAnswering(takeover, answers).key, nodeDeactivateMasterIp, {
      ip: cluster.master_ip,
      netmask: cluster.master_netmask,
      netdev: cluster.master_netdev,
      family: cluster.primary_ip_family,
      useExternalScript: cluster.use_external_mip_script,
    });
  } catch (error) {
    talk.warn(`Could not disable the master IP: ${messageOf(error)}`);
  }
}

/** @throws Failure OpExecError when a node has promised the epoch, or a newer one, to somebody else */
async function collectPromises(
  { paths, log, nodes, own }: Takeover,
  answers: Answers,
  epoch: number,
): Promise<readonly (readonly [KnownNode, { readonly held: HeldCopy | null }])[]> {
  const taken = (name: string, reason: unknown) =>
    executionFailure(
      `${name} will not follow this node: ${messageOf(reason)}. Is another node taking over as well?` +
        ' Run the command again if not',
    );
  const replica = openReplica({ paths, log });
  try {
    await replica.promise(epoch);
  } catch (error) {
    throw taken(own.name, error);
  } finally {
    await replica.close();
  }
  const others = [...answers.keys()].filter((node) => node !== own);
  const replies = await nodes.callAll(
    others.map(({ key }) => key),
    journalPromise,
    { epoch },
  );
  return others.flatMap((node) => {
    const reply = replies.get(node.key);
    if (reply?.kind === 'answered') return [[node, reply.value] as const];
    if (reply?.kind === 'refused' && reply.error[1][1] === 'stale_epoch')
      throw taken(node.name, reply.message);
    return [];
  });
}

/** Entries that another copy has and this one lacks. */
async function catchUp(
  { paths, log, nodes }: Takeover,
  own: HeldCopy,
  [node, held]: readonly [KnownNode, HeldCopy],
): Promise<void> {
  const replica = openReplica({ paths, log });
  try {
    for (let last = own.last; last < held.last; ) {
      const { entries } = await nodes.call(node.key, journalRead, { from: last + 1 });
      if (entries.length === 0) break;
      await replica.extend(entries);
      last += entries.length;
    }
  } finally {
    await replica.close();
  }
}

/** The configuration of this node becomes the cluster's, with this node as its master. */
async function becomeMaster({ paths, log, own }: Takeover, epoch: number): Promise<Configuration> {
  const store = await openStore({ paths, log, promote: { seenEpoch: 0, promised: epoch } });
  try {
    await store.change('master-failover', (draft) => {
      const node = draft.nodes.values().find(({ name }) => name === own.name);
      if (node === undefined)
        throw new Failure('ConfigurationError', [`${own.name} is not in the configuration of this node`]);
      draft.changeCluster({ master_node: node.uuid });
    });
    const { current } = store;
    await writeSsconfFiles(paths, current);
    return current;
  } finally {
    await store.close();
  }
}

/** Somebody at the address takes connections, or refuses them (netutils.TcpPing). */
function answersAt(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED'));
  });
}

/** @returns whether the master's address came into the wanted state in time */
async function awaitAddress({ paths }: Takeover, ip: string, wanted: boolean): Promise<boolean> {
  // All of 127.0.0.0/8 answers always: a virtual cluster's address neither comes nor goes.
  if (paths.root !== '') return true;
  const probe = async () => ((await answersAt(ip, nodeDaemonPort())) === wanted ? true : undefined);
  return (await pollUntil(probe, { everyMs: 1000, timeoutMs: addressSeconds * 1000 })) === true;
}

async function startDaemons({ noVoting }: Takeover): Promise<string | undefined> {
  const commands = [
    ['start', 'ganeti-masterd', ...(noVoting ? ['--no-voting', '--yes-do-it'] : [])],
    ['start-master'],
  ];
  for (const words of commands) {
    const result = await runProcess([programPath('daemon-util'), ...words], { timeoutMs: 120_000 });
    if (result.code !== 0) return describeFailure(result);
  }
  return undefined;
}

/** From the stop of the old master to the end. @returns the exit code */
async function takeOver(takeover: Takeover, answers: Answers): Promise<number> {
  const { talk, own, view, paths } = takeover;
  let code = 0;
  await stopOldMaster(takeover, answers);
  const epoch =
    1 + Math.max(...[...answers.values()].map((answer) => answer.epoch), (await ownCopy(takeover)).epoch);
  const promised = await collectPromises(takeover, answers, epoch);
  const copy = await ownCopy(takeover);
  const newer = newerCopy(promised, copy);
  if (newer !== undefined && newer[1].epoch === copy.epoch) await catchUp(takeover, copy, newer);
  const { cluster } = await becomeMaster(takeover, epoch);
  await takeAddressAway(takeover, answers, cluster);
  if (!(await awaitAddress(takeover, cluster.master_ip, false))) {
    talk.warn(
      `The master IP is still reachable after ${addressSeconds} seconds, continuing but activating the master IP` +
        ' on the current node will probably fail',
    );
    code = 1;
  }
  await unlink(`${paths.queueDir}/drain`).catch(() => {});
  const fault = await startDaemons(takeover);
  if (fault !== undefined) {
    talk.warn(`Could not start the master role on the new master ${own.name}, please check: ${fault}`);
    return 1;
  }
  if (!(await awaitAddress(takeover, cluster.master_ip, true))) {
    talk.warn(
      `The master IP did not come up within ${addressSeconds} seconds; the cluster should still be working and` +
        ` reachable via ${own.name}, but not via the master IP address`,
    );
    code = 1;
  }
  takeover.log.info(`Master failed over from ${view.masterName} to ${own.name}`);
  return code;
}

export async function masterFailover(
  input: Readonly<Record<string, unknown>>,
  talk: Talk,
): Promise<{ readonly code: number }> {
  const paths = pathsFor();
  const log = createLog('gantry-bootstrap', process.stderr, 'ERROR');
  const view = await readClusterView(paths);
  const own = requireCandidate(view);
  const nodes = callByAddress(paths, log);
  const takeover: Takeover = { paths, log, talk, nodes, view, own, noVoting: input.no_voting === true };
  try {
    const answers = await askAll(takeover);
    if (!takeover.noVoting) {
      if (!isHealthy(takeover, answers, input.ignore_offline_nodes === true)) return { code: 1 };
      requireAgreement(takeover, answers);
    }
    const copy = await ownCopy(takeover);
    requireReach(takeover, copy, newerCopy(answers, copy));
    return { code: await takeOver(takeover, answers) };
  } catch (error) {
    if (isStaleMaster(error)) throw executionFailure(messageOf(error));
    throw error;
  } finally {
    await nodes.close();
  }
}
