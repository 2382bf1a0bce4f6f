/**
 * What is said of hypervisors' and disks' own needs: hv_state by hypervisor, disk_state by storage type and
 * volume group (cmdlib MergeAndVerifyHvState and MergeAndVerifyDiskState).
 */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { hypervisorNames } from '../../model/names.ts';
import {
  changeLevel,
  enforceTypes,
  type ParameterFamily,
  type ParameterValues,
} from '../../model/params/family.ts';

/** MiB and processors. */
const hypervisorState = {
  cpu_node: { type: 'int', default: 1 },
  cpu_total: { type: 'int', default: 1 },
  mem_hv: { type: 'int', default: 0 },
  mem_node: { type: 'int', default: 0 },
  mem_total: { type: 'int', default: 0 },
} as const satisfies ParameterFamily;

/** MiB. */
const diskState = {
  disk_overhead: { type: 'int', default: 0 },
  disk_reserved: { type: 'int', default: 0 },
  disk_total: { type: 'int', default: 0 },
} as const satisfies ParameterFamily;

/** constants.DS_VALID_TYPES. */
const storageTypes = ['plain'];

type States = Readonly<Record<string, unknown>>;
type ByName = Record<string, ParameterValues>;

function merged(old: States, change: States, family: ParameterFamily): ByName {
  const result: ByName = { ...(old as ByName) };
  for (const [name, values] of Object.entries(change)) {
    result[name] = changeLevel(result[name] ?? {}, enforceTypes(family, values as ParameterValues));
  }
  return result;
}

/** @throws Failure OpPrereqError wrong_input for a hypervisor that doesn't exist, TypeEnforcementError for a wrong value */
export function changedHypervisorState(old: States | undefined, change: States): ByName {
  const unknown = Object.keys(change).filter(
    (name) => !(hypervisorNames as readonly string[]).includes(name),
  );
  if (unknown.length > 0) {
    throw prerequisiteFailure(
      `Invalid hypervisor(s) in hypervisor state: ${unknown.join(', ')}`,
      ErrorCode.invalid,
    );
  }
  return merged(old ?? {}, change, hypervisorState);
}

/** @throws Failure OpPrereqError wrong_input for a storage type that has no state, TypeEnforcementError for a wrong value */
export function changedDiskState(old: States | undefined, change: States): Record<string, ByName> {
  const unknown = Object.keys(change).filter((name) => !storageTypes.includes(name));
  if (unknown.length > 0) {
    throw prerequisiteFailure(
      `Invalid storage type(s) in disk state: ${unknown.join(', ')}`,
      ErrorCode.invalid,
    );
  }
  const result: Record<string, ByName> = { ...(old as Record<string, ByName> | undefined) };
  for (const [type, byGroup] of Object.entries(change)) {
    result[type] = merged(result[type] ?? {}, byGroup as States, diskState);
  }
  return result;
}
