/**
 * Steps of a live migration. Until the guest runs on the target everything is taken back on failure;
 * from the moment that it does, it stays there: an undo that finds it running on the target completes
 * the move instead, whatever moment the master died at. A guest is never left standing, and never runs
 * twice: the target's copy begins only when the source's has stopped.
 */
import * as z from 'zod';
import { sleep } from '../../kit/clock.ts';
import { executionFailure, Failure, messageOf } from '../../kit/failure.ts';
import * as disks from '../../noderpc/calls/disk.ts';
import * as calls from '../../noderpc/calls/instance.ts';
import { version } from '../../noderpc/calls/node.ts';
import { DiskOnNode, InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import { step, type World } from '../operation.ts';
import { parametersForMetadata } from './metadata.ts';
import { connectEnds } from './mirrors.ts';

/** Both ends of a move. */
export const Move = z.object({
  uuid: z.string(),
  name: z.string(),
  source: z.string(),
  target: z.string(),
  onSource: InstanceOnNode,
  onTarget: InstanceOnNode,
  sourceDisks: z.array(DiskOnNode),
  targetDisks: z.array(DiskOnNode),
  /** The disks are copied between the two nodes by their driver. */
  internal: z.boolean(),
  targetAddress: z.string(),
  live: z.boolean(),
});
export type Move = z.infer<typeof Move>;

const syncPollMs = 500;
const syncTimeoutMs = 1_800_000;
const transferPollMs = 200;
/** So many looks in a row at a transfer that doesn't move: five seconds. */
const idleLooks = 25;

type Instance = Pick<Move['onSource'], 'name' | 'hypervisor' | 'hvparams'>;

async function runsOn({ nodes }: World, node: string, instance: Instance): Promise<boolean> {
  const { name, hypervisor, hvparams } = instance;
  const found = await nodes.call(node, calls.instanceInfo, { name, hypervisor, hvparams });
  return found?.state === 'running';
}

const runsOnTarget = (world: World, { target, onTarget }: Move) => runsOn(world, target, onTarget);

/**
 * Whether a guest that was seen to arrive is still there. It isn't when the target has lost its power since; a
 * guest that runs on the source was begun anew there, for nobody hoped for the target any more.
 */
export async function isStillThere(world: World, move: Move): Promise<boolean> {
  if (!(await runsOnTarget(world, move))) return false;
  return arrived(world, move) || !(await runsOn(world, move.source, move.onSource));
}

/** Has an earlier undo or the operation itself already settled it on the target? */
function arrived({ config }: World, move: Move): boolean {
  return config.current.instances.get(move.uuid)?.primary_node === move.target;
}

/** Waits until both ends of every disk are alike. */
export async function waitUntilMirrored(
  { nodes }: Pick<World, 'nodes'>,
  move: Move,
  signal?: AbortSignal,
): Promise<void> {
  const end = Date.now() + syncTimeoutMs;
  for (;;) {
    const answers = await Promise.all([
      nodes.call(move.source, disks.drbdWaitSync, { disks: move.sourceDisks }),
      nodes.call(move.target, disks.drbdWaitSync, { disks: move.targetDisks }),
    ]);
    if (answers.every((answer) => answer.done)) return;
    if (Date.now() > end)
      throw executionFailure(
        `Disks of ${move.name} did not get in sync within ${syncTimeoutMs / 60000} minutes`,
      );
    await sleep(syncPollMs, signal);
  }
}

const isSilence = (error: unknown) => error instanceof Failure && error.errorClass === 'RpcError';

export async function disconnect({ nodes }: Pick<World, 'nodes'>, move: Move): Promise<void> {
  await nodes.call(move.source, disks.drbdDisconnectNet, { disks: move.sourceDisks });
  await nodes.call(move.target, disks.drbdDisconnectNet, { disks: move.targetDisks });
}

const endsOf = (move: Move) => [
  { node: move.source, disks: move.sourceDisks },
  { node: move.target, disks: move.targetDisks },
];

export async function attach(
  { nodes }: Pick<World, 'nodes'>,
  move: Move,
  multiMaster: boolean,
): Promise<void> {
  await connectEnds(nodes, endsOf(move), multiMaster);
}

/**
 * One writer again. Both ends have parted before one of them looks for the other; when one of them is silent, the
 * other is left looking for it.
 */
async function connectAsBefore(world: World, move: Move): Promise<void> {
  const { nodes } = world;
  const ends = endsOf(move);
  const parted = await Promise.allSettled(
    ends.map(({ node, disks: list }) => nodes.call(node, disks.drbdDisconnectNet, { disks: list })),
  );
  const faults = parted.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (faults.length === 0) return await attach(world, move, false);
  for (const [index, { node, disks: list }] of ends.entries()) {
    if (parted[index]!.status === 'rejected') continue;
    for (const disk of list)
      await nodes.call(node, disks.blockdevAssemble, { disk, asPrimary: node === move.source });
  }
  throw faults[0];
}

/** The disks as they are when the instance runs on the target: written there only. The source's are closed. */
async function settleDisksOnTarget(world: World, move: Move): Promise<void> {
  if (move.internal) {
    await disconnect(world, move);
    await attach(world, move, false);
    await waitUntilMirrored(world, move);
  } else if (move.targetDisks.length > 0) {
    await world.nodes.call(move.target, disks.blockdevOpen, { disks: move.targetDisks, exclusive: true });
  }
}

/** A source that is silent finds a target, when it comes back, that no longer offers it to write. */
async function writeAlone({ nodes }: World, { target, targetDisks }: Move): Promise<void> {
  for (const disk of targetDisks) await nodes.call(target, disks.blockdevAssemble, { disk, asPrimary: true });
}

/** Lets both nodes write; undone by closing the target's side again. */
export const shareDisks = step({
  name: 'share-disks',
  input: Move,
  run: async ({ nodes }, move) => {
    if (move.sourceDisks.length === 0) return;
    await nodes.call(move.source, disks.blockdevOpen, { disks: move.sourceDisks, exclusive: false });
    await nodes.call(move.target, disks.blockdevOpen, { disks: move.targetDisks, exclusive: false });
  },
  undo: async (world, move) => {
    if (arrived(world, move) || move.targetDisks.length === 0) return;
    await world.nodes.call(move.target, disks.blockdevClose, { disks: move.targetDisks });
  },
});

/** Connects mirrored disks so that both sides may be primary; undone by connecting them as before. */
export const connectDualPrimary = step({
  name: 'connect-dual-primary',
  input: Move,
  run: async (world, move) => {
    await disconnect(world, move);
    await attach(world, move, true);
    await waitUntilMirrored(world, move);
  },
  undo: async (world, move) => {
    if (arrived(world, move)) return;
    await connectAsBefore(world, move);
  },
});

/** Prepares the target; undone by taking the preparations away. */
export const acceptOnTarget = step({
  name: 'accept-on-target',
  input: Move.extend({ info: z.string() }),
  run: async ({ nodes, config }, { target, onTarget, info, targetAddress }) => {
    await nodes.call(target, calls.acceptInstance, {
      ...{ instance: onTarget, info, address: targetAddress },
      privateParameters: parametersForMetadata(config.current, onTarget),
    });
  },
  undo: async (world, move) => {
    if (arrived(world, move)) return;
    await world.nodes.call(move.target, calls.instanceFinalizeMigrationTarget, {
      instance: move.onTarget,
      info: move.info,
      success: false,
    });
  },
});

export interface Transfer {
  readonly downtimeMs: number | null;
}

/** What is to be told while memory is on its way. */
type Progress = (status: calls.MigrationStatus) => void;

/** A hypervisor whose other end has lost its power waits for it for a quarter of an hour. */
async function requireTarget(nodes: World['nodes'], { target, name }: Move): Promise<void> {
  try {
    await nodes.call(target, version, {});
  } catch (error) {
    throw executionFailure(
      `Could not migrate instance ${name}: nothing moves, and its new node is silent: ${messageOf(error)}`,
      error,
    );
  }
}

/** Moves the guest's memory. Undone by calling it off; a guest that has arrived is completed instead. */
export function transferGuest(progress: Progress = () => {}, signal?: AbortSignal) {
  return step({
    name: 'transfer-guest',
    input: Move.extend({ info: z.string() }),
    run: async ({ nodes }, move): Promise<Transfer> => {
      const { source, onSource, targetAddress, live, name } = move;
      await nodes.call(source, calls.instanceMigrate, { instance: onSource, address: targetAddress, live });
      let moved: number | null = null;
      for (let idle = 0; ; ) {
        const status = await nodes.call(source, calls.instanceGetMigrationStatus, { instance: onSource });
        if (status.status === 'completed') return { downtimeMs: status.downtimeMs };
        if (status.status === 'failed' || status.status === 'cancelled') {
          throw executionFailure(
            `Could not migrate instance ${name}: ${status.message ?? `the hypervisor says ${status.status}`}`,
          );
        }
        progress(status);
        idle = status.transferredMiB === moved ? idle + 1 : 0;
        moved = status.transferredMiB;
        if (idle >= idleLooks) {
          idle = 0;
          await requireTarget(nodes, move);
        }
        await sleep(transferPollMs, signal);
      }
    },
    undo: async (world, move) => {
      // An earlier try has come as far as that.
      if (arrived(world, move)) return await tidyAfterArrival(world, move);
      // A target that is silent can't say; the source knows whether it has sent the guest off, and says no if so.
      const isThere = await runsOnTarget(world, move).catch((error: unknown) => {
        if (!isSilence(error)) throw error;
        return false;
      });
      if (isThere) {
        await completeOnTarget(world, move);
        return;
      }
      await world.nodes.call(move.source, calls.instanceMigrationCancel, { instance: move.onSource });
      await world.nodes.call(move.source, calls.instanceFinalizeMigrationSource, {
        instance: move.onSource,
        success: false,
        live: move.live,
      });
    },
  });
}

/** Makes the configuration say where the guest runs, then tidies both nodes. Right however often it is called. */
async function completeOnTarget(world: World, move: Move & { readonly info: string }): Promise<void> {
  await recordPrimary(world, move);
  await tidyAfterArrival(world, move);
}

async function recordPrimary({ config }: World, move: Move): Promise<void> {
  await config.change(`instance ${move.name} has moved`, (draft) => {
    const instance = draft.instances.get(move.uuid);
    if (instance !== undefined && instance.primary_node !== move.target)
      draft.put('instances', { ...instance, primary_node: move.target });
  });
}

async function tidyAfterArrival(world: World, move: Move & { readonly info: string }): Promise<void> {
  const here = world.nodes.call(move.target, calls.instanceFinalizeMigrationTarget, {
    instance: move.onTarget,
    info: move.info,
    success: true,
  });
  await here.catch((error: unknown) => {
    if (!isSilence(error)) throw error;
  });
  try {
    // What stands still there is nobody's any more, also when the target has lost its power with the guest by now.
    await world.nodes.call(move.source, calls.instanceFinalizeMigrationSource, {
      instance: move.onSource,
      success: true,
      live: move.live,
    });
    await world.nodes.call(move.source, disks.blockdevClose, { disks: move.sourceDisks });
  } catch (error) {
    if (isSilence(error) && move.internal) await writeAlone(world, move);
    throw error;
  }
  await here;
  await settleDisksOnTarget(world, move);
}

/** The guest has arrived: recorded and tidied. Its undo completes it, since there is no way back. */
export const completeMove = step({
  name: 'complete-move',
  input: Move.extend({ info: z.string() }),
  run: completeOnTarget,
  undo: async (world, move) => {
    try {
      await completeOnTarget(world, move);
    } catch (error) {
      throw executionFailure(
        `Instance ${move.name} runs on its new node, but its disks are not yet settled: ${messageOf(error)}. ` +
          `When both nodes are reachable run 'gnt-instance migrate --cleanup ${move.name}'`,
        error,
      );
    }
  },
});
