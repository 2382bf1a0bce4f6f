/**
 * Checks of a whole, filled set of hypervisor parameters in Ganeti's words
 * (BaseHypervisor.CheckParameterSyntax). Pure: what must exist on a node is checked there by
 * `on-node.ts`.
 */
import type { Parameters } from '../model/objects/common.ts';
import type { HypervisorAbout } from './contract.ts';

export function unspecified(value: unknown): boolean {
  return value === null || value === undefined || value === '';
}

/** The first thing that is wrong with filled parameters, or nothing. */
export function parameterFault(about: HypervisorAbout, values: Parameters): string | undefined {
  for (const name of Object.keys(values)) {
    if (!(name in about.params)) return `Parameter '${name}' is not supported`;
  }
  for (const [name, definition] of Object.entries(about.params)) {
    const value = values[name];
    if (value === undefined) return `Parameter '${name}' is missing`;
    if (unspecified(value)) {
      if (definition.required) return `Parameter '${name}' is required but is currently not defined`;
      continue;
    }
    const fault =
      definition.choices !== undefined && !definition.choices.includes(String(value))
        ? `The value must be one of: ${definition.choices.join(', ')}`
        : definition.check?.(value);
    if (fault !== undefined) {
      return `Parameter '${name}' fails syntax check: ${fault} (current value: '${String(value)}')`;
    }
  }
  return about.crossCheck?.(values);
}
