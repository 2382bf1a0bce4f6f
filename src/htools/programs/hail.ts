/** hail: the allocator as a program: a request file in, a response on standard output (hail(1)). */
import { wholeOf } from '../core/terms/cluster.ts';
import { encodeAnswer, runTask, usesDedicated } from '../load/allocator.ts';
import { type AllocatorRequest, readRequest } from '../load/allocator-request.ts';
import { explainAnswer } from './answer-explanation.ts';
import { readText } from './files.ts';
import { maybePrintNodes, maybeSave } from './listing.ts';
import { loadCluster, showWarnings } from './load-cluster.ts';
import { algorithmOptions, type Options } from './options.ts';
import { failure, type Program, type ProgramContext } from './program.ts';
import { applyMonitoring } from './sources.ts';

async function readTask(
  options: Options,
  args: readonly string[],
  context: ProgramContext,
): Promise<AllocatorRequest> {
  const [path] = args;
  if (path === undefined) throw failure('This program needs an input file.');
  if (args.length > 1) throw failure('Only one argument is accepted (the input file)');
  const text = path === '-' ? await context.readInput() : readText(path);
  const request = readRequest(text, {
    now: context.now(),
    staticKvmNodeMemory: options.staticKvmNodeMemory,
  });
  showWarnings(context, request.warnings);
  if (options.dataFile === undefined && options.simulation.length === 0) {
    await applyMonitoring(request.cluster, options, context);
    return request;
  }
  return { ...request, cluster: await loadCluster(options, context) };
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  const { task, cluster } = await readTask(options, args, context);
  if (options.verbosity > 1 && usesDedicated(cluster, task)) {
    context.err('Allocation on a dedicated cluster; using lost-allocations metrics.\n');
  }
  const { nodes } = cluster;
  maybePrintNodes(context, options, 'Initial cluster', nodes, nodes.order);
  maybeSave(context, options, 'pre-ialloc', 'before iallocator run', cluster, wholeOf(cluster));
  const algorithm = algorithmOptions(options);
  const answer = runTask(cluster, task, algorithm);
  if (options.explain !== undefined) {
    explainAnswer({ cluster, task, answer, options: algorithm, context }, options.explain);
  }
  context.out(`${encodeAnswer(answer)}\n`);
  maybePrintNodes(context, options, 'Final cluster', nodes, nodes.order);
  const after = { nodes, list: nodes.order, instances: answer.instances };
  maybeSave(context, options, 'post-ialloc', 'after iallocator run', cluster, after);
}

export const hail: Program = {
  name: 'hail',
  purpose: 'allocator that chooses nodes for new and for moving instances, by the score that hbal goes by',
  options: [
    'printNodes',
    'save',
    'dataFile',
    'simulate',
    'verbose',
    'ignoreDynamicUse',
    'ignoreSoftErrors',
    'capacityChecks',
    'restrictToNodes',
    'monitoring',
    'monitoringXen',
    'staticKvmNodeMemory',
  ],
  further: ['explain'],
  arguments: ['file 1 1'],
  main,
};
