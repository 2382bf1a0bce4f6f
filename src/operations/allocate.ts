/**
 * Choosing nodes by an instance allocator: asks the nodes what they have, builds the request, lets the
 * allocator answer. The built-in one answers in a thread of the master, every other one is a program.
 */
import { type Answer, type ResultOf, readAnswer } from '../allocator/answer.ts';
import { requestDocument } from '../allocator/request.ts';
import { runScript } from '../allocator/script.ts';
import type { Wish, WishOf } from '../allocator/wish.ts';
import { type AlgorithmOptions, defaultAlgorithmOptions } from '../htools/core/terms/algorithm-options.ts';
import { answerRequest } from '../htools/load/allocator.ts';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed, secondariesOf } from '../model/lookup.ts';
import { emptyTemplate, storageTemplates } from '../storage/catalog.ts';
import { clusterFacts, factsWanted, gatherFacts } from './allocation-facts.ts';
import type { PlanContext } from './operation.ts';
import type { Placement, Prospect } from './placements.ts';

export { spaceOf } from './allocation-facts.ts';

export type AllocationContext = Pick<
  PlanContext,
  'configuration' | 'nodes' | 'paths' | 'now' | 'signal' | 'log' | 'warn' | 'master' | 'owner'
>;

/** The allocator that is part of the program. */
export const builtInAllocator = 'hail';
/** Stands for the cluster's own choice (constants.DEFAULT_IALLOCATOR_SHORTCUT). */
const defaultShortcut = '.';
/** MiB that a KVM node is taken to need for itself, when the cluster says nothing else (hail's own default). */
const staticKvmNodeMemory = 4096;

/**
 * The allocator to ask, or nothing when a node is named (cmdlib CheckIAllocatorOrNode).
 * @throws Failure OpPrereqError wrong_input when both are given, or none and the cluster has no default
 */
export function allocatorOrNode(
  configuration: Configuration,
  iallocator: string | null,
  node: string | null,
): string | undefined {
  if (iallocator !== null && node !== null)
    throw prerequisiteFailure('Do not specify both, iallocator and node', ErrorCode.invalid);
  if (node !== null) return undefined;
  if (iallocator !== null && iallocator !== defaultShortcut) return iallocator;
  const byDefault = configuration.cluster.default_iallocator;
  if (byDefault) return byDefault;
  throw prerequisiteFailure(
    'No iallocator or node given and no cluster-wide default iallocator found; please specify either an iallocator or a node, or set a cluster-wide default iallocator',
    ErrorCode.invalid,
  );
}

/** What the built-in allocator understands of its program's options. @throws Failure OpExecError */
function algorithmOf(parameters: Readonly<Record<string, unknown>>): {
  readonly algorithm: AlgorithmOptions;
  readonly nodeMemory: number;
} {
  let algorithm = defaultAlgorithmOptions;
  let nodeMemory = staticKvmNodeMemory;
  for (const [name, value] of Object.entries(parameters)) {
    if (name === 'ignore-soft-errors') algorithm = { ...algorithm, ignoreSoftErrors: true };
    else if (name === 'no-capacity-checks') algorithm = { ...algorithm, capacityChecks: false };
    else if (name === 'restrict-allocation-to')
      algorithm = { ...algorithm, restrictToNodes: String(value as string).split(',') };
    else if (name === 'static-kvm-node-memory' && Number.isFinite(Number(value))) nodeMemory = Number(value);
    else {
      throw executionFailure(
        `iallocator module '${builtInAllocator}' failed: it has no parameter '${name}' with the value '${String(value as string)}'`,
      );
    }
  }
  return { algorithm, nodeMemory };
}

/** Hypervisor and template of what is asked for: nodes report by them. */
function kindOf(configuration: Configuration, wish: Wish): { hypervisor: string; template: string } {
  const { cluster } = configuration;
  const byDefault = {
    hypervisor: cluster.enabled_hypervisors[0]!,
    template: cluster.enabled_disk_templates[0] ?? emptyTemplate,
  };
  switch (wish.kind) {
    case 'allocate':
      return { hypervisor: wish.instance.hypervisor, template: wish.instance.template };
    case 'multi-allocate':
      return { ...byDefault, template: wish.instances[0]?.template ?? byDefault.template };
    case 'relocate':
    case 'allocate-secondary': {
      const instance = instanceNamed(configuration, wish.name);
      const current = disksOf(configuration, instance)[0]?.dev_type ?? emptyTemplate;
      const mirrored = storageTemplates.find((about) => about.mirrored === 'internal')!.name;
      const template = wish.kind === 'relocate' ? current : mirrored;
      return { hypervisor: instance.hypervisor, template };
    }
    case 'node-evacuate':
    case 'change-group':
      return byDefault;
  }
}

