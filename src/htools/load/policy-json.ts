/** Instance policies in JSON, as LUXI, RAPI and the allocator protocol carry them. */
import type { InstanceSpec, Policy } from '../core/terms/policy.ts';
import { DataError } from './data-error.ts';
import {
  asInteger,
  asNumber,
  asWord,
  field,
  isObject,
  type JsonObject,
  listOf,
  type Reader,
} from './json.ts';
import { readDiskTemplate } from './words.ts';

function objectReader<T>(type: string, read: (object: JsonObject) => T): Reader<T> {
  return (value) => {
    if (!isObject(value)) throw new DataError(`Expected JSON object for type ${type}`);
    return read(value);
  };
}

const readSpec: Reader<InstanceSpec> = objectReader('ISpec', (spec) => {
  const value = (key: string) => field('ISpec', spec, key, asInteger);
  return {
    memory: value('memory-size'),
    cpus: value('cpu-count'),
    diskSize: value('disk-size'),
    diskCount: value('disk-count'),
    nicCount: value('nic-count'),
    spindles: value('spindle-use'),
  };
});

const readRange = objectReader('MinMaxISpecs', (range) => ({
  min: field('MinMaxISpecs', range, 'min', readSpec),
  max: field('MinMaxISpecs', range, 'max', readSpec),
}));

export const asPolicy: Reader<Policy> = objectReader('IPolicy', (policy) => ({
  ranges: field('IPolicy', policy, 'minmax', listOf(readRange)),
  standard: field('IPolicy', policy, 'std', readSpec),
  diskTemplates: field('IPolicy', policy, 'disk-templates', listOf(asWord('DiskTemplate', readDiskTemplate))),
  cpuRatio: field('IPolicy', policy, 'vcpu-ratio', asNumber),
  spindleRatio: field('IPolicy', policy, 'spindle-ratio', asNumber),
}));
