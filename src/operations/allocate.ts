/**
 * Choosing nodes by an instance allocator: asks the nodes what they have, builds the request, lets the
 * allocator answer. The built-in one answers in a thread of the master, every other one is a program.
 */
import { type Answer, type ResultOf, readAnswer } from '../allocator/answer.ts';
import type { ClusterFacts, NodeFacts } from '../allocator/cluster-data.ts';
import { requestDocument } from '../allocator/request.ts';
import { runScript } from '../allocator/script.ts';
import type { Wish, WishOf } from '../allocator/wish.ts';
import { type AlgorithmOptions, defaultAlgorithmOptions } from '../htools/core/terms/algorithm-options.ts';
import { answerRequest } from '../htools/load/allocator.ts';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import { disksOf, instanceNamed } from '../model/lookup.ts';
import type { Node } from '../model/objects/node.ts';
import { filledNode } from '../model/params/fill.ts';
import type { ResultOf as CallResultOf } from '../noderpc/call.ts';
import { allInstancesInfo, type RunningInstance } from '../noderpc/calls/instance.ts';
import { nodeInfo } from '../noderpc/calls/node.ts';
import { emptyTemplate, storageAbout, storageTemplates } from '../storage/catalog.ts';
import type { PlanContext } from './operation.ts';

export type AllocationContext = Pick<
  PlanContext,
  'configuration' | 'nodes' | 'paths' | 'now' | 'signal' | 'log' | 'warn' | 'master'
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

/** MiB of a node's storage that a disk takes. */
export const spaceOf: ClusterFacts['spaceOf'] = ({ template, size }) => {
  const about = storageAbout(template);
  if (about.empty || about.adoptable === 'must') return 0;
  return size + about.overheadMiB;
};

/** Where a template's free space is looked up; nothing for storage that is no single node's. */
function storageUnit(
  configuration: Configuration,
  template: string,
): { type: string; key: string } | undefined {
  const { cluster } = configuration;
  const about = storageAbout(template);
  if (about.volumeGroup && cluster.volume_group_name)
    return { type: about.storageType, key: cluster.volume_group_name };
  if (about.fileBased && about.mirrored === 'no')
    return { type: about.storageType, key: cluster.file_storage_dir };
  return undefined;
}

type NodeAnswer = CallResultOf<typeof nodeInfo>;

function factsOf(
  name: string,
  { storage, hypervisors }: NodeAnswer,
  guests: Readonly<Record<string, RunningInstance>>,
): NodeFacts {
  const [host] = hypervisors;
  if (host === undefined) throw executionFailure(`Node '${name}' didn't return attribute 'memory_free'`);
  const [space, spindles] = storage;
  return {
    totalMemory: host.memoryTotal,
    reservedMemory: host.memoryNode,
    freeMemory: host.memoryFree,
    totalDisk: Math.floor(space?.size ?? 0),
    freeDisk: Math.floor(space?.free ?? 0),
    totalSpindles: spindles?.size ?? 0,
    freeSpindles: spindles?.free ?? 0,
    totalCpus: host.cpuTotal,
    reservedCpus: host.cpuNode,
    guests: new Map(Object.entries(guests).map(([guest, { memory }]) => [guest, memory])),
  };
}

function isExclusive({ cluster, nodegroups }: Configuration, node: Node): boolean {
  return filledNode(cluster, nodegroups.get(node.group), node).exclusive_storage === true;
}

/** What every usable node reports; one that says nothing is left out, and said. */
async function gatherFacts(
  context: AllocationContext,
  hypervisor: string,
  template: string,
): Promise<ClusterFacts> {
  const { configuration, nodes } = context;
  const { cluster } = configuration;
  const usable = configuration.nodes.values().filter((node) => node.vm_capable && !node.offline);
  const uuids = usable.map((node) => node.uuid);
  const unit = storageUnit(configuration, template);
  const group = storageAbout(template).volumeGroup;
  const hvparams = cluster.hvparams[hypervisor] ?? {};
  const storageOf = (uuid: string) => {
    if (unit === undefined) return [];
    const exclusive = isExclusive(configuration, configuration.nodes.get(uuid)!);
    const space = { ...unit, exclusive };
    return group && exclusive ? [space, { ...space, type: 'lvm-pv' }] : [space];
  };
  const [answers, running] = await Promise.all([
    nodes.callAll(uuids, nodeInfo, (uuid: string) => ({
      storage: storageOf(uuid),
      hypervisors: [{ name: hypervisor, hvparams }],
    })),
    nodes.callAll(uuids, allInstancesInfo, {
      hypervisors: cluster.enabled_hypervisors.map((name) => ({
        name,
        hvparams: cluster.hvparams[name] ?? {},
      })),
    }),
  ]);
  const facts = new Map<string, NodeFacts>();
  for (const { uuid, name } of usable) {
    const [info, guests] = [answers.get(uuid), running.get(uuid)];
    if (info?.kind === 'answered' && guests?.kind === 'answered') {
      facts.set(uuid, factsOf(name, info.value, guests.value));
      continue;
    }
    const silent = info?.kind === 'answered' ? guests : info;
    const why = silent === undefined || !('message' in silent) ? 'it is marked offline' : silent.message;
    context.warn(`Can't get data for node ${name}, it is left out of the allocation: ${why}`);
  }
  return { nodes: facts, spaceOf, emptyTemplate };
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

/** The request as text, as an allocator gets it. */
export async function allocationRequest(context: AllocationContext, wish: Wish): Promise<string> {
  const { hypervisor, template } = kindOf(context.configuration, wish);
  const facts = await gatherFacts(context, hypervisor, template);
  return JSON.stringify(requestDocument(context.configuration, facts, wish));
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

/** Asks, and believes only what fits the question. @throws Failure OpExecError */
export async function allocate<K extends Wish['kind']>(
  context: AllocationContext,
  name: string,
  wish: WishOf<K>,
  extra: Readonly<Record<string, unknown>> = {},
): Promise<Answer<ResultOf<K>>> {
  const request = await allocationRequest(context, wish);
  return readAnswer<K>(wish, await askAllocator(context, name, request, extra));
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
