/**
 * The daemon that goes with this node's role: ganeti-confd runs where there is a copy of the configuration. It starts
 * when the node is given its first copy and stops when the node is no candidate any more; in between its supervisor,
 * or systemd, looks after it.
 */
import { existsSync } from 'node:fs';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { programPath } from '../kit/programs.ts';
import { startDaemon, stopDaemon } from './daemons.ts';

export interface RoleDaemons {
  /** This node has a copy of the configuration now. Never fails, and nobody need wait for it. */
  becameCandidate(): Promise<void>;
  ceasedCandidate(): Promise<void>;
}

const daemon = 'ganeti-confd';

export function createRoleDaemons(where: { readonly paths: Paths; readonly log: Log }): RoleDaemons {
  const { log } = where;
  const attempt = (work: () => Promise<unknown>) =>
    work().then(
      () => {},
      (error: unknown) => log.warning(messageOf(error)),
    );
  let turn = Promise.resolve();
  const inTurn = (work: () => Promise<unknown>) => {
    turn = turn.then(() => attempt(work));
    return turn;
  };
  return {
    becameCandidate: () =>
      inTurn(async () => {
        if (existsSync(programPath(daemon))) await startDaemon(where, daemon);
      }),
    ceasedCandidate: () => inTurn(() => stopDaemon(where, daemon)),
  };
}

/** For tests, and for tools that do a node daemon's work once. */
export const noRoleDaemons: RoleDaemons = {
  becameCandidate: () => Promise.resolve(),
  ceasedCandidate: () => Promise.resolve(),
};
