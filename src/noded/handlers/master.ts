/** Node calls about who is master. */
import * as calls from '../../noderpc/calls/master.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { readPosition } from '../../noderpc/journal/position.ts';
import type { NodeContext } from '../context.ts';
import { stopMasterDaemons } from '../older-master.ts';
import { readSsconf } from '../ssconf.ts';

/** master_epoch, journal_promise, journal_read and node_stop_master. */
export function masterHandlers(context: NodeContext): NodeHandler[] {
  const { fence, paths, replica } = context;
  const newest = async () => {
    const position = await readPosition(paths.journalDir).catch(() => undefined);
    return Math.max(fence.epoch, position?.promised ?? 0);
  };
  return [
    answers(calls.masterEpoch, async () => ({
      epoch: await newest(),
      master: (await readSsconf(paths, 'master_node')) ?? '',
      // A master daemon that runs here has the copy open: it speaks for it.
      held: await replica.held().catch(() => null),
    })),
    answers(calls.journalPromise, async ({ epoch }) => {
      await fence.promise(epoch);
      return { held: await replica.promise(epoch) };
    }),
    answers(calls.journalRead, async ({ from }) => ({ entries: await replica.read(from) })),
    answers(calls.nodeStopMaster, async () => {
      await stopMasterDaemons(context);
      return null;
    }),
  ];
}
