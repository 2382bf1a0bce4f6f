/** Clusters from the remote API: the answers of /2/groups, /2/nodes, /2/instances (bulk) and /2/info. */
import type { RawCluster } from '../core/loading.ts';
import { type NodeFields, NodeTable } from '../core/state/node-table.ts';
import type { Group } from '../core/terms/cluster.ts';
import { type Disk, Instance } from '../core/terms/instance.ts';
import { noNode } from '../core/terms/vocabulary.ts';
import { annotated, DataError } from './data-error.ts';
import { findGroup, findNode, type Indexes, indexesOf } from './indexed.ts';
import {
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asString,
  asValue,
  asWord,
  field,
  type JsonObject,
  listOf,
  memberOf,
  optionalField,
  parseJson,
  type Reader,
} from './json.ts';
import { markMaster } from './master.ts';
import { asPolicy } from './policy-json.ts';
import { readAllocationPolicy, readDiskTemplate, readInstanceStatus } from './words.ts';

/** The four answers as text. */
export interface RapiAnswers {
  readonly groups: string;
  readonly nodes: string;
  readonly instances: string;
  readonly info: string;
}

/** Group of nodes that tell none. */
const defaultGroup = '00000000-0000-0000-0000-000000000000';

function readGroup(group: JsonObject, index: number): Group {
  const name = field('Parsing new group', group, 'name', asString);
  const value = <T>(key: string, read: Reader<T>) => field(`Group '${name}'`, group, key, read);
  return {
    name,
    index,
    uuid: value('uuid', asString),
    allocationPolicy: value('alloc_policy', asWord('AllocPolicy', readAllocationPolicy)),
    policy: value('ipolicy', asPolicy),
    tags: value('tags', listOf(asString)),
    networks: [],
  };
}

function readNode(node: JsonObject, groups: Indexes): NodeFields {
  const name = field('Parsing new node', node, 'name', asString);
  const owner = `Node '${name}', error while parsing data`;
  const value = <T>(key: string, read: Reader<T>) => field(owner, node, key, read);
  const offline = value('offline', asBoolean);
  const drained = value('drained', asBoolean);
  const capable = annotated(owner, () => optionalField(node, 'vm_capable', asBoolean)) ?? true;
  const parameters = value('ndparams', asObject);
  const exclusiveStorage = field(owner, parameters, 'exclusive_storage', asBoolean);
  const uuid = annotated(owner, () => optionalField(node, 'group.uuid', asString)) ?? defaultGroup;
  const group = findGroup(groups, name, uuid);
  const live = !offline && capable;
  const integer = (key: string) => (live ? value(key, asInteger) : 0);
  const number = (key: string) => (live ? value(key, asNumber) : 0);
  const maybe = (key: string, read: Reader<number>) => (live ? (optionalField(node, key, read) ?? 0) : 0);
  return {
    name,
    group,
    exclusiveStorage,
    offline: !live || drained,
    totalSpindles: exclusiveStorage
      ? integer('sptotal')
      : field(owner, parameters, 'spindle_count', asInteger),
    freeSpindles: maybe('spfree', asInteger),
    totalMemory: number('mtotal'),
    nodeMemory: integer('mnode'),
    freeMemory: integer('mfree'),
    totalDisk: maybe('dtotal', asNumber),
    freeDisk: maybe('dfree', asInteger),
    totalCpus: number('ctotal'),
    nodeCpus: integer('cnos'),
    tags: value('tags', listOf(asString)),
  };
}

/** Disks from their sizes and spindles; the shorter list counts. */
export function zipDisks(sizes: readonly number[], spindles: readonly (number | undefined)[]): Disk[] {
  return sizes.slice(0, spindles.length).map((size, i) => ({ size, spindles: spindles[i] }));
}

/** Numbers or null. */
export const asMaybeIntegers: Reader<(number | undefined)[]> = listOf((item) =>
  item === null ? undefined : asInteger(item),
);

/** Memory as it is in operation, else as configured. */
function readMemory(owner: string, instance: JsonObject, parameters: JsonObject): number {
  const inOperation = field(owner, instance, 'oper_ram', asValue);
  if (typeof inOperation === 'number') return annotated(owner, () => asInteger(inOperation));
  const key = memberOf(parameters, 'memory') === undefined ? 'maxmem' : 'memory';
  return field(owner, parameters, key, asInteger);
}

function readInstance(instance: JsonObject, nodes: Indexes): Instance {
  const name = field('Parsing new instance', instance, 'name', asString);
  const owner = `Instance '${name}', error while parsing data`;
  const value = <T>(key: string, read: Reader<T>) => field(owner, instance, key, read);
  const disk = value('disk_usage', asInteger);
  const sizes = value('disk.sizes', listOf(asInteger));
  const spindles = value('disk.spindles', asMaybeIntegers);
  const parameters = value('beparams', asObject);
  const memory = readMemory(owner, instance, parameters);
  const cpus = field(owner, parameters, 'vcpus', asInteger);
  const primary = findNode(nodes, name, value('pnode', asString));
  const [secondary] = value('snodes', listOf(asValue));
  if (secondary !== undefined && typeof secondary !== 'string') throw new DataError('Wrong JSON type');
  const forthcoming = memberOf(instance, 'forthcoming') === true;
  return new Instance({
    name,
    memory,
    disk,
    disks: zipDisks(sizes, spindles),
    cpus,
    status: value('status', asWord('InstanceStatus', readInstanceStatus)),
    tags: value('tags', listOf(asString)),
    autoBalance: field(owner, parameters, 'auto_balance', asBoolean),
    primary,
    secondary: secondary === undefined ? noNode : findNode(nodes, name, secondary),
    template: value('disk_template', asWord('DiskTemplate', readDiskTemplate)),
    spindleUse: field(owner, parameters, 'spindle_use', asInteger),
    nics: [],
    forthcoming,
  });
}

function objectsOf(what: string, text: string): JsonObject[] {
  return annotated(what, () => listOf(asObject)(parseJson(text)));
}

/** Reads the four answers. Throws DataError. */
export function parseRapi(answers: RapiAnswers): RawCluster {
  const groupList = objectsOf('Parsing group data', answers.groups).map(readGroup);
  const groupIndexes = indexesOf(groupList.map(({ uuid }) => uuid));
  const nodeList = objectsOf('Parsing node data', answers.nodes).map((node) => readNode(node, groupIndexes));
  const nodeIndexes = indexesOf(nodeList.map(({ name }) => name));
  const instances = objectsOf('Parsing instance data', answers.instances).map((object, index) => {
    const instance = readInstance(object, nodeIndexes);
    instance.index = index;
    return instance;
  });
  const info = annotated('Parsing cluster info', () => asObject(parseJson(answers.info)));
  const value = <T>(key: string, read: Reader<T>) => field('Parsing cluster data', info, key, read);
  const master = value('master', asString);
  const tags = value('tags', listOf(asString));
  const policy = value('ipolicy', asPolicy);
  const hypervisor = value('default_hypervisor', asString);
  return {
    groups: new Map(groupList.map((group) => [group.index, group])),
    nodes: new NodeTable(markMaster(nodeList, master, hypervisor)),
    instances,
    tags,
    policy,
  };
}
