/** Reads a request of the iallocator protocol: the cluster, and what is asked. */
import type { EvacuationMode } from '../core/allocation/evacuate.ts';
import type { AllocationRequest } from '../core/allocation/groups.ts';
import { interpretTags, mergeCluster, type RawCluster, settleMemory } from '../core/loading.ts';
import { NodeTable } from '../core/state/node-table.ts';
import { type Cluster, findByName, groupNames, instanceNames } from '../core/terms/cluster.ts';
import { Instance } from '../core/terms/instance.ts';
import { defaultPolicy } from '../core/terms/policy.ts';
import { desiredLocationPrefixes, exclusionPrefixes } from '../core/terms/tags.ts';
import { readBaseInstance, readGroup, readInstance, readNode } from './allocator-cluster.ts';
import { annotated, DataError } from './data-error.ts';
import { findInstance, type Indexes, indexesOf } from './indexed.ts';
import {
  asInteger,
  asObject,
  asString,
  asWord,
  entriesOf,
  field,
  isObject,
  type JsonObject,
  listOf,
  optionalField,
  parseJson,
  type Reader,
} from './json.ts';
import { readHypervisor } from './words.ts';

/** What is asked; instances and nodes are those of the request's cluster. */
export type AllocatorTask =
  | {
      readonly kind: 'allocate';
      readonly request: AllocationRequest;
      readonly onlyNodes: string[] | undefined;
    }
  | { readonly kind: 'multi-allocate'; readonly requests: readonly AllocationRequest[] }
  | { readonly kind: 'allocate-secondary'; readonly instance: number }
  | {
      readonly kind: 'relocate';
      readonly instance: number;
      readonly nodeCount: number;
      readonly from: readonly number[];
    }
  | { readonly kind: 'node-evacuate'; readonly instances: readonly number[]; readonly mode: EvacuationMode }
  | {
      readonly kind: 'change-group';
      readonly instances: readonly number[];
      readonly groups: readonly number[];
    };

export interface AllocatorRequest {
  readonly task: AllocatorTask;
  readonly cluster: Cluster;
  /** What the nodes report and the records don't explain. */
  readonly warnings: readonly string[];
}

export interface RequestOptions {
  /** Seconds since the epoch. */
  readonly now: number;
  /** MiB a KVM node is taken to need for itself; 0 for what it reports. */
  readonly staticKvmNodeMemory: number;
}

const envelope = 'invalid iallocator message';

function readRaw(message: JsonObject): RawCluster {
  const part = <T>(key: string, read: Reader<T>) => field(envelope, message, key, read);
  const groupEntries = entriesOf(part('nodegroups', asObject));
  const groups = new Map(groupEntries.map(([uuid, value], index) => [index, readGroup(uuid, value, index)]));
  const groupIndexes = indexesOf(groupEntries.map(([uuid]) => uuid));
  const nodeEntries = entriesOf(part('nodes', asObject));
  const hypervisors = part('enabled_hypervisors', listOf(asWord('Hypervisor', readHypervisor)));
  const nodeFields = nodeEntries.map(([name, value]) => readNode(groupIndexes, name, value, hypervisors[0]));
  const nodeIndexes = indexesOf(nodeEntries.map(([name]) => name));
  const mainVolumeGroup = optionalField(message, 'volume_group_name', asString);
  const instances = entriesOf(part('instances', asObject)).map(([name, value], index) => {
    const instance = readInstance(nodeIndexes, name, value, mainVolumeGroup);
    instance.index = index;
    return instance;
  });
  const tags = part('cluster_tags', listOf(asString));
  return { groups, nodes: new NodeTable(nodeFields), instances, tags, policy: defaultPolicy };
}

function readMessage(text: string): JsonObject {
  return annotated('Parsing input IAllocator message', () => {
    const value = parseJson(text);
    if (!isObject(value)) throw new DataError('Unable to read JSObject');
    return value;
  });
}

/** Only the cluster of a request, as a data source for the other tools. Throws DataError. */
export function parseRequestCluster(text: string): RawCluster {
  return readRaw(readMessage(text));
}

const modes: Readonly<Record<string, EvacuationMode>> = {
  'primary-only': 'primary-only',
  'secondary-only': 'secondary-only',
  all: 'all',
};

