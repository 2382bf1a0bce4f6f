/** hsqueeze: switches nodes off and on to follow the need for room (hsqueeze(1)). */
import { formatCommands, type MoveJob, splitJobs } from '../core/balance/plan.ts';
import {
  allHaveRoom,
  nodesToSwitchOff,
  nodesToSwitchOn,
  type Switch,
  scaledInstance,
  switchNodes,
} from '../core/maintenance/squeeze.ts';
import { type Cluster, wholeOf } from '../core/terms/cluster.ts';
import { moveOpcodes } from '../core/terms/opcodes.ts';
import { isStandby, standbyAutoTag } from '../core/terms/tags.ts';
import { maybeSaveCommands } from './commands-output.ts';
import { annotate, type JobSubmission, runJobSets } from './jobs.ts';
import { maybeSave } from './listing.ts';
import { loadCluster } from './load-cluster.ts';
import type { Options } from './options.ts';
import { failure, type Program, type ProgramContext, refuseArguments } from './program.ts';

/** Nodes that could go: online, no secondaries, nothing on local disks; the fullest first. */
function offlineCandidates({ nodes, instances }: Cluster): number[] {
  return nodes.order
    .filter(
      (node) =>
        nodes.offline[node] === 0 &&
        nodes.isMaster[node] === 0 &&
        nodes.secondaries[node]!.length === 0 &&
        !nodes.primaries[node]!.some((index) => instances[index]!.usesLocalStorage),
    )
    .sort((a, b) => nodes.primaries[b]!.length - nodes.primaries[a]!.length);
}

function onlineCandidates({ nodes }: Cluster): number[] {
  return nodes.order.filter((node) => nodes.offline[node] === 1 && isStandby(nodes.tags[node]!));
}

function names(cluster: Cluster, list: readonly number[]): string[] {
  return list.map((node) => cluster.nodes.name[node]!);
}

function lines(items: readonly string[]): string {
  return items.map((item) => `${item}\n`).join('');
}

function offCommands(cluster: Cluster, switched: readonly number[], moves: readonly MoveJob[]): string {
  const aliases = switched.map((node) => cluster.nodes.alias[node]!);
  return (
    `${formatCommands(splitJobs(moves))}\necho Tagging Commands\n` +
    lines(aliases.map((alias) => `  gnt-node add-tags ${alias} ${standbyAutoTag}`)) +
    '\necho Power Commands\n' +
    lines(aliases.map((alias) => `  gnt-node power -f off ${alias}`))
  );
}

function onCommands(cluster: Cluster, switched: readonly number[], moves: readonly MoveJob[]): string {
  const aliases = switched.map((node) => cluster.nodes.alias[node]!);
  return (
    `echo Power Commands\n${lines(aliases.map((alias) => `  gnt-node power -f on ${alias}`))}` +
    formatCommands(splitJobs(moves))
  );
}

function moveSubmissions(cluster: Cluster, moves: readonly MoveJob[]): JobSubmission[] {
  return splitJobs(moves).map((jobs) => ({
    jobs: jobs.map(({ instance, move }) => moveOpcodes(cluster.nodes, cluster.instances[instance]!, move)),
    description: `Moving instances ${jobs.map(({ instance }) => cluster.instances[instance]!.name).join(',')}`,
  }));
}

/** One job that marks nodes offline or online and switches their power. */
function powerSubmission(cluster: Cluster, switched: readonly number[], to: Switch): JobSubmission {
  const nodeNames = names(cluster, switched);
  const marks = nodeNames.map((name) => ({
    OP_ID: 'OP_NODE_SET_PARAMS',
    node_name: name,
    force: false,
    offline: to === 'off',
    auto_promote: false,
  }));
  const power = {
    OP_ID: 'OP_OOB_COMMAND',
    node_names: nodeNames,
    command: `power-${to}`,
    timeout: 60,
    ignore_status: false,
    power_delay: 2,
  };
  return { jobs: [[...marks, power]], description: `Powering ${to} nodes` };
}

function tagSubmissions(cluster: Cluster, switched: readonly number[]): JobSubmission[] {
  return names(cluster, switched).map((name) => ({
    jobs: [[{ OP_ID: 'OP_TAGS_SET', kind: 'node', tags: [standbyAutoTag], name }]],
    description: `Tagging node ${name} with standby`,
  }));
}

