/** Reading the fixed words of a data source; an unknown one is refused as Ganeti refuses it. */
import { quoted } from '../core/terms/format.ts';
import {
  type AllocationPolicy,
  allocationPolicies,
  type DiskTemplate,
  diskTemplates,
  type Hypervisor,
  hypervisors,
  type InstanceStatus,
  instanceStatuses,
} from '../core/terms/vocabulary.ts';
import { DataError } from './data-error.ts';

function wordReader<T extends string>(type: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((known) => known === text);
    if (word === undefined) throw new DataError(`Invalid string value for type ${type}: ${quoted(text)}`);
    return word;
  };
}

export const readAllocationPolicy: (text: string) => AllocationPolicy = wordReader(
  'AllocPolicy',
  allocationPolicies,
);
export const readDiskTemplate: (text: string) => DiskTemplate = wordReader('DiskTemplate', diskTemplates);
export const readInstanceStatus: (text: string) => InstanceStatus = wordReader(
  'InstanceStatus',
  instanceStatuses,
);
export const readHypervisor: (text: string) => Hypervisor = wordReader('Hypervisor', hypervisors);
