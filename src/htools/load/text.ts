/**
 * The text format of clusters (hbal -t, -S; htools(1)): five sections of |-separated lines, divided by empty
 * lines: groups, nodes, instances, cluster tags, policies. Old files with fewer columns are read; columns
 * beyond those Ganeti knows are left alone by its tools, and here carry what it has no place for: a node's
 * other volume groups ("hdd=4194304:1048576;…", total and free MiB) and an instance's use of them
 * ("hdd=102400;…").
 */

import type { RawCluster } from '../core/loading.ts';
import { type NodeFields, NodeTable } from '../core/state/node-table.ts';
import { findByName, type Group, groupNames } from '../core/terms/cluster.ts';
import { quotedList } from '../core/terms/format.ts';
import { type Disk, Instance } from '../core/terms/instance.ts';
import { defaultPolicy, type InstanceSpec, type Policy, type SpecRange } from '../core/terms/policy.ts';
import { noNode } from '../core/terms/vocabulary.ts';
import { annotated, DataError } from './data-error.ts';
import { findGroup, findNode, type Indexes, indexesOf } from './indexed.ts';
import { linesOf, readInteger, readNumber, splitSections, splitText } from './scan.ts';
import { readAllocationPolicy, readDiskTemplate, readInstanceStatus } from './words.ts';

function invalid(what: string, fields: readonly string[]): DataError {
  return new DataError(`Invalid/incomplete ${what} data: '${quotedList(fields)}'`);
}

function readGroup(fields: readonly string[], index: number): Group {
  const [name, uuid, policy, tags, networks = ''] = fields;
  if (name === undefined || uuid === undefined || policy === undefined || tags === undefined) {
    throw invalid('group', fields);
  }
  return {
    name,
    uuid,
    index,
    allocationPolicy: readAllocationPolicy(policy),
    tags: splitText(tags, ','),
    networks: splitText(networks, ','),
    policy: defaultPolicy,
  };
}

/** "name=total:free;…" in MiB, "-" for none but the main one; undefined when the file doesn't tell. */
function readVolumeGroups(name: string, text: string | undefined): NodeFields['volumeGroups'] {
  if (text === undefined || text === '') return undefined;
  if (text === '-') return new Map();
  return new Map(
    text.split(';').map((entry) => {
      const match = /^([^=]+)=(\d+):(\d+)$/.exec(entry);
      if (match === null) throw new DataError(`Invalid volume group data for node '${name}': ${entry}`);
      return [match[1]!, { total: Number(match[2]), free: Number(match[3]) }];
    }),
  );
}

const deadNode = {
  totalMemory: 0,
  nodeMemory: 0,
  freeMemory: 0,
  totalDisk: 0,
  freeDisk: 0,
  totalCpus: 0,
  nodeCpus: 0,
  totalSpindles: 0,
  freeSpindles: 0,
  offline: true,
  exclusiveStorage: false,
} as const;

function readFlag(text: string, complaint: string): boolean {
  if (text !== 'Y' && text !== 'N') throw new DataError(complaint);
  return text === 'Y';
}

/** Values of the columns that old files lack, from `spindles` on. */
const nodeDefaults = ['1', '', 'N', '0', '1', '1.0'];

function readNode(fields: readonly string[], groups: Indexes): NodeFields {
  if (fields.length < 9) throw invalid('node', fields);
  const all = [...fields, ...nodeDefaults.slice(fields.length - 9)];
  const [name, tm, nm, fm, td, fd, tc, role, uuid] = all as [string, ...string[]] & Record<number, string>;
  const group = findGroup(groups, name, uuid!);
  const numbers = [tm, nm, fm, td, fd, tc];
  if (numbers.includes('?')) return { name, group, ...deadNode };
  const integer = (text: string | undefined) => readInteger(name, text!);
  const number = (text: string | undefined) => readNumber(name, text!);
  const memory = { totalMemory: number(tm), nodeMemory: integer(nm), freeMemory: integer(fm) };
  const disk = { totalDisk: number(td), freeDisk: integer(fd) };
  const totalCpus = number(tc);
  const nodeCpus = integer(all[13]);
  const totalSpindles = integer(all[9]);
  const cpuSpeed = number(all[14]);
  const freeSpindles = integer(all[12]);
  return {
    name,
    group,
    ...memory,
    ...disk,
    totalCpus,
    nodeCpus,
    totalSpindles,
    freeSpindles,
    cpuSpeed,
    offline: role === 'Y',
    isMaster: role === 'M',
    tags: splitText(all[10]!, ','),
    exclusiveStorage: readFlag(all[11]!, `Invalid exclusive_storage value for node '${name}': ${all[11]}`),
    ...volumeGroupsField(readVolumeGroups(name, all[15])),
  };
}

function volumeGroupsField(volumeGroups: NodeFields['volumeGroups']): Pick<NodeFields, 'volumeGroups'> {
  return volumeGroups === undefined ? {} : { volumeGroups };
}

function otherDisks(name: string, text: string | undefined): Disk[] {
  if (text === undefined || text === '') return [];
  return text.split(';').map((entry) => {
    const match = /^([^=]+)=(\d+)$/.exec(entry);
    if (match === null) throw new DataError(`Invalid volume group data for instance ${name}: ${entry}`);
    return { size: Number(match[2]), spindles: 0, volumeGroup: match[1]! };
  });
}

