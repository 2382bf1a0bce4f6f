/**
 * A configuration while it is being changed. It begins as the newest accepted one, shares everything
 * with it that isn't touched, and remembers what was.
 */
import { Failure } from '../kit/failure.ts';
import {
  type Configuration,
  type Objects,
  objectSchemas,
  type TableName,
  tableNames,
} from '../model/configuration.ts';
import { Cluster } from '../model/objects/cluster.ts';
import type { Table } from '../model/table.ts';
import type { Draft } from './contract.ts';
import type { Change } from './rules.ts';

type AnyTable = Table<Objects[TableName]>;

export interface Edited {
  readonly before: Configuration;
  readonly after: Configuration;
  readonly changes: readonly Change[];
}

/** The value as a replay of the journal will read it, or a sentence about why it can't be. */
function asJournalled<K extends TableName>(table: K, object: Objects[K]): Objects[K] {
  const parsed = objectSchemas[table].safeParse(JSON.parse(JSON.stringify(object)));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Failure('ConfigurationError', [
    `${table} ${object.uuid}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'wrong shape'}`,
  ]);
}

export class OpenDraft implements Draft {
  cluster: Cluster;
  nodes: Configuration['nodes'];
  nodegroups: Configuration['nodegroups'];
  instances: Configuration['instances'];
  disks: Configuration['disks'];
  networks: Configuration['networks'];
  filters: Configuration['filters'];
  readonly serial_no: number;
  readonly ctime: number;
  readonly mtime: number;
  readonly #base: Configuration;
  readonly #now: number;
  readonly #touched = new Map<string, { table: TableName; uuid: string }>();
  #closed = false;

  /** @param now seconds since the epoch, the time of everything that this draft changes */
  constructor(base: Configuration, now: number) {
    this.#base = base;
    this.#now = now;
    this.cluster = base.cluster;
    this.nodes = base.nodes;
    this.nodegroups = base.nodegroups;
    this.instances = base.instances;
    this.disks = base.disks;
    this.networks = base.networks;
    this.filters = base.filters;
    this.serial_no = base.serial_no;
    this.ctime = base.ctime;
    this.mtime = base.mtime;
  }

  put<K extends TableName>(table: K, object: Objects[K]): void {
    this.#check();
    if (object.uuid === '') throw new Failure('ProgrammerError', [`An object of ${table} without a uuid`]);
    const before = this.#base[table].get(object.uuid);
    const stamped = {
      ...object,
      serial_no: before === undefined ? 1 : before.serial_no + 1,
      ctime: before === undefined ? this.#now : before.ctime,
      mtime: this.#now,
    };
    this.#set(table, this.#table(table).with(stamped as Objects[TableName]), object.uuid);
  }

  remove(table: TableName, uuid: string): void {
    this.#check();
    this.#set(table, this.#table(table).without(uuid), uuid);
  }

  changeCluster(change: Partial<Cluster>): void {
    this.#check();
    const before = this.#base.cluster;
    this.cluster = {
      ...this.cluster,
      ...change,
      serial_no: before.serial_no + 1,
      ctime: before.ctime,
      mtime: this.#now,
    };
  }

  /** Fields that follow from other changes (pools of ports and addresses) and count as no change of their own. */
  adjustCluster(change: Partial<Cluster>): void {
    this.#check();
    this.cluster = { ...this.cluster, ...change };
  }

  adjust<K extends TableName>(table: K, object: Objects[K]): void {
    this.#check();
    this.#set(table, this.#table(table).with(object), object.uuid);
  }

  /** What was touched so far, as it stands in the draft. */
  changes(): Change[] {
    return [...this.#touched.values()]
      .map(({ table, uuid }) => ({
        table,
        uuid,
        before: this.#base[table].get(uuid),
        after: this[table].get(uuid),
      }))
      .filter((change) => change.before !== change.after);
  }

  /**
   * The draft takes no more changes. Gives undefined when nothing was changed.
   * @throws Failure ConfigurationError when an object has a wrong shape
   */
  close(): Edited | undefined {
    this.#check();
    const changes = this.changes().map((change) => {
      if (change.after === undefined) return change;
      const after = asJournalled(change.table, change.after as never) as Objects[TableName];
      this.#set(change.table, this.#table(change.table).with(after), change.uuid);
      return { ...change, after };
    });
    const clusterChanged = this.cluster !== this.#base.cluster;
    if (clusterChanged) this.cluster = this.#parsedCluster();
    this.#closed = true;
    if (changes.length === 0 && !clusterChanged) return undefined;
    const after = {
      ...(Object.fromEntries(tableNames.map((name) => [name, this[name]])) as unknown as Configuration),
      cluster: this.cluster,
      serial_no: this.#base.serial_no + 1,
      ctime: this.#base.ctime,
      mtime: this.#now,
    };
    return { before: this.#base, after, changes };
  }

  #parsedCluster(): Cluster {
    const parsed = Cluster.safeParse(JSON.parse(JSON.stringify(this.cluster)));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new Failure('ConfigurationError', [
      `cluster: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    ]);
  }

  #check(): void {
    if (this.#closed) throw new Failure('ProgrammerError', ['A draft was changed after its commit']);
  }

  #table(name: TableName): AnyTable {
    return this[name] as unknown as AnyTable;
  }

  #set(name: TableName, table: AnyTable, uuid: string): void {
    (this as unknown as Record<TableName, AnyTable>)[name] = table;
    this.#touched.set(`${name}/${uuid}`, { table: name, uuid });
  }
}
