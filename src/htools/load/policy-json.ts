/** Instance policies in JSON, as LUXI, RAPI and the allocator protocol carry them. */
import type { InstanceSpec, Policy } from '../core/terms/policy.ts';
import {
  asInteger,
  asNumber,
  asObject,
  asWord,
  described,
  type JsonObject,
  listOf,
  type Reader,
  required,
} from './json.ts';
import { readDiskTemplate } from './words.ts';

/** A required value of one of Ganeti's own objects. */
function member<T>(object: JsonObject, key: string, read: Reader<T>): T {
  return described(key, read)(required(object, key));
}

function objectReader<T>(type: string, read: (object: JsonObject) => T): Reader<T> {
  return (value) => read(described(type, asObject)(value));
}

const readSpec: Reader<InstanceSpec> = objectReader('ISpec', (spec) => {
  const value = (key: string) => member(spec, key, asInteger);
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
  min: member(range, 'min', readSpec),
  max: member(range, 'max', readSpec),
}));

export const asPolicy: Reader<Policy> = objectReader('IPolicy', (policy) => ({
  ranges: member(policy, 'minmax', listOf(readRange)),
  standard: member(policy, 'std', readSpec),
  diskTemplates: member(policy, 'disk-templates', listOf(asWord('DiskTemplate', readDiskTemplate))),
  cpuRatio: member(policy, 'vcpu-ratio', asNumber),
  spindleRatio: member(policy, 'spindle-ratio', asNumber),
}));