/**
 * Hands over the request as text, as an allocator gets it, while no other search decides.
 * @throws Failure of what the nodes are asked; what `use` throws
 */
export async function withRequest<T>(
  context: AllocationContext,
  wish: Wish,
  use: (request: string) => Promise<T>,
): Promise<T> {
  const { configuration, master, signal } = context;
  const wanted = factsWanted(configuration, wish, kindOf(configuration, wish));
  const gather = () => gatherFacts(context, wanted);
  const decide = (answers: Awaited<ReturnType<typeof gather>>, prospect: Prospect) => {
    const facts = clusterFacts(answers, wanted, prospect);
    return use(JSON.stringify(requestDocument(prospect.configuration, facts, wish)));
  };
  if (master !== undefined) return await master.placements.search(signal, gather, decide);
  return await decide(await gather(), { configuration, coming: new Map() });
}

/** The allocator's answer as text. @param extra further parameters of the allocator */
export async function askAllocator(
  context: AllocationContext,
  name: string,
  request: string,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { configuration, paths, signal, log } = context;
  const parameters = { ...configuration.cluster.default_iallocator_params, ...extra };
  log.debug(`IAllocator request: ${request}`);
  if (name !== builtInAllocator) {
    const searchPath = paths.iallocatorSearchPath;
    return await runScript({ name, searchPath, request, parameters, signal });
  }
  const { algorithm, nodeMemory } = algorithmOf(parameters);
  try {
    const options = { now: context.now(), staticKvmNodeMemory: nodeMemory };
    const { master } = context;
    if (master === undefined) return answerRequest(request, options, algorithm);
    return await master.answerAllocation({ text: request, options, algorithm, signal });
  } catch (error) {
    signal.throwIfAborted();
    throw executionFailure(`iallocator module '${name}' failed: ${messageOf(error)}`, error);
  }
}

/** Where the instance of a wish is going to be by the answer; nothing when other jobs see to that. */
function placementOf(configuration: Configuration, wish: Wish, result: unknown): Placement | undefined {
  const uuidsOf = (names: readonly string[]) => names.map((name) => nodeNamed(configuration, name).uuid);
  switch (wish.kind) {
    case 'allocate': {
      const { instance: made } = wish;
      return { name: made.name, nodes: uuidsOf(result as ResultOf<'allocate'>), made };
    }
    case 'relocate': {
      const instance = instanceNamed(configuration, wish.name);
      const [other] = uuidsOf(result as ResultOf<'relocate'>);
      const mirrored = secondariesOf(configuration, instance).length > 0;
      return { name: wish.name, nodes: mirrored ? [instance.primary_node, other!] : [other!] };
    }
    case 'allocate-secondary': {
      const { primary_node } = instanceNamed(configuration, wish.name);
      return {
        name: wish.name,
        nodes: [primary_node, ...uuidsOf([result as ResultOf<'allocate-secondary'>])],
      };
    }
    case 'multi-allocate':
    case 'node-evacuate':
    case 'change-group':
      return undefined;
  }
}

/**
 * Asks, and believes only what fits the question. What was found counts for later searches until the job ends.
 * @throws Failure OpExecError
 */
export async function allocate<K extends Wish['kind']>(
  context: AllocationContext,
  name: string,
  wish: WishOf<K>,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<Answer<ResultOf<K>>> {
  return await withRequest(context, wish, async (request) => {
    const answer = readAnswer<K>(wish, await askAllocator(context, name, request, extra));
    const placement = answer.success ? placementOf(context.configuration, wish, answer.result) : undefined;
    if (placement !== undefined) context.master?.placements.note(context.owner, placement);
    return answer;
  });
}

/**
 * The same for who can't go on without nodes.
 * @throws Failure OpPrereqError insufficient_resources, with the allocator's reason
 */
export async function allocateOrFail<K extends Wish['kind']>(
  context: AllocationContext,
  name: string,
  wish: WishOf<K>,
  code: ErrorCode = ErrorCode.resources,
): Promise<ResultOf<K>> {
  const { success, info, result } = await allocate<K>(context, name, wish);
  if (success) return result;
  throw prerequisiteFailure(`Can't compute nodes using iallocator '${name}': ${info}`, code);
}
