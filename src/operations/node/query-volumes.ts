/** OP_NODE_QUERYVOLS: logical volumes of nodes, by the physical ones that they lie on, with their owners. */
import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import { nodeVolumes, type VolumeOnDevice } from '../../noderpc/calls/storage.ts';
import { NodeQueryVols } from '../../opcodes/node.ts';
import { storageAbout } from '../../storage/catalog.ts';
import { operation } from '../operation.ts';
import { faultOf } from '../replies.ts';
import { requireFields } from './query-storage.ts';
import { nodeLocks, wantedNodes } from './wanted.ts';

const fields = ['node', 'phys', 'vg', 'name', 'size', 'instance'];

/** Instance by "node/vg/volume". */
function owners(configuration: Configuration): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (disk: Disk, instance: string) => {
    const children = disk.children ?? [];
    for (const child of children) visit(child, instance);
    if (children.length > 0 || !storageAbout(disk.dev_type).volumeGroup) return;
    for (const node of disk.nodes) found.set([node, ...(disk.logical_id ?? [])].join('/'), instance);
  };
  for (const instance of configuration.instances)
    for (const disk of disksOf(configuration, instance)) visit(disk, instance.name);
  return found;
}

/** Every value is text, as Ganeti has it; "-" for a volume of nobody. */
function cell(volume: VolumeOnDevice, node: string, owner: string | undefined, field: string): string {
  switch (field) {
    case 'node':
      return node;
    case 'phys':
      return volume.device;
    case 'vg':
      return volume.vg;
    case 'name':
      return volume.name;
    case 'size':
      return String(Math.floor(volume.size));
    default:
      return owner ?? '-';
  }
}

export const nodeQueryVolumes = operation({
  opcode: NodeQueryVols,
  steps: [],
  locks: (op, configuration) => nodeLocks(configuration, op.nodes, 'shared'),
  plan: async (op, context): Promise<string[][]> => {
    requireFields(fields, op.output_fields);
    const { configuration } = context;
    const nodes = wantedNodes(configuration, op.nodes);
    const replies = await context.nodes.callAll(
      nodes.map(({ uuid }) => uuid),
      nodeVolumes,
      {},
    );
    const byVolume = owners(configuration);
    return nodes.flatMap(({ uuid, name: node }) => {
      const reply = replies.get(uuid);
      if (reply?.kind !== 'answered') {
        const fault = faultOf(reply);
        if (fault !== undefined) context.warn(`Can't compute volume data on node ${node}: ${fault}`);
        return [];
      }
      const volumes = [...reply.value].sort((a, b) =>
        a.device < b.device ? -1 : a.device > b.device ? 1 : 0,
      );
      return volumes.map((volume) => {
        const owner = byVolume.get(`${uuid}/${volume.vg}/${volume.name}`);
        return op.output_fields.map((field) => cell(volume, node, owner, field));
      });
    });
  },
  run: async (rows) => rows,
});
