/**
 * Parameters as the command line gives them (text) in the types of their family, so that a wrong name or
 * value is told before a job is submitted. Disk parameters are typed by the master.
 */
import { backendParameters, splitMemory } from '../../model/params/backend.ts';
import { enforceTypes, type ParameterFamily, type ParameterValues } from '../../model/params/family.ts';
import { nicParameters } from '../../model/params/nic.ts';
import { nodeParameters } from '../../model/params/node.ts';
import type { KeyValues } from '../optparse/key-values.ts';

type Values = Record<string, string | number | boolean | null>;

const backendWithMemory: ParameterFamily = {
  ...backendParameters,
  memory: { type: 'size', default: 128, doc: 'Both bounds of memory.' },
};

/** "Default" in any spelling is the word that takes a value back. */
function withDefaultWord(values: KeyValues): ParameterValues {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' && value.toLowerCase() === 'default' ? 'default' : value,
    ]),
  );
}

/** @throws Failure TypeEnforcementError, for this and the others */
export function typedBackend(values: KeyValues): Values {
  return enforceTypes(backendWithMemory, withDefaultWord(values));
}

/** With `memory` as its two bounds, for a place that knows no older spelling. */
export function typedBackendBounds(values: KeyValues): Values {
  return { ...splitMemory(typedBackend(values)) };
}

export function typedNic(values: KeyValues): Values {
  return enforceTypes(nicParameters, withDefaultWord(values));
}

export function typedNode(values: KeyValues): Values {
  return enforceTypes(nodeParameters, withDefaultWord(values));
}

/**
 * Parameters of any hypervisor: names and types are checked here, whether the values suit is for the master.
 * USB devices are listed with blanks, since commas part parameters, and have commas inside.
 */
export async function typedHypervisor(values: KeyValues): Promise<Values> {
  if (Object.keys(values).length === 0) return {};
  const { hypervisorAbouts } = await import('../../hypervisors/catalog.ts');
  const family: ParameterFamily = Object.assign({}, ...hypervisorAbouts.map(({ params }) => params));
  const typed = enforceTypes(family, withDefaultWord(values));
  const { usb_devices: devices } = typed;
  return typeof devices === 'string' ? { ...typed, usb_devices: devices.replaceAll(' ', ',') } : typed;
}

/** The same for the parameters of several hypervisors by name. */
export async function typedHypervisors(
  groups: Readonly<Record<string, KeyValues>>,
): Promise<Record<string, Values>> {
  const result: Record<string, Values> = {};
  for (const [hypervisor, values] of Object.entries(groups))
    result[hypervisor] = await typedHypervisor(values);
  return result;
}