async function execute(
  submissions: readonly JobSubmission[],
  comment: string,
  options: Options,
  context: ProgramContext,
): Promise<void> {
  if (!options.execute) return;
  if (options.luxiSocket === undefined) {
    throw failure('hsqueeze: Execution of commands possible only on LUXI');
  }
  const annotated = submissions.map(({ jobs, description }) => ({
    jobs: jobs.map((job) =>
      job.map((opcode) => annotate(opcode, { tool: 'hsqueeze', comment }, options, context)),
    ),
    description,
  }));
  await runJobSets('hsqueeze', annotated, options.luxiSocket, context);
}

async function expand(
  cluster: Cluster,
  candidates: readonly number[],
  options: Options,
  context: ProgramContext,
): Promise<void> {
  const whole = wholeOf(cluster);
  const room = scaledInstance(options.minimalResources, cluster.policy.standard);
  const enough = nodesToSwitchOn(whole, room, candidates);
  const switched = enough ?? candidates;
  if (!options.noHeaders) context.out("'Nodes to online'\n");
  context.out(lines(names(cluster, switched)));
  if (options.verbosity > 1 && enough === undefined) {
    context.out('Onlining all nodes will not yield enough capacity\n');
  }
  const moves = switchNodes(whole, switched, 'on');
  maybeSaveCommands(context, options, 'Commands to run:', onCommands(cluster, switched, moves));
  const submissions = [powerSubmission(cluster, switched, 'on'), ...moveSubmissions(cluster, moves)];
  await execute(submissions, `expanding by ${switched.length} nodes`, options, context);
  maybeSave(context, options, 'squeezed', 'after hsqueeze expansion', cluster, whole);
}

async function shrink(
  cluster: Cluster,
  candidates: readonly number[],
  options: Options,
  context: ProgramContext,
): Promise<void> {
  const whole = wholeOf(cluster);
  const room = scaledInstance(options.targetResources, cluster.policy.standard);
  const switched = nodesToSwitchOff(whole, room, candidates);
  if (switched.length === 0) {
    if (!options.noHeaders) context.out("'No action'\n");
    maybeSaveCommands(context, options, 'Commands to run:', 'echo Nothing to do');
    maybeSave(context, options, 'squeezed', 'after hsqueeze doing nothing', cluster, whole);
    return;
  }
  if (!options.noHeaders) context.out("'Nodes to offline'\n");
  context.out(lines(names(cluster, switched)));
  const moves = switchNodes(whole, switched, 'off');
  maybeSaveCommands(context, options, 'Commands to run:', offCommands(cluster, switched, moves));
  const submissions = [
    ...moveSubmissions(cluster, moves),
    ...tagSubmissions(cluster, switched),
    powerSubmission(cluster, switched, 'off'),
  ];
  await execute(submissions, `condensing by ${switched.length} nodes`, options, context);
  maybeSave(context, options, 'squeezed', 'after hsqueeze run', cluster, whole);
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  refuseArguments(args);
  const cluster = await loadCluster(options, context);
  const whole = wholeOf(cluster);
  maybeSave(context, options, 'original', 'before hsqueeze run', cluster, whole);
  const toGo = offlineCandidates(cluster);
  const toCome = onlineCandidates(cluster);
  if (options.verbosity > 1) {
    context.out(`Offline candidates: ${names(cluster, toGo).join(',')}\n`);
    context.out(`Online candidates: ${names(cluster, toCome).join(',')}\n`);
  }
  const least = scaledInstance(options.minimalResources, cluster.policy.standard);
  if (allHaveRoom(whole, least)) await shrink(cluster, toGo, options, context);
  else await expand(cluster, toCome, options, context);
}

export const hsqueeze: Program = {
  name: 'hsqueeze',
  purpose: 'switches nodes off and on so that there are enough free ones and not too many',
  options: [
    'luxi',
    'dataFile',
    'execute',
    'minimalResources',
    'targetResources',
    'save',
    'printCommands',
    'verbose',
    'noHeaders',
    'staticKvmNodeMemory',
  ],
  arguments: [],
  main,
};
