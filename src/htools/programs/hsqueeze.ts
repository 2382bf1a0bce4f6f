/** hsqueeze: switches nodes off and on to follow the need for room (hsqueeze(1)). */
import { formatCommands, type MoveJob, splitJobs } from '../core/balance/plan.ts';
import {
  allHaveRoom,
  nodesToSwitchOff,
  nodesToSwitchOn,
  scaledInstance,
  switchNodes,
} from '../core/maintenance/squeeze.ts';
import { type Cluster, wholeOf } from '../core/terms/cluster.ts';
import { isStandby, standbyAutoTag } from '../core/terms/tags.ts';
import { maybeSaveCommands } from './commands-output.ts';
import { maybeSave } from './listing.ts';
import { loadCluster } from './load-cluster.ts';
import type { Options } from './options.ts';
import { type Program, type ProgramContext, refuseArguments } from './program.ts';

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

function expand(
  cluster: Cluster,
  candidates: readonly number[],
  options: Options,
  context: ProgramContext,
): void {
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
  maybeSave(context, options, 'squeezed', 'after hsqueeze expansion', cluster, whole);
}

function shrink(
  cluster: Cluster,
  candidates: readonly number[],
  options: Options,
  context: ProgramContext,
): void {
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
  if (allHaveRoom(whole, least)) shrink(cluster, toGo, options, context);
  else expand(cluster, toCome, options, context);
}

export const hsqueeze: Program = {
  name: 'hsqueeze',
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
