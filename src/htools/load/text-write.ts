/** Writes a cluster in the text format (hbal -S, hscan, hail -S). */

import type { NodeTable } from '../core/state/node-table.ts';
import type { Group, Groups } from '../core/terms/cluster.ts';
import { decimal, fixed, plain } from '../core/terms/format.ts';
import type { Instance } from '../core/terms/instance.ts';
import type { InstanceSpec, Policy } from '../core/terms/policy.ts';

/** What is written: all groups, some nodes, some instances. */
export interface Written {
  readonly groups: Groups;
  readonly nodes: NodeTable;
  readonly list: readonly number[];
  readonly instances: readonly Instance[];
  readonly tags: readonly string[];
  readonly policy: Policy;
}

function lines(items: readonly string[]): string {
  return items.map((item) => `${item}\n`).join('');
}

function groupLine(group: Group): string {
  return [
    group.name,
    group.uuid,
    group.allocationPolicy,
    group.tags.join(','),
    group.networks.join(','),
  ].join('|');
}

function volumeGroupColumn(nodes: NodeTable, node: number): string[] {
  const groups = nodes.volumeGroups[node];
  if (groups === undefined) return [];
  if (groups.size === 0) return ['-'];
  const free = nodes.volumeGroupFree[node];
  return [[...groups].map(([name, { total }]) => `${name}=${total}:${free?.get(name) ?? 0}`).join(';')];
}

function nodeLine(groups: Groups, nodes: NodeTable, node: number): string {
  const role = nodes.offline[node] === 1 ? 'Y' : nodes.isMaster[node] === 1 ? 'M' : 'N';
  return [
    nodes.name[node]!,
    fixed(nodes.totalMemory[node]!, 0),
    String(nodes.nodeMemory[node]),
    String(nodes.freeMemory[node]),
    fixed(nodes.totalDisk[node]!, 0),
    String(nodes.freeDisk[node]),
    fixed(nodes.totalCpus[node]!, 0),
    role,
    groups.get(nodes.group[node]!)?.uuid ?? '',
    String(nodes.totalSpindles[node]),
    nodes.tags[node]!.join(','),
    nodes.exclusiveStorage[node] === 1 ? 'Y' : 'N',
    String(nodes.freeSpindles[node]),
    String(nodes.nodeCpus[node]),
    plain(nodes.cpuSpeed[node]!),
    ...volumeGroupColumn(nodes, node),
  ].join('|');
}

function instanceLine(nodes: NodeTable, instance: Instance): string {
  const others = instance.otherVolumes;
  return [
    instance.name,
    String(instance.memory),
    String(instance.disk),
    String(instance.cpus),
    instance.status,
    instance.autoBalance ? 'Y' : 'N',
    nodes.name[instance.primary] ?? '',
    instance.secondary < 0 ? '' : (nodes.name[instance.secondary] ?? ''),
    instance.template,
    instance.tags.join(','),
    String(instance.spindleUse),
    instance.totalSpindles === undefined ? '-' : String(instance.totalSpindles),
    instance.forthcoming ? 'Y' : 'N',
    ...(others === undefined ? [] : [[...others].map(([name, size]) => `${name}=${size}`).join(';')]),
  ].join('|');
}

function specText(spec: InstanceSpec): string {
  return [spec.memory, spec.cpus, spec.diskSize, spec.diskCount, spec.nicCount, spec.spindles].join(',');
}

function policyLine(owner: string, policy: Policy): string {
  return [
    owner,
    specText(policy.standard),
    policy.ranges.flatMap((range) => [specText(range.min), specText(range.max)]).join(';'),
    policy.diskTemplates.join(','),
    decimal(policy.cpuRatio),
    decimal(policy.spindleRatio),
  ].join('|');
}

export function writeText(written: Written): string {
  const { groups, nodes, list, instances, tags, policy } = written;
  return [
    lines([...groups.values()].map(groupLine)),
    lines(list.map((node) => nodeLine(groups, nodes, node))),
    lines(instances.map((instance) => instanceLine(nodes, instance))),
    lines(tags),
    lines([
      policyLine('', policy),
      ...[...groups.values()].map((group) => policyLine(group.name, group.policy)),
    ]),
  ].join('\n');
}
