/** Changes of instance policies, of the cluster and of groups (cmdlib GetUpdatedIPolicy). */
import { instancePolicyFault } from '../../config/rules/instance-policy.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { niceSort } from '../../kit/nice-sort.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Instance } from '../../model/objects/instance.ts';
import {
  type InstancePolicy,
  InstanceSpecification,
  type PartialInstancePolicy,
} from '../../model/objects/instance-policy.ts';
import {
  enforceTypes,
  type ParameterFamily,
  type ParameterValues,
  valueDefault,
} from '../../model/params/family.ts';
import { filledBackend } from '../../model/params/fill.ts';
import { policyFaults } from '../instance/policy.ts';

export type PolicyLevel = 'cluster' | 'group';

/** Of one range or standard (constants.ISPECS_PARAMETER_TYPES). MiB where it is a size. */
const specifications = {
  'memory-size': { type: 'size', default: 0 },
  'cpu-count': { type: 'int', default: 0 },
  'disk-count': { type: 'int', default: 0 },
  'disk-size': { type: 'size', default: 0 },
  'nic-count': { type: 'int', default: 0 },
  'spindle-use': { type: 'int', default: 0 },
} as const satisfies ParameterFamily;

const ratios = ['vcpu-ratio', 'spindle-ratio'];

function wrong(message: string) {
  return prerequisiteFailure(message, ErrorCode.invalid);
}

function specificationOf(values: unknown): InstanceSpecification {
  return InstanceSpecification.parse(enforceTypes(specifications, values as ParameterValues));
}

/** Empty, or the word that takes a value away. */
function isUnset(value: unknown): boolean {
  const isEmptyObject = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return (
    value === null ||
    value === '' ||
    value === 0 ||
    isEmptyObject ||
    value === valueDefault ||
    (Array.isArray(value) && value.length === 1 && value[0] === valueDefault)
  );
}

function ranges(value: unknown): PartialInstancePolicy['minmax'] {
  if (!Array.isArray(value)) throw wrong(`Invalid value for attribute 'minmax': '${JSON.stringify(value)}'`);
  return (value as Readonly<Record<string, unknown>>[]).map((range) => {
    const missing = ['max', 'min'].filter((key) => range[key] === undefined);
    if (missing.length > 0)
      throw wrong(`Invalid instance policy: Missing instance specification: ${missing.join(', ')}`);
    return { min: specificationOf(range.min), max: specificationOf(range.max) };
  });
}

function ratio(key: string, value: unknown): number {
  const number = Number(value);
  if (value === true || Number.isNaN(number)) {
    throw wrong(
      `Invalid value for attribute '${key}': '${String(value)}', error: could not convert string to float: '${String(value)}'`,
    );
  }
  return number;
}

function newValue(key: string, value: unknown, old: PartialInstancePolicy, level: PolicyLevel): unknown {
  if (ratios.includes(key)) return ratio(key, value);
  if (key === 'minmax') return ranges(value);
  if (key === 'std') {
    if (level === 'group') throw wrong('std cannot appear in group instance specs');
    return { ...old.std, ...specificationOf(value) };
  }
  return Array.isArray(value) ? [...(value as unknown[])] : value;
}

/**
 * The policy `old` after a user's change; on a group, an empty value or "default" takes a key away.
 * @throws Failure OpPrereqError wrong_input when the result isn't legal
 */
export function changedPolicy(
  old: PartialInstancePolicy,
  change: Readonly<Record<string, unknown>>,
  level: PolicyLevel,
): PartialInstancePolicy {
  const result: Record<string, unknown> = { ...old };
  for (const [key, value] of Object.entries(change)) {
    if (![...ratios, 'minmax', 'std', 'disk-templates'].includes(key))
      throw wrong(`Invalid key in new ipolicy: ${key}`);
    if (!isUnset(value)) result[key] = newValue(key, value, old, level);
    else if (level === 'group') delete result[key];
    else throw wrong(`Can't unset ipolicy attribute '${key}' on the cluster'`);
  }
  const policy = result as PartialInstancePolicy;
  const fault = instancePolicyFault(policy, level === 'cluster');
  if (fault !== undefined) throw wrong(`Invalid instance policy: ${fault}`);
  return policy;
}

/** @throws Failure OpPrereqError wrong_input when the policy allows templates that the cluster doesn't have enabled */
export function requireEnabledTemplates(policy: InstancePolicy, enabled: readonly string[]): void {
  const others = policy['disk-templates'].filter((template) => !enabled.includes(template));
  if (others.length > 0) {
    throw wrong(
      `The following disk templates are allowed by the ipolicy, but not enabled on the cluster: ${others.join(', ')}`,
    );
  }
}

function violates(configuration: Configuration, instance: Instance, policy: InstancePolicy): boolean {
  const { maxmem, vcpus, spindle_use } = filledBackend(configuration.cluster, instance);
  const disks = disksOf(configuration, instance);
  const specification = {
    memory: maxmem,
    vcpus,
    spindles: spindle_use,
    nics: instance.nics.length,
    disks: disks.map(({ size }) => size),
    template: disks[0]?.dev_type ?? 'diskless',
  };
  return policyFaults(policy, specification).length > 0;
}

/** Names of instances that violate the new policy and did not violate the old one. */
export function newViolations(
  configuration: Configuration,
  instances: readonly Instance[],
  policies: { readonly old: InstancePolicy; readonly new: InstancePolicy },
): string[] {
  const names = instances
    .filter(
      (instance) =>
        violates(configuration, instance, policies.new) && !violates(configuration, instance, policies.old),
    )
    .map(({ name }) => name);
  return niceSort(names);
}
