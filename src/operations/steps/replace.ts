/**
 * Steps that give mirrors other storage. Volumes of a mirror have the same names on both nodes, so new ones on
 * one node take the names of the old, which are set aside:
 *
 *   before    data, meta          spare data, spare meta      (attached: data, meta)
 *   between   aside data, meta    spare data, spare meta      (attached: nothing, the other node serves)
 *   after     aside data, meta    data, meta                  (attached: data, meta, filled by the other node)
 *
 * What is set aside tells an undo how far it had come, however often it is asked.
 */
import * as z from 'zod';
import * as calls from '../../noderpc/calls/disk.ts';
import { DiskOnNode } from '../../noderpc/calls/shapes.ts';
import { step, type World } from '../operation.ts';
import { connectEnds } from './mirrors.ts';

const Swap = z.object({
  node: z.string(),
  /** The mirror, with the volumes under their lasting names. */
  disk: DiskOnNode,
  /** Works on this node: its guest may run here. */
  asPrimary: z.boolean(),
  volumes: z.array(
    z.object({
      /** Under its lasting name, under the name it is set aside with, and the new one under its first name. */
      lasting: DiskOnNode,
      aside: DiskOnNode,
      spare: DiskOnNode,
      /** There is something to set aside. */
      wasThere: z.boolean(),
    }),
  ),
});
type Swap = z.infer<typeof Swap>;
type Volume = Swap['volumes'][number];

const idOf = (request: DiskOnNode) => [...(request.disk.logical_id ?? [])];

async function exists({ nodes }: World, node: string, disk: DiskOnNode): Promise<boolean> {
  return (await nodes.call(node, calls.blockdevFind, { disk })) !== null;
}

async function rename({ nodes }: World, node: string, from: DiskOnNode, to: DiskOnNode): Promise<void> {
  await nodes.call(node, calls.blockdevRename, { renames: [{ disk: from, logicalId: idOf(to) }] });
}

/** Is the new volume, or nothing, where the old one was? */
async function isSwapped(world: World, node: string, volume: Volume): Promise<boolean> {
  if (volume.wasThere) return await exists(world, node, volume.aside);
  return (await exists(world, node, volume.lasting)) && !(await exists(world, node, volume.spare));
}

async function swapBack(world: World, node: string, volume: Volume): Promise<void> {
  const { lasting, aside, spare, wasThere } = volume;
  if (await exists(world, node, lasting)) await rename(world, node, lasting, spare);
  if (wasThere) await rename(world, node, aside, lasting);
}

/** Exchanges the volumes of one mirror on one node. */
export const swapStorage = step({
  name: 'swap-storage',
  input: Swap,
  run: async (world, { node, disk, volumes }) => {
    const { nodes } = world;
    await nodes.call(node, calls.blockdevRemoveChildren, {
      disk,
      children: volumes.map(({ lasting }) => lasting),
    });
    for (const { lasting, aside, wasThere } of volumes)
      if (wasThere) await rename(world, node, lasting, aside);
    for (const { lasting, spare } of volumes) await rename(world, node, spare, lasting);
    await nodes.call(node, calls.blockdevAddChildren, {
      disk,
      children: volumes.map(({ lasting }) => lasting),
    });
  },
  undo: async (world, { node, disk, asPrimary, volumes }) => {
    const { nodes } = world;
    const swapped: Volume[] = [];
    for (const volume of volumes) if (await isSwapped(world, node, volume)) swapped.push(volume);
    if (swapped.length > 0) {
      const children = volumes.map(({ lasting }) => lasting);
      await nodes.call(node, calls.blockdevRemoveChildren, { disk, children });
      for (const volume of swapped) await swapBack(world, node, volume);
    }
    // With its old volumes, as far as there are any, it works as before; it does already: fine.
    if (volumes.every(({ wasThere }) => wasThere))
      await nodes.call(node, calls.blockdevAssemble, { disk, asPrimary });
  },
});

/** Parts the primary from its old secondary; undone by looking for it again. */
export const leaveSecondary = step({
  name: 'leave-secondary',
  input: z.object({
    /** Where the mirror's good side is. */
    primary: z.string(),
    disks: z.array(DiskOnNode),
  }),
  run: async ({ nodes }, { primary, disks }) => {
    await nodes.call(primary, calls.drbdDisconnectNet, { disks });
  },
  undo: async ({ nodes }, { primary, disks }) => {
    for (const disk of disks) await nodes.call(primary, calls.blockdevAssemble, { disk, asPrimary: true });
  },
});

const BothSides = z.object({
  primary: z.string(),
  secondary: z.string(),
  onPrimary: z.array(DiskOnNode),
  onSecondary: z.array(DiskOnNode),
});

async function connectBoth(
  { nodes }: World,
  { primary, secondary, onPrimary, onSecondary }: z.infer<typeof BothSides>,
): Promise<void> {
  const ends = [
    { node: primary, disks: onPrimary },
    { node: secondary, disks: onSecondary },
  ];
  await connectEnds(nodes, ends, false);
}

/** Brings primary and new secondary together. What undoes it is the search for the old one. */
export const meetSecondary = step({
  name: 'meet-secondary',
  input: BothSides,
  run: connectBoth,
  undo: async ({ nodes }, { primary, onPrimary }) => {
    await nodes.call(primary, calls.drbdDisconnectNet, { disks: onPrimary });
  },
});

/** Brings two sides together that were apart. Nothing to undo: they are meant to be. */
export const connectMirrors = step({
  name: 'connect-mirrors',
  input: BothSides,
  run: connectBoth,
  undo: 'none',
});
