/**
 * Live data of nodes: one node_info call a node, naming only what the fields need. Nodes that are marked
 * offline are not asked.
 */
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Node } from '../../model/objects/node.ts';
import { filledNode } from '../../model/params/fill.ts';
import type { Reply, ResultOf } from '../../noderpc/call.ts';
import { nodeInfo } from '../../noderpc/calls/node.ts';
import { storageTemplates } from '../../storage/catalog.ts';
import type { QueryContext } from '../context.ts';
import type { LiveNeed } from '../field.ts';
import type { Row } from '../resource.ts';

export type NodeLive = Reply<ResultOf<typeof nodeInfo>>;

const unanswered = { kind: 'unreachable', message: 'no answer' } as const;

interface StorageUnit {
  readonly type: string;
  readonly key: string;
}

/** Where the cluster keeps disks of a storage type; undefined when that says nothing about a single node. */
function storageKey({ cluster }: Configuration, type: string): string | undefined {
  const keys: Readonly<Record<string, string | null | undefined>> = {
    'lvm-vg': cluster.volume_group_name,
    file: cluster.file_storage_dir,
    sharedfile: cluster.shared_file_storage_dir,
  };
  return keys[type] ?? undefined;
}

/** Units of the enabled disk templates in their order, each once; the first is what dtotal and dfree tell of. */
function storageUnits(configuration: Configuration): StorageUnit[] {
  const types = configuration.cluster.enabled_disk_templates.map(
    (template) => storageTemplates.find(({ name }) => name === template)?.storageType ?? '',
  );
  return [...new Set(types)].flatMap((type) => {
    const key = storageKey(configuration, type);
    return key === undefined || key === '' ? [] : [{ type, key }];
  });
}

/** The unit that spindles are counted in. */
export const spindleType = 'lvm-pv';

/** Volume groups other than the cluster's, where disks were put by their names. */
function otherVolumeGroups(configuration: Configuration): string[] {
  const main = configuration.cluster.volume_group_name;
  const names = configuration.disks.values().map(volumeGroupOf);
  return [...new Set(names)].filter((name) => name !== undefined && name !== main).sort() as string[];
}

/** The volume group of a disk's data; undefined when it is kept elsewhere. */
export function volumeGroupOf(disk: Disk): string | undefined {
  const volume = disk.dev_type === 'drbd' ? disk.children?.[0] : disk;
  const name = volume?.dev_type === 'plain' ? volume.logical_id?.[0] : undefined;
  return typeof name === 'string' ? name : undefined;
}

function unitsFor(configuration: Configuration, needs: ReadonlySet<LiveNeed>): StorageUnit[] {
  const vg = storageKey(configuration, 'lvm-vg');
  return [
    ...(needs.has('storage') ? storageUnits(configuration) : []),
    ...(needs.has('volume-groups')
      ? otherVolumeGroups(configuration).map((key) => ({ type: 'lvm-vg', key }))
      : []),
    ...(needs.has('spindles') && vg !== undefined && vg !== '' ? [{ type: spindleType, key: vg }] : []),
  ];
}

export async function fetchNodes(
  context: QueryContext,
  nodes: readonly Node[],
  needs: ReadonlySet<LiveNeed>,
): Promise<Row<Node, NodeLive>[]> {
  const { configuration } = context;
  const { cluster, nodegroups } = configuration;
  const [name] = cluster.enabled_hypervisors;
  const hypervisors =
    needs.has('hypervisor') && name !== undefined ? [{ name, hvparams: { ...cluster.hvparams[name] } }] : [];
  const units = unitsFor(configuration, needs);
  const online = nodes.filter((node) => !node.offline).map((node) => node.uuid);
  const replies = await context.nodes.callAll(online, nodeInfo, (uuid) => {
    const node = configuration.nodes.get(uuid);
    const group = node === undefined ? undefined : nodegroups.get(node.group);
    const exclusive = filledNode(cluster, group, node).exclusive_storage;
    return { storage: units.map((unit) => ({ ...unit, exclusive })), hypervisors };
  });
  return nodes.map((item) => ({
    item,
    live: item.offline ? { kind: 'offline' } : (replies.get(item.uuid) ?? unanswered),
  }));
}
