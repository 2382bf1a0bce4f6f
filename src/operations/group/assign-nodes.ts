/** OP_GROUP_ASSIGN_NODES: nodes come into a group, and mirrored instances aren't torn apart unless forced. */
import { executionFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, groupNamed, nodeNamed, nodesOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { GroupAssignNodes } from '../../opcodes/group.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { operation } from '../operation.ts';
import { assignToGroups } from '../steps/group.ts';

type Op = OpcodeOf<typeof GroupAssignNodes>;

interface AssignPlan {
  readonly group: string;
  readonly nodes: readonly Node[];
}

/** None named means all (cmdlib GetWantedNodes). */
function wantedNodes(op: Op, configuration: Configuration): Node[] {
  return op.nodes.length === 0
    ? configuration.nodes.values()
    : op.nodes.map((name) => nodeNamed(configuration, name));
}

function isSplit(
  configuration: Configuration,
  instance: Instance,
  groupOf: (node: string) => string | undefined,
): boolean {
  return new Set(nodesOf(configuration, instance).map(groupOf)).size > 1;
}

/** Names of mirrored instances that the change puts into two groups, and of those that were and stay so. */
function splitInstances(
  configuration: Configuration,
  moved: ReadonlySet<string>,
  group: string,
): { readonly now: string[]; readonly still: string[] } {
  const now: string[] = [];
  const still: string[] = [];
  const before = (uuid: string) => configuration.nodes.get(uuid)?.group;
  const after = (uuid: string) => (moved.has(uuid) ? group : before(uuid));
  for (const instance of configuration.instances) {
    const disks = disksOf(configuration, instance);
    if (!disks.some(({ dev_type }) => storageAbout(dev_type).mirrored === 'internal')) continue;
    if (!isSplit(configuration, instance, after)) continue;
    (isSplit(configuration, instance, before) ? still : now).push(instance.name);
  }
  return { now: niceSort(now), still: niceSort(still) };
}

export const groupAssignNodes = operation({
  opcode: GroupAssignNodes,
  steps: [assignToGroups],
  locks: (op, configuration) => {
    const nodes = wantedNodes(op, configuration);
    const groups = new Set([
      groupNamed(configuration, op.group_name).uuid,
      ...nodes.map(({ group }) => group),
    ]);
    return [
      ...[...groups].map((name) => ({ level: 'nodegroup', name, mode: 'exclusive' }) as const),
      ...nodes.map(({ uuid }) => ({ level: 'node', name: uuid, mode: 'exclusive' }) as const),
    ];
  },
  plan: async (op, context): Promise<AssignPlan> => {
    const { configuration } = context;
    const group = groupNamed(configuration, op.group_name).uuid;
    const nodes = wantedNodes(op, configuration);
    const { now, still } = splitInstances(configuration, new Set(nodes.map(({ uuid }) => uuid)), group);
    if (now.length > 0 && !op.force) {
      throw executionFailure(
        `The following instances get split by this change and --force was not given: ${now.join(', ')}`,
      );
    }
    if (now.length > 0) {
      context.warn(`This operation will split the following instances: ${now.join(', ')}`);
      if (still.length > 0) {
        context.warn(
          `In addition, these already-split instances continue to be split across groups: ${still.join(', ')}`,
        );
      }
    }
    return { group, nodes };
  },
  run: async ({ group, nodes }, job) => {
    const moves = nodes
      .filter((node) => node.group !== group)
      .map((node) => ({ node: node.uuid, from: node.group, to: group }));
    if (moves.length === 0) return null;
    await job.do(assignToGroups, { moves });
    await job.keep();
    return null;
  },
});
