/**
 * The rules of the configuration: all of Ganeti's own check (ConfigWriter.VerifyConfig, ConfigVerify.hs).
 * `verifyConfiguration` looks at everything and is for `gnt-cluster verify` and the start; a commit looks
 * only at what it touches, so its cost does not grow with the cluster (`faultsOfChange`). A commit is
 * refused for what it makes wrong, not for what was wrong before: a cluster taken over with a fault must
 * stay manageable.
 */
import { type Configuration, type Objects, type TableName, tableNames } from '../model/configuration.ts';
import type { Table } from '../model/table.ts';
import { ClaimIndex } from './claim-index.ts';
import { clusterOwner, type Facts, factsOf, factsOfCluster, ownerKey, splitClaim } from './claims.ts';
import { danglingFaults, duplicateFaults, portFaults } from './rules/claims.ts';
import { candidatePoolFault, clusterFaults, objectFaults } from './rules/objects.ts';

/** One object that a commit touches; `before` is missing when it is new, `after` when it goes. */
export interface Change {
  readonly table: TableName;
  readonly uuid: string;
  readonly before: Objects[TableName] | undefined;
  readonly after: Objects[TableName] | undefined;
}

function portsOf(index: ClaimIndex): Iterable<number> {
  return [...index.valuesOf('port:')].map(Number);
}

function allObjectFaults(configuration: Configuration): string[] {
  return tableNames.flatMap((name) => {
    const table = configuration[name] as Table<Objects[TableName]>;
    return table.values().flatMap((object) => objectFaults(name, object, configuration));
  });
}

/** Everything that is wrong, as sentences; empty when nothing is. */
export function faultsWithIndex(configuration: Configuration, index: ClaimIndex): string[] {
  const pool = candidatePoolFault(configuration);
  return [
    ...clusterFaults(configuration),
    ...[...index.targets()].flatMap((target) => danglingFaults(target, index, configuration)),
    ...allObjectFaults(configuration),
    ...[...index.duplicates()].flatMap(([key, owners]) => duplicateFaults(key, owners, index, configuration)),
    ...portFaults(portsOf(index), configuration),
    ...(pool === undefined ? [] : [pool]),
  ];
}

/** Everything that is wrong, as sentences; empty when nothing is. Takes time that grows with the cluster. */
export function verifyConfiguration(configuration: Configuration): string[] {
  return faultsWithIndex(configuration, ClaimIndex.of(configuration));
}

/** What the feedback of an operation shows after a commit that left too few candidates. */
export { candidatePoolFault } from './rules/objects.ts';

const nothing: Facts = { claims: [], references: [] };

interface Moved {
  readonly owner: string;
  readonly before: Facts;
  readonly after: Facts;
}

/** Claims and references of everything that differs between two configurations. */
export function movedFacts(
  before: Configuration,
  after: Configuration,
  changes: readonly Change[],
): readonly Moved[] {
  const moved: Moved[] = changes.map((change) => ({
    owner: ownerKey(change.table, change.uuid),
    before: change.before === undefined ? nothing : factsOf(change.table, change.before, before.cluster),
    after: change.after === undefined ? nothing : factsOf(change.table, change.after, after.cluster),
  }));
  if (before.cluster !== after.cluster) {
    moved.push({
      owner: clusterOwner,
      before: factsOfCluster(before.cluster),
      after: factsOfCluster(after.cluster),
    });
  }
  return moved;
}

export function moveFacts(index: ClaimIndex, moved: readonly Moved[]): void {
  for (const { owner, before } of moved) index.remove(owner, before);
  for (const { owner, after } of moved) index.add(owner, after);
}

export function moveFactsBack(index: ClaimIndex, moved: readonly Moved[]): void {
  for (const { owner, after } of moved) index.remove(owner, after);
  for (const { owner, before } of moved) index.add(owner, before);
}

/** Instances whose rules look at a touched object: themselves, and those of touched disks. */
function touchedInstances(index: ClaimIndex, changes: readonly Change[]): Set<string> {
  const uuids = new Set<string>();
  for (const change of changes) {
    if (change.table === 'instances' && change.after !== undefined) uuids.add(change.uuid);
    if (change.table !== 'disks') continue;
    for (const owner of index.referrersOf(ownerKey('disks', change.uuid))) {
      if (owner.startsWith('instances/')) uuids.add(owner.slice('instances/'.length));
    }
  }
  return uuids;
}

function withoutOld(faults: readonly string[], old: () => readonly string[]): readonly string[] {
  if (faults.length === 0) return faults;
  const known = new Set(old());
  return faults.filter((fault) => !known.has(fault));
}

function newObjectFaults(
  index: ClaimIndex,
  before: Configuration,
  after: Configuration,
  changes: readonly Change[],
): string[] {
  const faults: string[] = [];
  for (const uuid of touchedInstances(index, changes)) {
    const instance = after.instances.get(uuid);
    if (instance === undefined) continue;
    const old = before.instances.get(uuid);
    faults.push(
      ...withoutOld(objectFaults('instances', instance, after), () =>
        old === undefined ? [] : objectFaults('instances', old, before),
      ),
    );
  }
  for (const change of changes) {
    const { table, after: object, before: old } = change;
    if (table === 'instances' || object === undefined) continue;
    faults.push(
      ...withoutOld(objectFaults<TableName>(table, object, after), () =>
        old === undefined ? [] : objectFaults<TableName>(table, old, before),
      ),
    );
  }
  return faults;
}

function newClaimFaults(index: ClaimIndex, after: Configuration, moved: readonly Moved[]): string[] {
  const faults: string[] = [];
  const ports: number[] = [];
  for (const { before, after: now } of moved) {
    const old = new Set(before.claims);
    for (const key of new Set(now.claims)) {
      const { kind, value } = splitClaim(key);
      if (kind === 'port') ports.push(Number(value));
      const owners = index.ownersOf(key);
      const twiceHere = now.claims.indexOf(key) !== now.claims.lastIndexOf(key);
      if (owners.length > 1 && (!old.has(key) || twiceHere))
        faults.push(...duplicateFaults(key, owners, index, after));
    }
    const known = new Set(before.references);
    for (const target of now.references) {
      if (!known.has(target)) faults.push(...danglingFaults(target, index, after));
    }
  }
  return [...faults, ...portFaults(ports, after)];
}

/**
 * What a commit makes wrong.
 * @param index with the commit's facts already moved in
 */
export function faultsOfChange(
  index: ClaimIndex,
  before: Configuration,
  after: Configuration,
  changes: readonly Change[],
  moved: readonly Moved[],
): string[] {
  const faults = newObjectFaults(index, before, after, changes);
  faults.push(...newClaimFaults(index, after, moved));
  for (const change of changes) {
    if (change.after === undefined)
      faults.push(...danglingFaults(ownerKey(change.table, change.uuid), index, after));
  }
  const touchesMaster = changes.some((change) => change.uuid === after.cluster.master_node);
  if (before.cluster !== after.cluster || touchesMaster) {
    faults.push(...withoutOld(clusterFaults(after), () => clusterFaults(before)));
  }
  return [...new Set(faults)];
}
