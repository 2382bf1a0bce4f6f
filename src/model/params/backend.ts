/** Back-end parameters: what an instance gets of its node (constants.BES_PARAMETERS). Memory is MiB. */
import { type ParameterFamily, type ParameterValues, valueDefault } from './family.ts';

export const backendParameters = {
  always_failover: { type: 'bool', default: false, doc: 'Never migrate, always fail over.' },
  auto_balance: {
    type: 'bool',
    default: true,
    title: 'Auto_balance',
    doc: 'Counted in the N+1 check and moved by hbal.',
  },
  maxmem: {
    type: 'size',
    default: 128,
    title: 'ConfigMaxMem',
    doc: 'The most memory the instance may have.',
  },
  minmem: {
    type: 'size',
    default: 128,
    title: 'ConfigMinMem',
    doc: 'The least memory the instance runs with.',
  },
  spindle_use: {
    type: 'int',
    default: 1,
    doc: 'How many disk spindles it is weighed as.',
  },
  vcpus: { type: 'int', default: 1, title: 'ConfigVCPUs', doc: 'Virtual processors.' },
} as const satisfies ParameterFamily;

export interface BackendParameters {
  readonly always_failover: boolean;
  readonly auto_balance: boolean;
  readonly maxmem: number;
  readonly minmem: number;
  readonly spindle_use: number;
  readonly vcpus: number;
}

/** `memory` is the old spelling for both bounds (objects.UpgradeBeParams). */
export function splitMemory(values: ParameterValues): ParameterValues {
  const { memory, ...rest } = values;
  if (memory === undefined) return values;
  return memory === valueDefault
    ? { ...rest, minmem: valueDefault, maxmem: valueDefault }
    : { minmem: memory, maxmem: memory, ...rest };
}
