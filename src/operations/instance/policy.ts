/** Does an instance fit the instance policy of a group? (cmdlib ComputeIPolicySpecViolation) */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import type { InstancePolicy, SpecificationKey } from '../../model/objects/instance-policy.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { storageAbout } from '../../storage/catalog.ts';

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
