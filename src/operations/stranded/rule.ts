/** What the rules of stranded steps have in common: how one is written, and the questions that most of them ask. */

import type { Step } from '../../jobs/steps.ts';
import type { LateUndo, Verdict } from '../../jobs/stranded.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, secondariesOf } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { storageAbout } from '../../storage/catalog.ts';
import type { World } from '../operation.ts';

export interface Rule<Input> {
  /** Nodes that the undo works on. */
  readonly nodes: (input: Input) => readonly string[];
  /** Names of instances that nobody may be at work on meanwhile. */
  readonly instances: (configuration: Configuration, input: Input) => readonly string[];
  readonly judge: (world: World, input: Input, owner: string) => Promise<Verdict> | Verdict;
  /** Disks whose minors, volumes and ports stay reserved until then. */
  readonly disks?: (input: Input) => readonly Disk[];
  /** The whole cluster is held: for what is done without the locks of any object. */
  readonly wholeCluster?: boolean;
}

export const undo: Verdict = { kind: 'undo' };
export const settled = (reason: string): Verdict => ({ kind: 'settled', reason });
export const later = (reason: string): Verdict => ({ kind: 'later', reason });

/** The instance locks that the rule names, the nodes shared: as operations on instances take them. */
function locksFor(
  configuration: Configuration,
  instances: readonly string[],
  nodes: readonly string[],
  wholeCluster: boolean,
): LockRequest[] {
  if (wholeCluster) return [{ level: 'cluster', name: 'BGL', mode: 'exclusive' }];
  const known = [...new Set(nodes)].filter((node) => configuration.nodes.has(node));
  return [
    { level: 'cluster', name: 'BGL', mode: 'shared' },
    ...[...new Set(instances)].map((name): LockRequest => ({ level: 'instance', name, mode: 'exclusive' })),
    ...known.map((name): LockRequest => ({ level: 'node', name, mode: 'shared' })),
    ...known.map((name): LockRequest => ({ level: 'node-res', name, mode: 'shared' })),
  ];
}

/** A rule in the form in which the job queue takes it. */
export function lateUndo<Input>(
  step: Step<World, Input, unknown>,
  rule: Rule<Input>,
): readonly [string, LateUndo<World>] {
  const { disks } = rule;
  return [
    step.name,
    {
      step,
      nodes: (input) => rule.nodes(input as Input),
      locks: ({ config }, input) =>
        locksFor(
          config.current,
          rule.instances(config.current, input as Input),
          rule.nodes(input as Input),
          rule.wholeCluster ?? false,
        ),
      judge: (world, input, owner) => {
        const { nodes } = world.config.current;
        const left = rule.nodes(input as Input).filter((node) => !node.includes(':') && !nodes.has(node));
        if (left.length > 0) return settled('the node has left the cluster');
        return rule.judge(world, input as Input, owner);
      },
      ...(disks !== undefined && {
        hold: ({ config }: World, input: unknown, owner: string) => {
          for (const disk of disks(input as Input)) config.reservations.hold(owner, disk);
        },
      }),
    },
  ];
}

/** The instance that has the disk of that uuid now. */
export function holderOf(configuration: Configuration, disk: string): Instance | undefined {
  return configuration.instances.values().find((instance) => instance.disks.includes(disk));
}

/** The disk as the configuration has it, when `node` still holds it. */
export function ownDisk(configuration: Configuration, { disk }: DiskOnNode, node: string): Disk | undefined {
  const found = configuration.disks.get(disk.uuid);
  return found?.nodes.includes(node) && sameId(found, disk) ? found : undefined;
}

export function sameId(one: Pick<Disk, 'logical_id'>, other: Pick<Disk, 'logical_id'>): boolean {
  const plain = ({ logical_id: id }: Pick<Disk, 'logical_id'>) =>
    // A mirror's last part is its secret, which the journal may not show.
    JSON.stringify((id ?? []).slice(0, 5));
  return plain(one) === plain(other);
}

/** The disk and every one below it. */
function withLower(disk: Disk): Disk[] {
  return [disk, ...(disk.children ?? []).flatMap(withLower)];
}

/** Is it on the node, or where every node sees it? */
function isSeenFrom(node: string, disk: Disk): boolean {
  return storageAbout(disk.dev_type).mirrored === 'external' || disk.nodes.includes(node);
}

/** Ids of what really stands on the node for a disk: the volumes of a mirror, else its own. */
function volumeIds(disk: Disk): string[] {
  const lowest = withLower(disk).filter((each) => (each.children ?? []).length === 0);
  return lowest.map((each) => JSON.stringify(each.logical_id ?? []));
}

/** The instance that has one of the disk's volumes on the node now. */
export function userOf(configuration: Configuration, disk: Disk, node: string): Instance | undefined {
  const ids = new Set(volumeIds(disk));
  return configuration.instances
    .values()
    .find((instance) =>
      disksOf(configuration, instance).some(
        (other) => isSeenFrom(node, other) && volumeIds(other).some((id) => ids.has(id)),
      ),
    );
}

/** The minor that a mirror has on the node. */
function minorOf(disk: Disk, node: string): unknown {
  const id = disk.logical_id ?? [];
  if ((disk.children ?? []).length === 0) return undefined;
  return id[0] === node ? id[3] : id[1] === node ? id[4] : undefined;
}

/** Instances with other mirrors that have the same minors on the node: nobody may be at work on them. */
export function minorHolders(
  configuration: Configuration,
  disks: readonly DiskOnNode[],
  node: string,
): Instance[] {
  const minors = new Set(disks.map(({ disk }) => minorOf(disk, node)).filter((minor) => minor !== undefined));
  if (minors.size === 0) return [];
  return configuration.instances
    .values()
    .filter((instance) =>
      disksOf(configuration, instance).some((disk) => minors.has(minorOf(disk, node) ?? null)),
    );
}

/** Uuids of the nodes that the instance lives on. */
export function homesOf(configuration: Configuration, instance: Instance): string[] {
  return [instance.primary_node, ...secondariesOf(configuration, instance)];
}
