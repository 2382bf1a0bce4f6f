/**
 * OP_CLUSTER_REPAIR: removes what is provably nobody's (remains.ts). A dry run tells what that is and changes nothing;
 * with `only` exactly what it told goes, as far as it still is nobody's. Everything is locked while it runs: a job that
 * is about to make or take a volume has ended before.
 */
import { messageOf } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { LogicalVolume } from '../../noderpc/calls/node.ts';
import { lvList } from '../../noderpc/calls/node.ts';
import { type MinorFacts, minorFacts } from '../../noderpc/calls/remains.ts';
import { ClusterRepair } from '../../opcodes/cluster.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { nodesByName } from '../node/wanted.ts';
import { type JobHandle, operation, type PlanContext } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { freeReservations, removeRemains, takeMinorDown } from '../steps/remains.ts';
import { type Doubtful, ghostReservations, type Remains, remainsOfNode } from './remains.ts';

interface RepairPlan {
  readonly remains: readonly Remains[];
  readonly doubtful: readonly Doubtful[];
}

/** What is told of it: names with what they are, names with the reason why they stay. */
interface RepairResult {
  readonly remains: readonly (readonly [name: string, about: string])[];
  readonly left: readonly (readonly [name: string, reason: string])[];
}

const resultOf = ({ remains, doubtful }: RepairPlan): RepairResult => ({
  remains: remains.map(({ name, about }) => [name, about]),
  left: doubtful.map(({ name, reason }) => [name, reason]),
});

/** Which of the two questions nodes can be asked. */
function asked({ cluster }: Configuration): { readonly volumes: boolean; readonly minors: boolean } {
  const templates = cluster.enabled_disk_templates.map(storageAbout);
  return {
    volumes: Boolean(cluster.volume_group_name) && templates.some(({ volumeGroup }) => volumeGroup),
    minors: templates.some(({ mirrored }) => mirrored === 'internal'),
  };
}

async function plan(op: OpcodeOf<typeof ClusterRepair>, context: PlanContext): Promise<RepairPlan> {
  const { configuration, nodes, reservations, owner } = context;
  const { volumes, minors } = asked(configuration);
  const members = nodesByName(configuration).filter((node) => node.vm_capable);
  const online = members.filter(({ offline }) => !offline).map(({ uuid }) => uuid);
  const [volumeReplies, minorReplies] = await Promise.all([
    nodes.callAll(volumes ? online : [], lvList, { vgs: [configuration.cluster.volume_group_name ?? ''] }),
    nodes.callAll(volumes && minors ? online : [], minorFacts, {}),
  ]);
  const isReserved = (disk: Disk) => reservations.othersOf(owner, disk).length > 0;
  const remains: Remains[] = [];
  const doubtful: Doubtful[] = [];
  for (const node of members) {
    if (node.offline) context.warn(`Node ${node.name} is offline: what is left over there isn't seen`);
    const faults = [volumeReplies.get(node.uuid), minorReplies.get(node.uuid)].map(faultOf);
    for (const fault of faults.filter((text) => text !== undefined))
      context.warn(`Node ${node.name} doesn't tell what it has, so nothing of it is removed: ${fault}`);
    if (node.offline || faults.some((fault) => fault !== undefined)) continue;
    const holdings = {
      volumes: answerOf<LogicalVolume>(volumeReplies.get(node.uuid)),
      minors: answerOf<MinorFacts>(minorReplies.get(node.uuid)),
    };
    const found = remainsOfNode(configuration, node, holdings, isReserved);
    remains.push(...found.remains);
    doubtful.push(...found.doubtful);
  }
  remains.push(...ghostReservations(configuration));
  const wanted = op.only === null ? undefined : new Set(op.only);
  for (const name of wanted ?? [])
    if (!remains.some((each) => each.name === name)) context.warn(`${name} is no longer left over`);
  return { remains: remains.filter(({ name }) => wanted?.has(name) ?? true), doubtful };
}

function answerOf<T>(reply: { readonly kind: string; readonly value?: readonly T[] } | undefined) {
  return reply?.kind === 'answered' ? (reply.value ?? []) : [];
}

/** Mirrors first: the volumes below them are in use until they are down. */
async function clear(remains: readonly Remains[], job: JobHandle): Promise<Doubtful[]> {
  const failed: Doubtful[] = [];
  const attempt = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
      job.say(`Removed ${name}`);
    } catch (error) {
      job.warn(`Can't remove ${name}: ${messageOf(error)}`);
      failed.push({ name, reason: messageOf(error) });
    }
  };
  for (const each of remains) {
    if (each.kind === 'mirror')
      await attempt(each.name, () => job.do(takeMinorDown, { node: each.node, facts: each.facts }));
  }
  for (const each of remains) {
    if (each.kind !== 'volume') continue;
    const { node, vg, volume, mark } = each;
    await attempt(each.name, () => job.do(removeRemains, { node, vg, name: volume, mark }));
  }
  return failed;
}

export const clusterRepair = operation({
  opcode: ClusterRepair,
  steps: [freeReservations, takeMinorDown, removeRemains],
  locks: (op) =>
    op.dry_run === true
      ? []
      : (['instance', 'node', 'node-res', 'network'] as const).map((level) => ({
          level,
          name: 'all',
          mode: 'exclusive' as const,
        })),
  plan,
  dryRunResult: resultOf,
  run: async (found, job) => {
    const addresses = found.remains.filter((each) => each.kind === 'address');
    const ports = found.remains.filter((each) => each.kind === 'port');
    if (addresses.length + ports.length > 0) {
      await job.do(freeReservations, {
        addresses: addresses.map(({ network, place }) => ({ network, place })),
        ports: ports.map(({ port }) => port),
      });
    }
    await job.keep();
    const failed = await clear(found.remains, job);
    const isGone = ({ name }: Remains) => !failed.some((each) => each.name === name);
    return resultOf({ remains: found.remains.filter(isGone), doubtful: [...found.doubtful, ...failed] });
  },
});
