/**
 * The iallocator protocol, whole: from a request to a response, without any I/O. The `hail` program wraps it
 * in files and options; masterd calls `answerRequest` in a worker thread.
 */
import {
  AllocationError,
  type AllocationSituation,
  commitPlace,
  tryAllocate,
} from '../core/allocation/allocate.ts';
import { allocateDedicated, isDedicated } from '../core/allocation/dedicated.ts';
import { type Evacuated, EvacuationError, evacuateNodes } from '../core/allocation/evacuate.ts';
import { type AllocationRequest, allocate, allocateAll, changeGroups } from '../core/allocation/groups.ts';
import type { Solution } from '../core/allocation/solution.ts';
import { removePrimary } from '../core/state/node-operations.ts';
import { type AlgorithmOptions, defaultAlgorithmOptions } from '../core/terms/algorithm-options.ts';
import type { Cluster } from '../core/terms/cluster.ts';
import type { Instance } from '../core/terms/instance.ts';
import { type AllocatorTask, type RequestOptions, readRequest } from './allocator-request.ts';
import { encodeJson } from './json.ts';

export type { RequestOptions } from './allocator-request.ts';

export interface AllocatorAnswer {
  readonly success: boolean;
  readonly info: string;
  readonly result: unknown;
  /** All instances after a success, in the order they are written; the node table holds where they are. */
  readonly instances: readonly Instance[];
}

/** The request can't be met; nothing was changed. */
class Refused extends Error {}

interface Answered {
  readonly info: string;
  readonly result: unknown;
  readonly instances: readonly Instance[];
}

/** Whether a request is judged by lost allocations rather than by balance. */
export function usesDedicated(cluster: Cluster, task: AllocatorTask): boolean {
  if (task.kind === 'allocate') return isDedicated(cluster, task.request.group);
  if (task.kind !== 'multi-allocate') return false;
  const groups = new Set(task.requests.flatMap(({ group }) => group ?? []));
  return isDedicated(cluster, groups.size === 1 ? [...groups][0] : undefined);
}

function situationOf(cluster: Cluster, instances: readonly Instance[]): AllocationSituation {
  return { nodes: cluster.nodes, list: cluster.nodes.order, instanceOf: (index) => instances[index]! };
}

type PlaceOne = (request: AllocationRequest) => Solution<unknown>;

function placer(
  cluster: Cluster,
  instances: readonly Instance[],
  dedicated: boolean,
  options: AlgorithmOptions,
): PlaceOne {
  const situation = situationOf(cluster, instances);
  const place = dedicated ? allocateDedicated : allocate;
  return (request) => place(situation, cluster.groups, request, options);
}

function answerAllocate(
  cluster: Cluster,
  task: AllocatorTask & { kind: 'allocate' },
  options: AlgorithmOptions,
): Answered {
  const restricted = { ...options, restrictToNodes: options.restrictToNodes ?? task.onlyNodes };
  const place = placer(cluster, cluster.instances, usesDedicated(cluster, task), restricted);
  const { best, log } = place(task.request);
  const info = log.join(', ');
  if (best === undefined) throw new Refused(info);
  commitPlace(cluster.nodes, best, options);
  return {
    info,
    result: best.nodes.map((node) => cluster.nodes.name[node]),
    instances: [task.request.instance, ...cluster.instances],
  };
}

function answerMultiAllocate(
  cluster: Cluster,
  task: AllocatorTask & { kind: 'multi-allocate' },
  options: AlgorithmOptions,
): Answered {
  const instances = [...cluster.instances];
  const place = placer(cluster, instances, usesDedicated(cluster, task), options);
  const solutions = allocateAll(cluster.nodes, instances, task.requests, options, place);
  const placed: [string, (string | undefined)[]][] = [];
  const failed: [string, string][] = [];
  for (const { request, solution } of solutions) {
    const { name } = request.instance;
    if (solution.best === undefined) failed.push([name, solution.log.join(', ')]);
    else placed.push([name, solution.best.nodes.map((node) => cluster.nodes.name[node])]);
  }
  const info = `${failed.length} instances failed to allocate and ${placed.length} were allocated successfully`;
  return { info, result: [placed, failed], instances };
}

