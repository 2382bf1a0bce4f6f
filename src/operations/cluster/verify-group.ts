/** OP_CLUSTER_VERIFY_GROUP: asks every node of a group once, at the same time, and compares the answers. */
import type { LockRequest } from '../../locks/contract.ts';
import { disksOf, groupNamed, masterNode, nodesOf, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { version } from '../../noderpc/calls/node.ts';
import { ClusterVerifyGroup } from '../../opcodes/cluster.ts';
import { verifyCodes } from '../../opcodes/verify-codes.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { operation, type PlanContext } from '../operation.ts';
import { verifyFiles, watchedFiles } from './verify-files.ts';
import { askDisks, askNodes } from './verify-gather.ts';
import { verifyByHooks } from './verify-hooks.ts';
import { verifyFailoverMemory, verifyInstance, verifyStrayGuests } from './verify-instances.ts';
import { type Gathered, guestsOf, verifyCertificate, verifyNode } from './verify-nodes.ts';
import { verifyOses } from './verify-oses.ts';
import { simulated, VerifyReport } from './verify-report.ts';
import {
  expectedMinors,
  verifyMirrorVersions,
  verifyOrphanVolumes,
  verifyPhysicalVolumes,
} from './verify-storage.ts';

/** What the hooks, which come last, need of the verification. */
interface Verified {
  readonly report: VerifyReport;
  readonly members: readonly Node[];
  /** Nodes that did not answer, with the reason. */
  readonly silent: ReadonlyMap<string, string>;
}

function notes(
  { configuration, report }: Gathered,
  group: readonly Node[],
  instances: readonly Instance[],
): void {
  report.section('Other Notes');
  const count = (number: number, text: string) => {
    if (number > 0) report.notice(`${number} ${text}`);
  };
  const redundant = (instance: Instance) => {
    const [first] = disksOf(configuration, instance);
    return storageAbout(first?.dev_type ?? 'diskless').mirrored !== 'no';
  };
  count(instances.filter((instance) => !redundant(instance)).length, 'non-redundant instance(s) found.');
  count(
    instances.filter((instance) => !filledBackend(configuration.cluster, instance).auto_balance).length,
    'non-auto-balanced instance(s) found.',
  );
  count(
    instances.filter((instance) => instance.admin_state === 'offline').length,
    'offline instance(s) found.',
  );
  count(group.filter((node) => node.offline).length, 'offline node(s) found.');
  count(group.filter((node) => node.drained).length, 'drained node(s) found.');
}

function roleOf({ configuration }: Gathered, node: Node): string {
  if (node.uuid === configuration.cluster.master_node) return 'master';
  if (node.master_candidate) return 'master candidate';
  return node.drained ? 'drained' : 'regular';
}

function verifyNodes(gathered: Gathered, group: readonly Node[]): void {
  const { report, answers } = gathered;
  report.section('Verifying node status');
  for (const node of group) {
    if (node.offline) {
      report.detail(`Skipping offline node ${node.name}`);
      continue;
    }
    report.detail(`Verifying node ${node.name} (${roleOf(gathered, node)})`);
    const reply = answers.get(node.uuid);
    if (reply?.kind === 'answered') {
      verifyNode(gathered, node, reply.value);
      verifyStrayGuests(gathered, node);
    } else if (reply !== undefined && reply.kind !== 'offline')
      report.error('ENODERPC', node.name, `while contacting node: ${reply.message}`);
  }
  verifyOses(gathered, group);
  verifyMirrorVersions(gathered, group);
  verifyPhysicalVolumes(gathered, group);
}

/** Nodes that were asked and did not answer, with the reason. */
function silentNodes({ answers }: Gathered): Map<string, string> {
  const silent = new Map<string, string>();
  for (const [uuid, reply] of answers)
    if (reply.kind === 'unreachable' || reply.kind === 'refused') silent.set(uuid, reply.message);
  return silent;
}

async function gather(
  context: PlanContext,
  members: readonly Node[],
  report: VerifyReport,
  clutter: boolean,
) {
  const { configuration, paths } = context;
  const uuids = new Set(members.map(({ uuid }) => uuid));
  const instances = configuration.instances.filter((instance) => uuids.has(instance.primary_node));
  const files = watchedFiles(configuration.cluster, paths);
  report.section(`Gathering data (${members.length} nodes)`);
  report.section(`Gathering information about nodes (${members.length} nodes)`);
  const askedFrom = context.now();
  const [own, { answers, withMaster }] = await Promise.all([
    context.nodes.call(masterNode(configuration).uuid, version, {}),
    askNodes(context, { members, instances, files, clutter }),
  ]);
  const askedTo = context.now();
  report.section(`Gathering disk information (${members.length} nodes)`);
  const states = await askDisks(context, instances, answers);
  const minors = expectedMinors(configuration);
  const guests = guestsOf(answers);
  const gathered: Gathered = { configuration, answers, own, askedFrom, askedTo, minors, guests, report };
  return { gathered, withMaster, states, instances, files };
}

export const clusterVerifyGroup = operation({
  opcode: ClusterVerifyGroup,
  steps: [],
  locks: (op, configuration) => {
    const group = groupNamed(configuration, op.group_name);
    const nodes = new Set(
      configuration.nodes.filter((node) => node.group === group.uuid).map(({ uuid }) => uuid),
    );
    const instances = configuration.instances.filter((instance) => nodes.has(instance.primary_node));
    for (const instance of instances)
      for (const node of secondariesOf(configuration, instance)) nodes.add(node);
    return [
      ...instances.map(
        (instance): LockRequest => ({ level: 'instance', name: instance.name, mode: 'shared' }),
      ),
      { level: 'nodegroup', name: group.uuid, mode: 'shared' },
      ...[...nodes].map((name): LockRequest => ({ level: 'node', name, mode: 'shared' })),
    ];
  },
  plan: async (op, context): Promise<Verified> => {
    const { configuration } = context;
    const report = new VerifyReport({
      errorCodes: op.error_codes,
      ignored: op.ignore_errors,
      verbose: op.verbose,
      say: (text) => context.say(text),
    });
    const group = groupNamed(configuration, op.group_name);
    report.section(`Verifying group '${group.name}'`);
    const members = configuration.nodes.filter((node) => node.group === group.uuid);
    if (members.length === 0) {
      report.section('Empty node group, skipping verification');
      return { report, members, silent: new Map() };
    }
    const { gathered, withMaster, states, instances, files } = await gather(
      context,
      members,
      report,
      op.verify_clutter,
    );
    const silent = silentNodes(gathered);
    for (const node of members) {
      const reason = silent.get(node.uuid);
      if (reason !== undefined && instances.some((each) => nodesOf(configuration, each).includes(node.uuid)))
        report.error('ENODERPC', node.name, `while getting disk information: ${reason}`);
    }
    report.section('Verifying configuration file consistency');
    for (const node of members) {
      const reply = gathered.answers.get(node.uuid);
      if (reply?.kind === 'answered') verifyCertificate(gathered, node, reply.value);
    }
    const master = masterNode(configuration);
    const compared = members.includes(master) ? members : [...members, master];
    verifyFiles({ ...gathered, answers: withMaster }, compared, files);
    verifyNodes(gathered, members);
    report.section('Verifying instance status');
    for (const instance of instances) verifyInstance(gathered, instance, states);
    report.section('Verifying orphan volumes');
    verifyOrphanVolumes(gathered, members);
    if (!op.skip_checks.includes('nplusone_mem')) {
      report.section('Verifying N+1 Memory redundancy');
      verifyFailoverMemory(gathered, members);
    }
    notes(gathered, members, instances);
    if (op.debug_simulate_errors) simulated(report, verifyCodes);
    return { report, members, silent };
  },
  run: async ({ report, members, silent }, { world }) => {
    if (members.length > 0) await verifyByHooks(world, members, silent, report);
    return !report.bad;
  },
});
