/** Instance policies from options (cli.CreateIPolicyFromOpts). */
import { ErrorCode, Failure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import { defaultInstancePolicy, fillInstancePolicy } from '../../model/params/instance-policy.ts';
import type { KeyValue, KeyValues, SpecificationLists } from '../optparse/key-values.ts';
import { pythonText } from '../output/python-text.ts';

type Specification = Record<string, number>;

export interface PolicyOptions {
  readonly ipolicy_bounds_specs: SpecificationLists | null;
  readonly ipolicy_disk_templates: string[] | null;
  readonly ipolicy_vcpu_ratio: number | 'default' | null;
  readonly ipolicy_spindle_ratio: number | 'default' | null;
  readonly ipolicy_std_specs?: KeyValues | null;
}

export interface SplitPolicyOptions {
  readonly ispecs_mem_size: KeyValues;
  readonly ispecs_cpu_count: KeyValues;
  readonly ispecs_disk_count: KeyValues;
  readonly ispecs_disk_size: KeyValues;
  readonly ispecs_nic_count: KeyValues;
}

const sizeNames = ['disk-size', 'memory-size'];
const specificationNames = [
  'cpu-count',
  'disk-count',
  'disk-size',
  'memory-size',
  'nic-count',
  'spindle-use',
];

function invalid(text: string): Failure {
  return prerequisiteFailure(text, ErrorCode.invalid);
}

function integerOf(name: string, value: KeyValue): number {
  const text = pythonText(value).trim();
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new Failure('TypeEnforcementError', [`'${name}' (value ${text}) is not a valid integer`]);
}

/** @param level "min", "max" or "std", for the messages */
function specificationOf(values: KeyValues, level: string, isWhole: boolean): Specification {
  const result: Specification = {};
  for (const [name, value] of Object.entries(values)) {
    if (!specificationNames.includes(name)) {
      throw new Failure('TypeEnforcementError', [`Unknown parameter '${name}'`]);
    }
    if (!sizeNames.includes(name)) {
      result[name] = integerOf(name, value);
      continue;
    }
    try {
      result[name] = parseUnit(pythonText(value));
    } catch (error) {
      throw invalid(
        `Invalid parameter ${name} (${pythonText(value)}) in ${level} instance specs: ${messageOf(error)}`,
      );
    }
  }
  const missing = specificationNames.filter((name) => !(name in result));
  if (isWhole && missing.length > 0) {
    throw invalid(`Missing parameters in ipolicy spec ${level}: ${missing.join(', ')}`);
  }
  return result;
}

/** The one word of "--ipolicy-bounds-specs default". */
function onlyWord(lists: SpecificationLists): string | undefined {
  const [first, ...others] = lists;
  const names = Object.keys(first ?? {});
  const isBare = names.length === 1 && Object.keys(first![names[0]!]!).length === 0;
  return others.length === 0 && isBare ? names[0] : undefined;
}

function boundsOf(
  lists: SpecificationLists,
  mayBeDefault: boolean,
): 'default' | Record<string, Specification>[] {
  if (mayBeDefault && onlyWord(lists) === 'default') return 'default';
  return lists.map((pair) => {
    const unknown = Object.keys(pair).find((level) => level !== 'min' && level !== 'max');
    if (unknown !== undefined) {
      throw invalid(`Invalid key in bounds instance specifications: ${unknown}`);
    }
    return Object.fromEntries(
      Object.entries(pair).map(([level, values]) => [level, specificationOf(values, level, true)]),
    );
  });
}

export interface Policy {
  minmax?: 'default' | Record<string, Specification>[];
  std?: Specification;
  'disk-templates'?: string[] | 'default';
  'vcpu-ratio'?: number | 'default';
  'spindle-ratio'?: number | 'default';
}

/**
 * What the options say of the policy, and nothing else.
 * @param mayBeDefault groups may be told to inherit again
 */
export function policyOf(options: PolicyOptions, mayBeDefault: boolean): Policy {
  const policy: Policy = {};
  if (options.ipolicy_bounds_specs !== null)
    policy.minmax = boundsOf(options.ipolicy_bounds_specs, mayBeDefault);
  const std = options.ipolicy_std_specs;
  if (std !== undefined && std !== null) policy.std = specificationOf(std, 'std', false);
  const templates = options.ipolicy_disk_templates;
  if (templates !== null) {
    const isDefault = mayBeDefault && templates.length === 1 && templates[0] === 'default';
    policy['disk-templates'] = isDefault ? 'default' : templates;
  }
  if (options.ipolicy_vcpu_ratio !== null) policy['vcpu-ratio'] = options.ipolicy_vcpu_ratio;
  if (options.ipolicy_spindle_ratio !== null) policy['spindle-ratio'] = options.ipolicy_spindle_ratio;
  return policy;
}

function splitLevels(options: SplitPolicyOptions): Record<string, Specification> {
  const byName: Record<string, KeyValues> = {
    'memory-size': options.ispecs_mem_size,
    'cpu-count': options.ispecs_cpu_count,
    'disk-count': options.ispecs_disk_count,
    'disk-size': options.ispecs_disk_size,
    'nic-count': options.ispecs_nic_count,
  };
  const levels: Record<string, Specification> = { min: {}, max: {}, std: {} };
  for (const [name, values] of Object.entries(byName)) {
    for (const [level, value] of Object.entries(values)) {
      const target = levels[level];
      if (target === undefined) throw new Failure('TypeEnforcementError', [`Unknown parameter '${level}'`]);
      target[name] = specificationOf({ [name]: value }, level, false)[name]!;
    }
  }
  return levels;
}

/** The policy of a new cluster, complete: what no option says is built in. */
export function wholePolicyOf(options: PolicyOptions & SplitPolicyOptions): unknown {
  const levels = splitLevels(options);
  const isSplit = Object.values(levels).some((level) => Object.keys(level).length > 0);
  const isFull = options.ipolicy_bounds_specs !== null || (options.ipolicy_std_specs ?? null) !== null;
  if (isSplit && isFull) {
    throw invalid('A --specs-xxx option cannot be specified together with any --ipolicy-xxx-specs option');
  }
  const policy = policyOf(options, false);
  if (isSplit) {
    const [bounds] = defaultInstancePolicy.minmax;
    policy.minmax = [{ min: { ...bounds!.min, ...levels.min }, max: { ...bounds!.max, ...levels.max } }];
    policy.std = levels.std!;
  }
  return fillInstancePolicy(defaultInstancePolicy, policy as never);
}

/** The options that would make a policy's bounds and standard again (cli.PrintIPolicyCommand). */
export function policyCommand(policy: {
  readonly minmax?: readonly Readonly<Record<string, Readonly<Record<string, unknown>>>>[];
  readonly std?: Readonly<Record<string, unknown>>;
}): string {
  const written = (values: Readonly<Record<string, unknown>>) =>
    Object.keys(values)
      .sort()
      .map((name) => `${name}=${pythonText(values[name])}`)
      .join(',');
  const bounds = (policy.minmax ?? [])
    .filter(({ min, max }) => min && max && Object.keys(min).length > 0 && Object.keys(max).length > 0)
    .map(({ min, max }) => `min:${written(min!)}/max:${written(max!)}`);
  const std =
    policy.std && Object.keys(policy.std).length > 0 ? ` --ipolicy-std-specs ${written(policy.std)}` : '';
  return std + (bounds.length > 0 ? ` --ipolicy-bounds-specs ${bounds.join('//')}` : '');
}
