/** Node calls about this node's copy of the configuration's journal. */
import { existsSync } from 'node:fs';
import * as calls from '../../noderpc/calls/journal.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { NodeContext } from '../context.ts';

/** journal_append, journal_snapshot and journal_position. */
export function journalHandlers({ replica, paths, roleDaemons }: NodeContext): NodeHandler[] {
  return [
    answers(calls.journalAppend, (request) => replica.append(request)),
    answers(calls.journalSnapshot, async (snapshot) => {
      const isFirst = !existsSync(paths.configFile);
      await replica.snapshot(snapshot);
      if (isFirst) void roleDaemons.becameCandidate();
      return null;
    }),
    answers(calls.journalPosition, () => replica.position()),
  ];
}