const instanceDefaults = ['1', '-', 'N'];

function readInstance(fields: readonly string[], nodes: Indexes): Instance {
  if (fields.length < 10) throw invalid('instance', fields);
  const all = [...fields, ...instanceDefaults.slice(fields.length - 10)];
  const [name, mem, dsk, cpus, status, balance, primaryName, secondaryName, template, tags] = all as [
    string,
    ...string[],
  ] &
    Record<number, string>;
  const primary = findNode(nodes, name, primaryName!);
  const secondary = secondaryName === '' ? noNode : findNode(nodes, name, secondaryName!);
  const memory = readInteger(name, mem!);
  const disk = readInteger(name, dsk!);
  const vcpus = readInteger(name, cpus!);
  const state = readInstanceStatus(status!);
  const autoBalance = readFlag(balance!, `Invalid auto_balance value '${balance}' for instance ${name}`);
  const diskTemplate = annotated(`Instance ${name}`, () => readDiskTemplate(template!));
  const spindleUse = readInteger(name, all[10]!);
  const spindles = all[11] === '-' ? undefined : readInteger(name, all[11]!);
  const forthcoming = readFlag(all[12]!, `Invalid forthcoming value '${all[12]}' for instance ${name}`);
  const instance = new Instance({
    name,
    memory,
    disk,
    disks: [{ size: disk, spindles }, ...otherDisks(name, all[13])],
    cpus: vcpus,
    status: state,
    tags: splitText(tags!, ','),
    autoBalance,
    primary,
    secondary,
    template: diskTemplate,
    spindleUse,
    nics: [],
    forthcoming,
  });
  if (instance.hasSecondary && secondary === primary) {
    throw new DataError(`Instance ${name} has same primary and secondary node - ${primaryName}`);
  }
  return instance;
}

export function readSpec(owner: string, fields: readonly string[]): InstanceSpec {
  if (fields.length < 6) throw new DataError(`Invalid ispec data for ${owner}: ${quotedList(fields)}`);
  const value = (name: string, at: number) => readInteger(`${owner}/${name}`, fields[at]!);
  return {
    memory: value('memsize', 0),
    cpus: value('cpucount', 1),
    diskSize: value('disksize', 2),
    diskCount: value('diskcount', 3),
    nicCount: value('niccount', 4),
    spindles: value('spindleuse', 5),
  };
}

function readRanges(owner: string, text: string): SpecRange[] {
  const specs = splitText(text, ';');
  if (specs.length % 2 !== 0) throw new DataError(`Odd number of min/max specs for ${owner}`);
  const ranges: SpecRange[] = [];
  for (let i = 0; i < specs.length; i += 2) {
    ranges.push({
      min: readSpec(`${owner}/minspec`, splitText(specs[i]!, ',')),
      max: readSpec(`${owner}/maxspec`, splitText(specs[i + 1]!, ',')),
    });
  }
  return ranges;
}

function readPolicy(fields: readonly string[]): { owner: string; policy: Policy } {
  const [owner, standard, ranges, templates, cpuRatio, spindleRatio] = fields;
  if (owner === undefined || spindleRatio === undefined) {
    throw new DataError(`Invalid ipolicy data: '${quotedList(fields)}'`);
  }
  const policy = {
    standard: readSpec(`${owner}/stdspec`, splitText(standard!, ',')),
    ranges: readRanges(owner, ranges!),
    diskTemplates: splitText(templates!, ',').map(readDiskTemplate),
    cpuRatio: readNumber(`${owner}/vcpu_ratio`, cpuRatio!),
    spindleRatio: readNumber(`${owner}/spindle_ratio`, spindleRatio),
  };
  return { owner, policy };
}

/** Reads a whole file. Throws DataError. */
export function parseText(text: string): RawCluster {
  const sections = splitSections(linesOf(text));
  if (sections.length < 4) {
    throw new DataError(`Invalid format of the input file: ${sections.length} sections instead of 4 or more`);
  }
  const rows = (section: number) => (sections[section] ?? []).map((line) => line.split('|'));
  const groups = new Map(rows(0).map((fields, index) => [index, readGroup(fields, index)]));
  const groupIndexes = indexesOf([...groups.values()].map((group) => group.uuid));
  const nodeFields = rows(1).map((fields) => readNode(fields, groupIndexes));
  const nodeIndexes = indexesOf(nodeFields.map((node) => node.name));
  const instances = rows(2).map((fields, index) => {
    const instance = readInstance(fields, nodeIndexes);
    instance.index = index;
    return instance;
  });
  let policy = defaultPolicy;
  for (const fields of rows(4)) {
    const { owner, policy: read } = readPolicy(fields);
    if (owner === '') {
      policy = read;
      continue;
    }
    const group = findByName(groups.values(), groupNames, owner);
    if (group === undefined) throw new DataError(`Wrong number of elems found with name ${owner}`);
    groups.set(group.index, { ...group, policy: read });
  }
  return { groups, nodes: new NodeTable(nodeFields), instances, tags: sections[3]!, policy };
}
