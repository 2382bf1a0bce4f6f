/**
 * The whole configuration as one immutable value, and its form in config.data (version 3010000).
 * Fields of objects keep the names that config.data has, so that there is nothing to translate.
 */
import * as z from 'zod';
import { Cluster } from './objects/cluster.ts';
import { Disk } from './objects/disk.ts';
import { FilterRule } from './objects/filter-rule.ts';
import { Instance } from './objects/instance.ts';
import { Network } from './objects/network.ts';
import { Node } from './objects/node.ts';
import { NodeGroup } from './objects/node-group.ts';
import { Table } from './table.ts';

/** The version of config.data that is written: Ganeti 3.1's. */
export const configurationVersion = 3010000;

/** Table name in config.data to the type of its objects. */
export interface Objects {
  readonly nodes: Node;
  readonly nodegroups: NodeGroup;
  readonly instances: Instance;
  readonly disks: Disk;
  readonly networks: Network;
  readonly filters: FilterRule;
}
export type TableName = keyof Objects;
export const tableNames = [
  'nodes',
  'nodegroups',
  'instances',
  'disks',
  'networks',
  'filters',
] as const satisfies readonly TableName[];

export const objectSchemas: { readonly [K in TableName]: z.ZodType<Objects[K]> } = {
  nodes: Node,
  nodegroups: NodeGroup,
  instances: Instance,
  disks: Disk,
  networks: Network,
  filters: FilterRule,
};

export type Tables = { readonly [K in TableName]: Table<Objects[K]> };

export interface Configuration extends Tables {
  readonly cluster: Cluster;
  readonly serial_no: number;
  readonly ctime: number;
  readonly mtime: number;
}

/** From the parsed JSON of a config.data of version 3010000. Throws ZodError on a wrong shape. */
export function parseConfiguration(data: unknown): Configuration {
  const raw = z
    .looseObject({ cluster: z.unknown(), serial_no: z.int(), ctime: z.number(), mtime: z.number() })
    .parse(data);
  const table = <K extends TableName>(name: K): Table<Objects[K]> => {
    const records = z.record(z.string(), z.looseObject({})).parse(raw[name] ?? {});
    const schema = objectSchemas[name];
    return Table.of(Object.entries(records).map(([uuid, record]) => schema.parse({ ...record, uuid })));
  };
  return {
    cluster: Cluster.parse(raw.cluster),
    serial_no: raw.serial_no,
    ctime: raw.ctime,
    mtime: raw.mtime,
    nodes: table('nodes'),
    nodegroups: table('nodegroups'),
    instances: table('instances'),
    disks: table('disks'),
    networks: table('networks'),
    filters: table('filters'),
  };
}

/** An object as config.data has it: a filter rule has no serial number, times or tags there, and Ganeti refuses them. */
export function storedObject(name: TableName, object: Objects[TableName]): unknown {
  if (name !== 'filters') return object;
  const { serial_no: _serial, ctime: _made, mtime: _changed, tags: _tags, ...stored } = object as FilterRule;
  return stored;
}

/** The JSON value of config.data. */
export function serialiseConfiguration(configuration: Configuration): Record<string, unknown> {
  const records = (name: TableName) =>
    Object.fromEntries(
      (configuration[name] as Table<Objects[TableName]>)
        .values()
        .map((object) => [object.uuid, storedObject(name, object)]),
    );
  return {
    version: configurationVersion,
    cluster: configuration.cluster,
    ...Object.fromEntries(tableNames.map((name) => [name, records(name)])),
    serial_no: configuration.serial_no,
    ctime: configuration.ctime,
    mtime: configuration.mtime,
  };
}
