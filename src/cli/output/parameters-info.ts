/** Parameters and policies in `info` listings: what is inherited shows as "default (value)". */
import { type Info, type PairEntry, Pairs } from './info.ts';
import { pythonText } from './python-text.ts';
import { maybeRoman } from './roman.ts';

type Values = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Every effective value; own ones bare, inherited ones in "default (…)" (cli.FormatParamsDictInfo). */
export function parametersInfo(own: Values, effective: Values, roman = false): Record<string, Info> {
  return Object.fromEntries(
    Object.entries(effective).map(([name, value]) => {
      if (isObject(value) && Object.keys(value).length > 0) {
        const inner = own[name];
        return [name, parametersInfo(isObject(inner) ? inner : {}, value, roman)];
      }
      const text = Object.hasOwn(own, name)
        ? maybeRoman(own[name], roman)
        : `default (${maybeRoman(value, roman)})`;
      return [name, text];
    }),
  );
}

export const sortedByName = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1)));

/** Values at every depth as text (gnt_cluster._FormatGroupedParams). */
export function groupedInfo(values: Values, roman = false): Record<string, Info> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      isObject(value) ? groupedInfo(value, roman) : maybeRoman(value, roman),
    ]),
  );
}

interface Policy {
  readonly minmax?: readonly Readonly<Record<string, Values>>[];
  readonly std?: Values;
  readonly 'disk-templates'?: readonly string[];
  readonly [ratio: string]: unknown;
}

function boundsInfo(own: Policy, effective: Policy, roman: boolean): Pairs[] {
  const isOwn = (own.minmax?.length ?? 0) > 0;
  const bounds = (isOwn ? own.minmax : effective.minmax) ?? [];
  return bounds.map((pair, index) => {
    const entries = ['max', 'min'].map((key): PairEntry => {
      const specification = pair[key] ?? {};
      return [`${key}/${index}`, parametersInfo(isOwn ? specification : {}, specification, roman)];
    });
    return new Pairs(entries);
  });
}

/**
 * An instance policy (cli.FormatPolicyInfo).
 * @param effective null for the cluster's own, which inherits nothing
 */
export function policyInfo(own: Policy, effective: Policy | null, roman = false): Pairs {
  const whole = effective ?? own;
  const templates = own['disk-templates'];
  const entries: PairEntry[] = [['bounds specs', boundsInfo(own, whole, roman)]];
  if (effective === null) entries.push(['std', parametersInfo(own.std ?? {}, own.std ?? {}, roman)]);
  entries.push([
    'allowed disk templates',
    templates === undefined
      ? `default (${(whole['disk-templates'] ?? []).join(', ')})`
      : templates.join(', '),
  ]);
  for (const ratio of ['spindle-ratio', 'vcpu-ratio']) {
    const value = own[ratio];
    entries.push([
      ratio,
      value === undefined
        ? maybeRoman(`default (${pythonText(whole[ratio])})`, roman)
        : maybeRoman(value, roman),
    ]);
  }
  return new Pairs(entries);
}

/** "(none)" for an empty list. */
export function listOrNone(values: readonly unknown[] | null | undefined): string {
  return values && values.length > 0 ? values.map(pythonText).join(', ') : '(none)';
}
