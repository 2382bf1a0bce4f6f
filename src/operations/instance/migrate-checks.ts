/** What the two ends of a live migration must agree on: hypervisor versions, and the memory that the guest has. */
import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { executionFailure } from '../../kit/failure.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { nodeInfo } from '../../noderpc/calls/node.ts';
import type { PlanContext } from '../operation.ts';

interface Facts {
  readonly version: string | null;
  /** MiB. */
  readonly memoryFree: number;
}

export interface Ends {
  readonly source: Facts;
  readonly target: Facts;
}

async function factsOf(context: PlanContext, instance: Instance, node: Node): Promise<Facts> {
  const { nodes, configuration } = context;
  const hvparams = configuration.cluster.hvparams[instance.hypervisor] ?? {};
  const { hypervisors } = await nodes.call(node.uuid, nodeInfo, {
    storage: [],
    hypervisors: [{ name: instance.hypervisor, hvparams }],
  });
  const [facts] = hypervisors;
  if (facts === undefined)
    throw executionFailure(`Unable to retrieve node information from node '${node.name}'`);
  return facts;
}

/** What both nodes say of their hypervisor. */
export async function endsOf(
  context: PlanContext,
  instance: Instance,
  source: Node,
  target: Node,
): Promise<Ends> {
  const [onSource, onTarget] = await Promise.all([
    factsOf(context, instance, source),
    factsOf(context, instance, target),
  ]);
  return { source: onSource, target: onTarget };
}

/**
 * Versions that differ are said; those between which a guest can't be expected to move are refused, unless
 * they are to be ignored.
 * @throws Failure OpExecError
 */
export function requireVersions(
  context: Pick<PlanContext, 'say'>,
  hypervisor: string,
  { source, target }: Ends,
  ignore: boolean,
): void {
  const [from, to] = [source.version, target.version];
  if (from === null || to === null || from === to) return;
  context.say(`* warning: hypervisor version mismatch between source (${from}) and target (${to}) node`);
  const way = `from hypervisor version ${from} to ${to}`;
  if (hypervisorAbout(hypervisor).movesBetween?.(from, to) === true) {
    context.say(`  migrating ${way} should be safe`);
    return;
  }
  context.say(`  migrating ${way} is likely unsupported`);
  if (!ignore) throw executionFailure(`Unsupported migration between hypervisor versions (${from} to ${to})`);
  context.say('  continuing anyway (told to ignore version mismatch)');
}

/**
 * The memory, in MiB, that a guest of `current` MiB has to come down to before it moves; undefined when it fits.
 * @throws Failure OpExecError when it doesn't and may not be changed
 */
export function memoryToFit(
  { target }: Ends,
  instance: Instance,
  node: Node,
  current: number,
  mayChange: boolean,
): number | undefined {
  if (current <= target.memoryFree) return undefined;
  if (!mayChange) {
    throw executionFailure(
      `Memory ballooning not allowed and not enough free memory to fit instance ${instance.name} on target node ${node.name} (have ${target.memoryFree}MB, need ${current}MB)`,
    );
  }
  return target.memoryFree;
}
