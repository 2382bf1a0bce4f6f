/**
 * OP_GROUP_VERIFY_DISKS: which disks that should be active aren't, and which volumes are missing. What can
 * be mended is mended by who asks (gnt-cluster verify-disks, the watcher), instance by instance.
 */
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, groupNamed, nodesOf } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { blockdevStatus, type DiskStatus } from '../../noderpc/calls/disk.ts';
import { lvList } from '../../noderpc/calls/node.ts';
import type { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { GroupVerifyDisks } from '../../opcodes/group.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { diskOnNode } from '../on-node.ts';
import { operation, type PlanContext } from '../operation.ts';
import { groupsOfInstance, instancesOfGroup, nodesOfGroup } from './members.ts';

/** By node name why it couldn't say; instances to activate; by instance its missing [node, volume]. */
type Findings = [Record<string, string>, string[], Record<string, [string, string][]>];

class Inspection {
  readonly errors: Record<string, string> = {};
  readonly inactive = new Set<string>();
  readonly missing: Record<string, [string, string][]> = {};
  readonly #context: PlanContext;
  readonly #instances: readonly Instance[];

  constructor(context: PlanContext, instances: readonly Instance[]) {
    this.#context = context;
    this.#instances = instances.filter((instance) => instance.disks_active);
  }

  async findings(): Promise<Findings> {
    await this.#checkVolumes();
    await this.#checkMirrors();
    return [this.errors, [...this.inactive], this.missing];
  }

  get #configuration(): Configuration {
    return this.#context.configuration;
  }

  #nameOf(node: string): string {
    return this.#configuration.nodes.get(node)?.name ?? node;
  }

  /** A node that is offline is known to have nothing to say; one without guests holds no volumes. */
  #isAsked(uuid: string): boolean {
    const node = this.#configuration.nodes.get(uuid);
    return node !== undefined && !node.offline && node.vm_capable;
  }

  /** Volumes that should be on each node, with the instance they belong to. */
  #expectedVolumes(): Map<string, Map<string, string>> {
    const expected = new Map<string, Map<string, string>>();
    const visit = (disk: Disk, instance: string) => {
      const children = disk.children ?? [];
      for (const child of children) visit(child, instance);
      if (children.length > 0 || !storageAbout(disk.dev_type).volumeGroup) return;
      for (const node of disk.nodes) {
        const volumes = expected.get(node) ?? new Map<string, string>();
        expected.set(node, volumes.set((disk.logical_id ?? []).join('/'), instance));
      }
    };
    for (const instance of this.#instances)
      for (const disk of disksOf(this.#configuration, instance)) visit(disk, instance.name);
    return expected;
  }

  async #checkVolumes(): Promise<void> {
    const expected = this.#expectedVolumes();
    const nodes = [...expected.keys()].filter((uuid) => this.#isAsked(uuid));
    const replies = await this.#context.nodes.callAll(nodes, lvList, { vgs: [] });
    for (const node of nodes) {
      const reply = replies.get(node);
      if (reply === undefined || reply.kind === 'offline') continue;
      if (reply.kind !== 'answered') this.errors[this.#nameOf(node)] = reply.message;
      const found = new Map(
        (reply.kind === 'answered' ? reply.value : []).map((volume) => [
          `${volume.vg}/${volume.name}`,
          volume,
        ]),
      );
      for (const [volume, instance] of expected.get(node)!) {
        const state = found.get(volume);
        if (state !== undefined && !state.online) this.inactive.add(instance);
        if (state === undefined) this.#note(instance, node, volume);
      }
    }
  }

  #note(instance: string, node: string, volume: string): void {
    this.missing[instance] ??= [];
    this.missing[instance].push([this.#nameOf(node), volume]);
  }

  #mirrorsByNode(): Map<string, { readonly instance: string; readonly disk: DiskOnNode }[]> {
    const byNode = new Map<string, { readonly instance: string; readonly disk: DiskOnNode }[]>();
    for (const instance of this.#instances) {
      for (const [index, disk] of disksOf(this.#configuration, instance).entries()) {
        if (storageAbout(disk.dev_type).mirrored !== 'internal') continue;
        for (const node of disk.nodes.filter((uuid) => this.#isAsked(uuid))) {
          const request = diskOnNode(this.#configuration, instance, disk, index, node);
          byNode.set(node, [...(byNode.get(node) ?? []), { instance: instance.name, disk: request }]);
        }
      }
    }
    return byNode;
  }

  async #checkMirrors(): Promise<void> {
    const byNode = this.#mirrorsByNode();
    const replies = await this.#context.nodes.callAll([...byNode.keys()], blockdevStatus, (node) => ({
      disks: byNode.get(node)!.map(({ disk }) => disk),
    }));
    for (const [node, mirrors] of byNode) {
      const reply = replies.get(node);
      if (reply === undefined || reply.kind === 'offline') continue;
      if (reply.kind !== 'answered') {
        this.errors[this.#nameOf(node)] = reply.message;
        continue;
      }
      for (const [index, { instance }] of mirrors.entries())
        if (needsActivation(reply.value[index] ?? null)) this.inactive.add(instance);
    }
  }
}

/** Not there, without its local volume, or cut off from the other side by itself (backend.DrbdNeedsActivation). */
function needsActivation(status: DiskStatus | null): boolean {
  return status === null || status.localDisk === 'faulty' || status.details.connection === 'StandAlone';
}

function locksOf(configuration: Configuration, group: string, opportunistic: boolean): LockRequest[] {
  const instances = instancesOfGroup(configuration, group);
  const groups = new Set([group, ...instances.flatMap((each) => groupsOfInstance(configuration, each))]);
  const nodes = new Set([
    ...nodesOfGroup(configuration, group).map(({ uuid }) => uuid),
    ...instances.flatMap((each) => nodesOf(configuration, each)),
  ]);
  return [
    ...instances.map(({ name }): LockRequest => ({ level: 'instance', name, mode: 'shared', opportunistic })),
    ...[...groups].map((name): LockRequest => ({ level: 'nodegroup', name, mode: 'shared' })),
    ...[...nodes].map((name): LockRequest => ({ level: 'node', name, mode: 'shared', opportunistic })),
  ];
}

/** Instances of the group that no other job is at work on: their own lock and those of their nodes were taken. */
function lockedInstances({ configuration, held }: PlanContext, group: string): Instance[] {
  const holds = (level: LockRequest['level'], name: string) =>
    held.some((lock) => lock.level === level && lock.name === name);
  return instancesOfGroup(configuration, group).filter(
    (instance) =>
      holds('instance', instance.name) &&
      nodesOf(configuration, instance).every((node) => holds('node', node)),
  );
}

export const groupVerifyDisks = operation({
  opcode: GroupVerifyDisks,
  steps: [],
  locks: (op, configuration) =>
    locksOf(configuration, groupNamed(configuration, op.group_name).uuid, !op.is_strict),
  plan: async (op, context): Promise<Findings> => {
    const { uuid } = groupNamed(context.configuration, op.group_name);
    return await new Inspection(context, lockedInstances(context, uuid)).findings();
  },
  run: async (findings) => findings,
});
