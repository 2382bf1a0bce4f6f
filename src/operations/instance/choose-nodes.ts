/** Nodes that an instance allocator chooses for an instance, said as clients know it. */
import type { NewInstance } from '../../allocator/wish.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, nodeNamed, secondariesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { emptyTemplate, storageAbout } from '../../storage/catalog.ts';
import { allocate, allocateOrFail, spaceOf } from '../allocate.ts';
import type { PlanContext } from '../operation.ts';

const namesOf = (nodes: readonly Node[]) => nodes.map((node) => node.name).join(', ');

/** Locks for who doesn't know yet which nodes it will be: all of them, or those of a group, shared. */
export function candidateLocks(
  configuration: Configuration,
  options: { readonly group?: string | undefined; readonly opportunistic?: boolean } = {},
): LockRequest[] {
  const { group, opportunistic = false } = options;
  const nodes = configuration.nodes.values().filter((node) => group === undefined || node.group === group);
  const flag = opportunistic ? { opportunistic: true } : {};
  return nodes.flatMap(({ uuid }): LockRequest[] => [
    { level: 'node', name: uuid, mode: 'shared', ...flag },
    { level: 'node-res', name: uuid, mode: 'shared', ...flag },
  ]);
}

/** How many nodes hold an instance of the template. */
export const nodeCountOf = (template: string) => (storageAbout(template).needsSecondary ? 2 : 1);

/** Nodes for an instance that is to be made: the primary first. */
export async function chooseNodes(
  context: PlanContext,
  iallocator: string,
  instance: NewInstance,
  options: { readonly onlyNodes?: readonly string[] | null; readonly code?: ErrorCode } = {},
): Promise<Node[]> {
  const wish = { kind: 'allocate', instance, onlyNodes: options.onlyNodes ?? null } as const;
  const names = await allocateOrFail<'allocate'>(context, iallocator, wish, options.code);
  const nodes = names.map((name) => nodeNamed(context.configuration, name));
  context.info(
    `Selected nodes for instance ${instance.name} via iallocator ${iallocator}: ${namesOf(nodes)}`,
  );
  return nodes;
}

/** An instance that there is, as one to be made: for new nodes for all of it. */
export function asNewInstance(configuration: Configuration, instance: Instance): NewInstance {
  const backend = filledBackend(configuration.cluster, instance);
  const disks = disksOf(configuration, instance);
  const template = disks[0]?.dev_type ?? emptyTemplate;
  return {
    name: instance.name,
    template,
    tags: [...instance.tags],
    os: instance.os,
    vcpus: backend.vcpus,
    memory: backend.maxmem,
    spindleUse: backend.spindle_use,
    disks: disks.map(({ size, mode, spindles }) => ({ size, mode, spindles: spindles ?? undefined })),
    nics: [{}],
    hypervisor: instance.hypervisor,
    nodeCount: nodeCountOf(template),
    group: null,
  };
}

async function relocated(
  context: PlanContext,
  iallocator: string,
  instance: Instance,
  from: readonly string[],
): Promise<Node> {
  const { configuration } = context;
  const disks = disksOf(configuration, instance);
  const [name] = await allocateOrFail<'relocate'>(context, iallocator, {
    kind: 'relocate',
    name: instance.name,
    diskSpace: disks.reduce((sum, { dev_type, size }) => sum + spaceOf({ template: dev_type, size }), 0),
    from: from.map((uuid) => configuration.nodes.get(uuid)?.name ?? uuid),
  });
  return nodeNamed(configuration, name!);
}

/** Another node for an instance whose disks every node sees. */
export async function chooseTarget(
  context: PlanContext,
  iallocator: string,
  instance: Instance,
): Promise<Node> {
  const node = await relocated(context, iallocator, instance, [instance.primary_node]);
  context.info(`Selected nodes for instance ${instance.name} via iallocator ${iallocator}: ${node.name}`);
  return node;
}

/** Another secondary node for a mirrored instance. */
export async function chooseNewSecondary(
  context: PlanContext,
  iallocator: string,
  instance: Instance,
): Promise<Node> {
  const from = secondariesOf(context.configuration, instance);
  const node = await relocated(context, iallocator, instance, from);
  context.info(`Selected new secondary for instance '${instance.uuid}': ${node.name}`);
  return node;
}

/** A secondary node for an instance that is to be mirrored. */
export async function chooseSecondary(
  context: PlanContext,
  iallocator: string,
  instance: Instance,
): Promise<Node> {
  context.say(`Using ${iallocator} to choose new secondary`);
  const wish = { kind: 'allocate-secondary', name: instance.name } as const;
  const { success, info, result } = await allocate<'allocate-secondary'>(context, iallocator, wish);
  if (!success) {
    throw prerequisiteFailure(
      `Can's find secondary node using iallocator ${iallocator}: ${info}`,
      ErrorCode.resources,
    );
  }
  context.say(`${iallocator} choose ${result} as new secondary`);
  return nodeNamed(context.configuration, result);
}
