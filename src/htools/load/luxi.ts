/** Clusters from the master daemon over LUXI: four queries and what their answers mean. */
import type { RawCluster } from '../core/loading.ts';
import { type NodeFields, NodeTable } from '../core/state/node-table.ts';
import type { Group } from '../core/terms/cluster.ts';
import { Instance } from '../core/terms/instance.ts';
import { noNode } from '../core/terms/vocabulary.ts';
import { annotated, DataError } from './data-error.ts';
import { findGroup, findNode, type Indexes, indexesOf } from './indexed.ts';
import {
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asString,
  asWord,
  entriesOf,
  field,
  isObject,
  type Json,
  listOf,
  type Reader,
} from './json.ts';
import { markMaster } from './master.ts';
import { asPolicy } from './policy-json.ts';
import { asMaybeIntegers, zipDisks } from './rapi.ts';
import { readAllocationPolicy, readDiskTemplate, readInstanceStatus } from './words.ts';

/** What is needed of a LUXI client. */
export interface LuxiCalls {
  call(method: string, args: readonly unknown[]): Promise<unknown>;
}

/** Ganeti's master daemon doesn't know the last column; it then calls its cells unknown. */
const nodeColumns = [
  'name',
  'mtotal',
  'mnode',
  'mfree',
  'dtotal',
  'dfree',
  'ctotal',
  'cnos',
  'offline',
  'drained',
  'vm_capable',
  'ndp/spindle_count',
  'group.uuid',
  'tags',
  'ndp/exclusive_storage',
  'sptotal',
  'spfree',
  'ndp/cpu_speed',
  'volume_groups',
] as const;

const instanceColumns = [
  'name',
  'disk_usage',
  'be/memory',
  'be/vcpus',
  'status',
  'pnode',
  'snodes',
  'tags',
  'be/auto_balance',
  'disk_template',
  'be/spindle_use',
  'disk.sizes',
  'disk.spindles',
  'forthcoming',
  'disk.volume_groups',
] as const;

const groupColumns = ['uuid', 'name', 'alloc_policy', 'ipolicy', 'tags'] as const;

/** The answers as they came. */
export interface LuxiAnswers {
  readonly nodes: unknown;
  readonly instances: unknown;
  readonly cluster: unknown;
  readonly groups: unknown;
}

/** Asks for all that a cluster needs. */
export async function queryCluster(client: LuxiCalls): Promise<LuxiAnswers> {
  const query = (what: string, columns: readonly string[]) => client.call('Query', [what, columns, null]);
  return {
    nodes: await query('node', nodeColumns),
    instances: await query('instance', instanceColumns),
    cluster: await client.call('QueryClusterInfo', []),
    groups: await query('group', groupColumns),
  };
}

/** Result codes of a query field other than 0, "normal". */
const statusTexts = [
  '',
  'Unknown field',
  'No data for a field',
  'Ganeti reports unavailable data',
  'Ganeti reports resource as offline',
];

/** One row of an answer, read column by column. */
class Row {
  private readonly cells: readonly Json[];
  private readonly columns: readonly string[];
  private readonly type: string;
  private readonly name: string;

  constructor(cells: readonly Json[], columns: readonly string[], type: string) {
    this.cells = cells;
    this.columns = columns;
    this.type = type;
    this.name = annotated(`Parsing new ${type.toLowerCase()}`, () => this.cell('name', asString));
  }

  private cell<T>(column: string, read: Reader<T>): T {
    const cell = this.cells[this.columns.indexOf(column)];
    if (!Array.isArray(cell) || cell.length !== 2) {
      throw new DataError(`Invalid query field, expected (status, value) but got ${JSON.stringify(cell)}`);
    }
    const [status, value] = cell as [Json, Json];
    if (status !== 0) throw new DataError(statusTexts[status as number] ?? 'Unknown field');
    try {
      return read(value);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      throw new DataError(`Cannot convert value '${JSON.stringify(value)}', error: ${error.message}`);
    }
  }

  /** A value; `label` is what it is called in a complaint, when that isn't the column. */
  read<T>(column: string, read: Reader<T>, label = column): T {
    const owner = `${this.type} '${this.name}', error while reading attribute '${label}'`;
    return annotated(owner, () => this.cell(column, read));
  }

  /** A value that may be unavailable. */
  maybe<T>(column: string, read: Reader<T>, otherwise: T): T {
    try {
      return this.read(column, read);
    } catch (error) {
      if (error instanceof DataError) return otherwise;
      throw error;
    }
  }

  get title(): string {
    return this.name;
  }
}

function rowsOf(answer: unknown, columns: readonly string[], type: string): Row[] {
  const value = answer as Json;
  if (!isObject(value)) {
    throw new DataError(`Invalid input, expected dict entry but got ${JSON.stringify(value)}`);
  }
  const data = field('', value, 'data', (item) => item);
  if (!Array.isArray(data)) {
    throw new DataError(`Invalid query result, expected array but got ${JSON.stringify(data)}`);
  }
  return data.map((row: Json) => {
    if (!Array.isArray(row)) {
      throw new DataError(`Invalid query row result, expected array but got ${JSON.stringify(row)}`);
    }
    return new Row(row, columns, type);
  });
}

