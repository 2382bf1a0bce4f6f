/** Is an instance policy legal (objects.InstancePolicy.CheckParameterSyntax)? */
import { diskTemplates } from '../../model/names.ts';
import {
  type InstanceSpecification,
  type PartialInstancePolicy,
  type SpecificationKey,
  specificationKeys,
} from '../../model/objects/instance-policy.ts';

const knownKeys = ['minmax', 'std', 'vcpu-ratio', 'spindle-ratio', 'disk-templates'];

function missingKeys(specification: InstanceSpecification, name: string): string | undefined {
  const missing = specificationKeys.filter((key) => specification[key] === undefined);
  return missing.length === 0
    ? undefined
    : `Missing instance specs parameters for ${name}: ${missing.join(', ')}`;
}

function standsIn(
  key: SpecificationKey,
  std: InstanceSpecification,
  range: { readonly min: InstanceSpecification; readonly max: InstanceSpecification },
): boolean {
  const value = std[key] ?? range.min[key]!;
  return value >= range.min[key]! && value <= range.max[key]!;
}

function specificationFault(policy: PartialInstancePolicy, isCluster: boolean): string | undefined {
  const ranges = policy.minmax;
  if (ranges === undefined) return undefined;
  const std = policy.std;
  if (isCluster && std === undefined) return 'Missing key in ipolicy: std';
  const incomplete = isCluster ? missingKeys(std!, 'std') : undefined;
  if (incomplete !== undefined) return incomplete;
  if (ranges.length === 0) return 'Empty minmax specifications';
  let standard = !isCluster;
  for (const range of ranges) {
    const missing = missingKeys(range.max, 'max') ?? missingKeys(range.min, 'min');
    if (missing !== undefined) return missing;
    for (const key of specificationKeys) {
      const [min, max] = [range.min[key]!, range.max[key]!];
      if (min > max) return `Invalid specification of min/max values for ${key}: ${min}/${max}`;
    }
    if (isCluster && specificationKeys.every((key) => standsIn(key, std!, range))) standard = true;
  }
  return standard ? undefined : 'Invalid std specifications';
}

/** The first thing that is wrong, or nothing. Only a cluster's policy must have `std`. */
export function instancePolicyFault(policy: PartialInstancePolicy, isCluster: boolean): string | undefined {
  const fault = specificationFault(policy, isCluster);
  if (fault !== undefined) return fault;
  const templates = policy['disk-templates'];
  if (templates !== undefined) {
    if (templates.length === 0) return 'Instance policy must contain at least one disk template';
    const wrong = templates.filter((name) => !(diskTemplates as readonly string[]).includes(name));
    if (wrong.length > 0) return `Invalid disk template(s) ${wrong.join(', ')}`;
  }
  const unknown = Object.keys(policy).filter((key) => !knownKeys.includes(key));
  return unknown.length === 0 ? undefined : `Invalid keys in ipolicy: ${unknown.join(', ')}`;
}