const asMode = asWord('EvacMode', (text): EvacuationMode => {
  const mode = modes[text];
  if (mode === undefined) throw new DataError(`Invalid string value for type EvacMode: "${text}"`);
  return mode;
});

/** Reads the task out of the request dictionary. */
class TaskReader {
  private readonly request: JsonObject;
  private readonly cluster: Cluster;
  private readonly instances: Indexes;
  private readonly mainVolumeGroup: string | undefined;

  constructor(message: JsonObject, request: JsonObject, cluster: Cluster) {
    this.request = request;
    this.cluster = cluster;
    this.instances = indexesOf(cluster.instances.map((instance) => instance.name));
    this.mainVolumeGroup = optionalField(message, 'volume_group_name', asString);
  }

  read(): AllocatorTask {
    const type = this.value('type', asString);
    switch (type) {
      case 'allocate':
        return this.allocate();
      case 'multi-allocate':
        return {
          kind: 'multi-allocate',
          requests: this.value('instances', listOf(asObject)).map((entry) => this.newInstance(entry)),
        };
      case 'allocate-secondary':
        return { kind: 'allocate-secondary', instance: this.namedInstance() };
      case 'relocate':
        return this.relocate();
      case 'node-evacuate':
        return {
          kind: 'node-evacuate',
          instances: this.instanceList(),
          mode: this.value('evac_mode', asMode),
        };
      case 'change-group':
        return {
          kind: 'change-group',
          instances: this.instanceList(),
          groups: this.value('target_groups', listOf(asString)).map((name) => {
            const group = findByName(this.cluster.groups.values(), groupNames, name);
            if (group === undefined) throw new DataError(`Wrong number of elems found with name ${name}`);
            return group.index;
          }),
        };
      default:
        throw new DataError(`Invalid request type '${type}'`);
    }
  }

  private value<T>(key: string, read: Reader<T>, from: JsonObject = this.request): T {
    return field('invalid request dict', from, key, read);
  }

  private namedInstance(): number {
    return findInstance(this.instances, this.value('name', asString));
  }

  private instanceList(): number[] {
    return this.value('instances', listOf(asString)).map((name) => {
      const instance = findByName(this.cluster.instances, instanceNames, name);
      if (instance === undefined) throw new DataError(`Wrong number of elems found with name ${name}`);
      return instance.index;
    });
  }

  /** An instance to be made; the group is that of the whole request. */
  private newInstance(from: JsonObject): AllocationRequest {
    const name = this.value('name', asString, from);
    const group = optionalField(this.request, 'group_name', asString);
    const nodeCount = this.value('required_nodes', asInteger, from);
    const instance = new Instance(readBaseInstance(name, from, this.mainVolumeGroup));
    interpretTags(instance, exclusionPrefixes(this.cluster.tags), desiredLocationPrefixes(this.cluster.tags));
    return { instance, nodeCount, group };
  }

  private allocate(): AllocatorTask {
    const onlyNodes = optionalField(this.request, 'restrict-to-nodes', listOf(asString));
    return { kind: 'allocate', request: this.newInstance(this.request), onlyNodes };
  }

  private relocate(): AllocatorTask {
    const { nodes } = this.cluster;
    const instance = this.namedInstance();
    const nodeCount = this.value('required_nodes', asInteger);
    const from = this.value('relocate_from', listOf(asString)).map((name) => {
      const node = findByName(nodes.order, (index) => [nodes.name[index]!, nodes.alias[index]!], name);
      if (node === undefined) throw new DataError(`Wrong number of elems found with name ${name}`);
      return node;
    });
    return { kind: 'relocate', instance, nodeCount, from };
  }
}

/** Reads a whole request. Throws DataError. */
export function readRequest(text: string, options: RequestOptions): AllocatorRequest {
  const message = readMessage(text);
  const request = field(envelope, message, 'request', asObject);
  const cluster = mergeCluster(readRaw(message), { now: options.now });
  const warnings = settleMemory(cluster, options.staticKvmNodeMemory);
  return { task: new TaskReader(message, request, cluster).read(), cluster, warnings };
}
