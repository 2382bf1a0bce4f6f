/**
 * Parameters as the command line gives them (text) in the types of their family, so that a wrong name or
 * value is told before a job is submitted. Hypervisor and disk parameters are typed by the master, which
 * knows the drivers.
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

/** Devices of a hypervisor are listed with blanks here, since commas part parameters, and with commas inside. */
export function hypervisorValues(values: KeyValues): Values {
  const devices = values.usb_devices;
  const words = withDefaultWord(values);
  return typeof devices === 'string' ? { ...words, usb_devices: devices.replaceAll(' ', ',') } : { ...words };
}