/** Finds a secondary for an instance that is to become a DRBD one. */
function answerAllocateSecondary(
  cluster: Cluster,
  task: AllocatorTask & { kind: 'allocate-secondary' },
  options: AlgorithmOptions,
): Answered {
  const { nodes, instances } = cluster;
  const original = instances[task.instance]!;
  if (original.secondary >= 0) throw new Refused('Instance already has a secondary');
  const { primary } = original;
  removePrimary(nodes, primary, original, original.locationScore);
  const instance = original.with({ template: 'drbd' });
  const secondaries = nodes.order.filter(
    (node) => node !== primary && nodes.group[node] === nodes.group[primary],
  );
  const targets = { kind: 'pair', pairs: [{ primary, secondaries }] } as const;
  const { best, log } = tryAllocate(situationOf(cluster, instances), instance, targets, options);
  const info = log.join(', ');
  if (best === undefined) throw new Refused(info);
  commitPlace(nodes, best, options);
  return { info, result: nodes.name[best.nodes[1]!], instances: instances.with(task.instance, instance) };
}

function evacuationAnswer(cluster: Cluster, { moved, failed, jobs }: Evacuated): Answered {
  const { nodes, groups, instances } = cluster;
  const info = `${failed.length} instances failed to move and ${moved.length} were moved successfully`;
  const result = [
    moved.map(({ instance, group, nodes: list }) => [
      instance.name,
      groups.get(group)!.name,
      list.map((node) => nodes.name[node]),
    ]),
    failed.map(({ instance, message }) => [instance.name, message]),
    jobs,
  ];
  return { info, result, instances };
}

/** Moves one instance off the one node that can be left: its secondary for DRBD, else its primary. */
function answerRelocate(
  cluster: Cluster,
  task: AllocatorTask & { kind: 'relocate' },
  options: AlgorithmOptions,
): Answered {
  const { nodes, instances } = cluster;
  const { nodeCount, from } = task;
  const instance = instances[task.instance]!;
  if (nodeCount !== 1) throw new Refused(`Exchange ${nodeCount} nodes mode is not implemented`);
  if (instance.mirror === 'none') throw new Refused("Can't relocate non-mirrored instances");
  const internal = instance.mirror === 'internal';
  const expected = internal ? instance.secondary : instance.primary;
  if (from.length !== 1 || from[0] !== expected) {
    throw new Refused(
      `Unsupported request: excluded nodes not equal to instance's ${internal ? 'secondary' : 'primary'}` +
        `(${expected} versus [${from.join(',')}])`,
    );
  }
  const mode = internal ? 'secondary-only' : 'primary-only';
  const { failed } = evacuateNodes(nodes, [instance], mode, options);
  if (failed[0] !== undefined) throw new Refused(failed[0].message);
  const node = internal ? instance.secondary : instance.primary;
  return { info: 'success', result: [nodes.name[node]], instances };
}

function answer(cluster: Cluster, task: AllocatorTask, options: AlgorithmOptions): Answered {
  const instancesOf = (indexes: readonly number[]) => indexes.map((index) => cluster.instances[index]!);
  switch (task.kind) {
    case 'allocate':
      return answerAllocate(cluster, task, options);
    case 'multi-allocate':
      return answerMultiAllocate(cluster, task, options);
    case 'allocate-secondary':
      return answerAllocateSecondary(cluster, task, options);
    case 'relocate':
      return answerRelocate(cluster, task, options);
    case 'node-evacuate':
      return evacuationAnswer(
        cluster,
        evacuateNodes(cluster.nodes, instancesOf(task.instances), task.mode, options),
      );
    case 'change-group':
      return evacuationAnswer(
        cluster,
        changeGroups(cluster, instancesOf(task.instances), task.groups, options),
      );
  }
}

/** Carries out a task on a cluster; a refused one changes nothing. */
export function runTask(cluster: Cluster, task: AllocatorTask, options: AlgorithmOptions): AllocatorAnswer {
  const mark = cluster.nodes.mark();
  try {
    const { info, result, instances } = answer(cluster, task, options);
    cluster.nodes.release(mark);
    return { success: true, info: `Request successful: ${info}`, result, instances };
  } catch (error) {
    cluster.nodes.rollback(mark);
    const expected =
      error instanceof Refused || error instanceof AllocationError || error instanceof EvacuationError;
    if (!expected) throw error;
    return {
      success: false,
      info: `Request failed: ${error.message}`,
      result: [],
      instances: cluster.instances,
    };
  }
}

/** The response as the protocol wants it. */
export function encodeAnswer({ success, info, result }: AllocatorAnswer): string {
  return encodeJson({ success, info, result });
}

/**
 * Answers a request of the iallocator protocol.
 *
 * @param text the request as JSON
 * @returns the response as JSON
 * @throws DataError when the request isn't one
 */
export function answerRequest(
  text: string,
  options: RequestOptions,
  algorithm: AlgorithmOptions = defaultAlgorithmOptions,
): string {
  const { task, cluster } = readRequest(text, options);
  return encodeAnswer(runTask(cluster, task, algorithm));
}
