/** Does an instance fit the instance policy of a group? (cmdlib ComputeIPolicySpecViolation) */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { InstancePolicy, SpecificationKey } from '../../model/objects/instance-policy.ts';
import type { Node } from '../../model/objects/node.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { emptyTemplate, storageAbout } from '../../storage/catalog.ts';
import type { PlanContext } from '../operation.ts';

/** What is missing isn't held against the policy. */
export interface Specification {
  /** MiB. */
  readonly memory?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly spindles?: number | undefined;
  readonly nics?: number | undefined;
  /** MiB each. */
  readonly disks?: readonly number[] | undefined;
  readonly template: string;
}

function faultsUnder(minmax: InstancePolicy['minmax'][number], spec: Specification): string[] {
  const faults: string[] = [];
  const check = (key: SpecificationKey, value: number | undefined, name = '') => {
    if (value === undefined) return;
    const least = minmax.min[key];
    const most = minmax.max[key];
    if ((least !== undefined && value < least) || (most !== undefined && value > most)) {
      faults.push(`${key}${name} value ${value} is not in range [${least ?? value}, ${most ?? value}]`);
    }
  };
  check('memory-size', spec.memory);
  check('cpu-count', spec.vcpus);
  if (!storageAbout(spec.template).empty) {
    check('disk-count', spec.disks?.length);
    for (const [index, size] of (spec.disks ?? []).entries()) check('disk-size', size, `/${index}`);
  }
  check('nic-count', spec.nics);
  check('spindle-use', spec.spindles);
  return faults;
}

/** What of `spec` the policy doesn't allow: the faults against the closest of its ranges; none when one fits. */
export function policyFaults(policy: InstancePolicy, spec: Specification): string[] {
  const template = policy['disk-templates'].includes(spec.template)
    ? []
    : [
        `Disk template ${spec.template} is not allowed (allowed templates: ${[...policy['disk-templates']].join(', ')})`,
      ];
  let fewest: string[] | undefined;
  for (const minmax of policy.minmax) {
    const faults = faultsUnder(minmax, spec);
    if (fewest === undefined || faults.length < fewest.length) fewest = faults;
  }
  return [...template, ...(fewest ?? [])];
}

/** @throws Failure OpPrereqError wrong_input listing every fault */
export function requirePolicy(
  cluster: Cluster,
  group: NodeGroup,
  ...specifications: readonly Specification[]
): void {
  const policy = fillInstancePolicy(cluster.ipolicy, group.ipolicy);
  const faults = [...new Set(specifications.flatMap((spec) => policyFaults(policy, spec)))];
  if (faults.length > 0) {
    throw prerequisiteFailure(
      `Instance allocation to group ${group.uuid} (${group.name}) violates policy: ${faults.join(', ')}`,
      ErrorCode.invalid,
    );
  }
}

/**
 * Does an instance that comes to `node` fit that node's group, when it isn't in its own group any more?
 * (cmdlib CheckTargetNodeIPolicy)
 * @throws Failure OpPrereqError wrong_input, unless the policy is to be ignored: then it is only said
 */
export function requireNodePolicy(
  context: PlanContext,
  instance: Instance,
  node: Node,
  ignore: boolean,
): void {
  const { configuration } = context;
  const current = configuration.nodes.get(instance.primary_node)?.group;
  const group = configuration.nodegroups.get(node.group);
  if (group === undefined || group.uuid === current) return;
  const { maxmem, vcpus, spindle_use } = filledBackend(configuration.cluster, instance);
  const disks = disksOf(configuration, instance);
  const faults = policyFaults(fillInstancePolicy(configuration.cluster.ipolicy, group.ipolicy), {
    memory: maxmem,
    vcpus,
    spindles: spindle_use,
    nics: instance.nics.length,
    disks: disks.map((disk) => disk.size),
    template: disks[0]?.dev_type ?? emptyTemplate,
  });
  if (faults.length === 0) return;
  const text = `Instance does not meet target node group's (${group.uuid}) instance policy: ${faults.join(', ')}`;
  if (!ignore) throw prerequisiteFailure(text, ErrorCode.invalid);
  context.warn(text);
}