function groupOf(row: Row, index: number): Group {
  return {
    name: row.title,
    index,
    uuid: row.read('uuid', asString),
    allocationPolicy: row.read('alloc_policy', asWord('AllocPolicy', readAllocationPolicy)),
    policy: row.read('ipolicy', asPolicy),
    tags: row.read('tags', listOf(asString)),
    networks: [],
  };
}

const asVolumeGroups: Reader<NodeFields['volumeGroups']> = (value) =>
  new Map(
    entriesOf(asObject(value)).map(([name, group]) => {
      const figures = asObject(group);
      return [
        name,
        { total: field(name, figures, 'total', asInteger), free: field(name, figures, 'free', asInteger) },
      ];
    }),
  );

/** Names of volume groups, null for the main one. */
const asVolumeGroupNames = listOf((item) => (item === null ? undefined : asString(item)));

function nodeOf(row: Row, groups: Indexes, withVolumeGroups: boolean): NodeFields {
  const name = row.title;
  const offline = row.read('offline', asBoolean);
  const drained = row.read('drained', asBoolean);
  const capable = row.read('vm_capable', asBoolean);
  const group = findGroup(groups, name, row.read('group.uuid', asString));
  const tags = row.read('tags', listOf(asString));
  const exclusiveStorage = row.read('ndp/exclusive_storage', asBoolean, 'exclusive_storage');
  const cpuSpeed = row.read('ndp/cpu_speed', asNumber, 'cpu_speed');
  const live = !offline && capable;
  const integer = (column: string) => (live ? row.read(column, asInteger) : 0);
  const number = (column: string) => (live ? row.read(column, asNumber) : 0);
  const volumeGroups = row.maybe('volume_groups', asVolumeGroups, undefined);
  return {
    name,
    group,
    tags,
    exclusiveStorage,
    cpuSpeed,
    offline: !live || drained,
    totalSpindles: exclusiveStorage
      ? integer('sptotal')
      : row.read('ndp/spindle_count', asInteger, 'spindles'),
    freeSpindles: live ? row.maybe('spfree', asInteger, 0) : 0,
    totalMemory: number('mtotal'),
    nodeMemory: integer('mnode'),
    freeMemory: integer('mfree'),
    totalDisk: live ? row.maybe('dtotal', asNumber, 0) : 0,
    freeDisk: live ? row.maybe('dfree', asInteger, 0) : 0,
    totalCpus: number('ctotal'),
    nodeCpus: integer('cnos'),
    ...(volumeGroups === undefined || !withVolumeGroups ? {} : { volumeGroups }),
  };
}

function instanceOf(row: Row, nodes: Indexes): Instance {
  const name = row.title;
  const disk = row.read('disk_usage', asInteger);
  const memory = row.read('be/memory', asInteger);
  const cpus = row.read('be/vcpus', asInteger);
  const primary = findNode(nodes, name, row.read('pnode', asString));
  const [secondary] = row.read('snodes', listOf(asString));
  const sizes = row.read('disk.sizes', listOf(asInteger));
  const volumeGroups = row.maybe('disk.volume_groups', asVolumeGroupNames, []);
  const spindles = row.read('disk.spindles', asMaybeIntegers);
  return new Instance({
    name,
    memory,
    disk,
    disks: zipDisks(sizes, spindles).map((item, i) => ({ ...item, volumeGroup: volumeGroups[i] })),
    cpus,
    status: row.read('status', asWord('InstanceStatus', readInstanceStatus)),
    tags: row.read('tags', listOf(asString)),
    autoBalance: row.read('be/auto_balance', asBoolean, 'auto_balance'),
    primary,
    secondary: secondary === undefined ? noNode : findNode(nodes, name, secondary),
    template: row.read('disk_template', asWord('DiskTemplate', readDiskTemplate)),
    spindleUse: row.read('be/spindle_use', asInteger),
    nics: [],
    forthcoming: row.read('forthcoming', asBoolean),
  });
}

/** Makes a cluster of the answers. Throws DataError. */
export function parseLuxi(answers: LuxiAnswers): RawCluster {
  const groupList = rowsOf(answers.groups, groupColumns, 'Group').map(groupOf);
  const groupIndexes = indexesOf(groupList.map(({ uuid }) => uuid));
  const nodeRows = rowsOf(answers.nodes, nodeColumns, 'Node');
  const nodeIndexes = indexesOf(nodeRows.map(({ title }) => title));
  const instances = rowsOf(answers.instances, instanceColumns, 'Instance').map((row, index) => {
    const instance = instanceOf(row, nodeIndexes);
    instance.index = index;
    return instance;
  });
  // Where all disks are in the main volume group there is nothing to tell of others.
  const elsewhere = instances.some(({ otherVolumes }) => otherVolumes !== undefined);
  const nodeList = nodeRows.map((row) => nodeOf(row, groupIndexes, elsewhere));
  const info = answers.cluster as Json;
  if (!isObject(info)) throw new DataError('Cannot parse cluster info, not a JSON record');
  const value = <T>(key: string, read: Reader<T>) => field('Parsing cluster info', info, key, read);
  const tags = value('tags', listOf(asString));
  const policy = value('ipolicy', asPolicy);
  const master = value('master', asString);
  const hypervisor = value('default_hypervisor', asString);
  return {
    groups: new Map(groupList.map((group) => [group.index, group])),
    nodes: new NodeTable(markMaster(nodeList, master, hypervisor)),
    instances,
    tags,
    policy,
  };
}
