/** Empty clusters from a description (hspace --simulate): "policy,nodes,disk,memory,cpus[,spindles[,exclusive]]". */

import type { RawCluster } from '../core/loading.ts';
import { type NodeFields, NodeTable } from '../core/state/node-table.ts';
import type { Group } from '../core/terms/cluster.ts';
import { defaultPolicy } from '../core/terms/policy.ts';
import type { AllocationPolicy } from '../core/terms/vocabulary.ts';
import { annotated, DataError } from './data-error.ts';
import { readBoolean, readInteger, readUnit, splitText } from './scan.ts';
import { readAllocationPolicy } from './words.ts';

const abbreviations: Readonly<Record<string, AllocationPolicy>> = {
  p: 'preferred',
  a: 'last_resort',
  u: 'unallocable',
};

function readPolicyWord(text: string): AllocationPolicy {
  const short = abbreviations[text];
  if (short !== undefined) return short;
  try {
    return readAllocationPolicy(text);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(`${error.message}; Cannot parse AllocPolicy abbreviation '${text}'`);
  }
}

interface Description {
  readonly policy: AllocationPolicy;
  readonly count: number;
  readonly node: Omit<NodeFields, 'name' | 'group' | 'isMaster'>;
}

function readDescription(text: string): Description {
  const fields = splitText(text, ',');
  if (fields.length < 5 || fields.length > 7) {
    throw new DataError(
      'Invalid cluster specification, expected 6 comma-separated sections (allocation policy, node count, ' +
        `disk size, memory size, number of CPUs, spindles) but got ${fields.length}: '${text}'`,
    );
  }
  const [policyText, countText, diskText, memoryText, cpuText, spindleText = '1', exclusiveText = 'False'] =
    fields;
  const policy = readPolicyWord(policyText!);
  const count = readInteger('node count', countText!);
  const disk = annotated('disk size', () => readUnit(diskText!));
  const memory = annotated('memory size', () => readUnit(memoryText!));
  const cpus = readInteger('cpu count', cpuText!);
  const spindles = readInteger('spindles', spindleText);
  const exclusiveStorage = readBoolean('exclusive storage', exclusiveText);
  return {
    policy,
    count,
    node: {
      totalMemory: memory,
      nodeMemory: 0,
      freeMemory: memory,
      totalDisk: disk,
      freeDisk: disk,
      totalCpus: cpus,
      nodeCpus: 1,
      offline: false,
      totalSpindles: spindles,
      freeSpindles: 0,
      exclusiveStorage,
    },
  };
}

const padded = (value: number, width: number): string => String(value).padStart(width, '0');

/** One group per description; indexes of groups and nodes begin with 1, as Ganeti numbers them here. */
export function simulate(descriptions: readonly string[]): RawCluster {
  const groups = new Map<number, Group>();
  const nodes: (NodeFields | undefined)[] = [undefined];
  descriptions.forEach((text, at) => {
    const index = at + 1;
    const { policy, count, node } = readDescription(text);
    groups.set(index, {
      name: `group-${padded(index, 2)}`,
      uuid: `fake-uuid-${padded(index, 2)}`,
      index,
      allocationPolicy: policy,
      networks: [],
      policy: defaultPolicy,
      tags: [],
    });
    for (let i = 1; i <= count; i++) {
      nodes.push({
        ...node,
        name: `node-${padded(index, 2)}-${padded(i, 3)}`,
        group: index,
        isMaster: index === 1 && i === 1,
      });
    }
  });
  return { groups, nodes: new NodeTable(nodes), instances: [], tags: [], policy: defaultPolicy };
}
