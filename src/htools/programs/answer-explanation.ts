/** hail --explain: for what an answer leaves without a place, which nodes refused it. */

import { clusterScore } from '../core/score/score.ts';
import { removePrimary } from '../core/state/node-operations.ts';
import type { AlgorithmOptions } from '../core/terms/algorithm-options.ts';
import { type Cluster, splitByGroup, wholeOf } from '../core/terms/cluster.ts';
import type { Instance } from '../core/terms/instance.ts';
import { requiredNodes } from '../core/terms/vocabulary.ts';
import type { AllocatorAnswer } from '../load/allocator.ts';
import type { AllocatorTask } from '../load/allocator-request.ts';
import { explainInstance, explainNew, explainPair } from './explanation.ts';
import type { ProgramContext } from './program.ts';

/** An answered task; the cluster is as it is after the answer. */
export interface Answered {
  readonly cluster: Cluster;
  readonly task: AllocatorTask;
  readonly answer: AllocatorAnswer;
  readonly options: AlgorithmOptions;
  readonly context: ProgramContext;
}

/** Tasks whose answers list what was left out; those of the others are places. */
const listsFailures: ReadonlySet<AllocatorTask['kind']> = new Set([
  'multi-allocate',
  'node-evacuate',
  'change-group',
]);

/** Names in the answer's list of failures; a refused task has none. */
function failedNames({ kind }: AllocatorTask, { success, result }: AllocatorAnswer): Set<string> {
  if (!success || !listsFailures.has(kind)) return new Set();
  const [, failed] = result as [unknown, [string, string][]];
  return new Set(failed.map(([name]) => name));
}

class AnswerExplanation {
  private readonly answered: Answered;

  constructor(answered: Answered) {
    this.answered = answered;
  }

  /** With `extra`, an instance that the answer may have left out, under the number that it got. */
  private situationWith(extra?: Instance) {
    const { cluster, answer } = this.answered;
    const { nodes } = cluster;
    const instanceOf = (index: number) => (index === extra?.index ? extra : answer.instances[index]!);
    return { nodes, list: nodes.order, instanceOf };
  }

  private moves(instance: Instance): void {
    const { cluster, options, context } = this.answered;
    const { nodes } = cluster;
    const parts = splitByGroup(wholeOf(cluster));
    const part = parts.find(({ group }) => group === nodes.group[instance.primary])?.part;
    if (part === undefined) return;
    explainInstance(part, instance, clusterScore(nodes, part.list), options, context);
  }

  private request(request: (AllocatorTask & { kind: 'allocate' })['request'], onlyNodes?: string[]): void {
    const { cluster, options, context } = this.answered;
    const restricted = { ...options, restrictToNodes: options.restrictToNodes ?? onlyNodes };
    explainNew(this.situationWith(request.instance), cluster.groups, request, restricted, context);
  }

  /** The other groups, as places for an instance that is to change its group. */
  private otherGroups(instance: Instance, targets: readonly number[]): void {
    const { cluster, options, context } = this.answered;
    const { groups, nodes } = cluster;
    const nodeCount = requiredNodes(instance.template);
    for (const [index, { uuid }] of groups) {
      const wanted = targets.length === 0 || targets.includes(index);
      if (!wanted || index === nodes.group[instance.primary]) continue;
      explainNew(this.situationWith(), groups, { instance, nodeCount, group: uuid }, options, context);
    }
  }

  private secondary(instance: Instance): void {
    const { cluster, options, context } = this.answered;
    const { nodes } = cluster;
    const { primary } = instance;
    const secondaries = nodes.order.filter(
      (node) => node !== primary && nodes.group[node] === nodes.group[primary],
    );
    const mark = nodes.mark();
    removePrimary(nodes, primary, instance, instance.locationScore);
    const mirrored = instance.with({ template: 'drbd' });
    explainPair(this.situationWith(), primary, secondaries, mirrored, options, context);
    nodes.rollback(mark);
  }

  explain(names: readonly string[]): void {
    const { cluster, task, answer } = this.answered;
    const failed = failedNames(task, answer);
    const wanted = (name: string) => names.length === 0 || names.includes(name);
    const refused = (name: string) => (!answer.success || failed.has(name)) && wanted(name);
    switch (task.kind) {
      case 'allocate':
        if (!answer.success && wanted(task.request.instance.name)) this.request(task.request, task.onlyNodes);
        return;
      case 'multi-allocate':
        for (const request of task.requests) if (refused(request.instance.name)) this.request(request);
        return;
      case 'allocate-secondary':
      case 'relocate': {
        const instance = cluster.instances[task.instance]!;
        if (answer.success || !wanted(instance.name)) return;
        if (task.kind === 'relocate') this.moves(instance);
        else this.secondary(instance);
        return;
      }
      case 'node-evacuate':
      case 'change-group':
        for (const index of task.instances) {
          const instance = cluster.instances[index]!;
          if (!refused(instance.name)) continue;
          if (task.kind === 'node-evacuate') this.moves(instance);
          else this.otherGroups(instance, task.groups);
        }
    }
  }
}

/** Explains what found no place; `names` limits it to these instances. */
export function explainAnswer(answered: Answered, names: readonly string[]): void {
  new AnswerExplanation(answered).explain(names);
}
