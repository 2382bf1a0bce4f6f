/** Ends the master daemons of this node: when another node takes over, or has done so. */
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { journalOwner } from '../noderpc/journal/owner.ts';
import { readPosition } from '../noderpc/journal/position.ts';
import { masterDaemons, stopDaemon } from './daemons.ts';

export interface MasterPlace {
  readonly paths: Paths;
  readonly log: Log;
}

/** Not running: fine. */
export async function stopMasterDaemons(place: MasterPlace): Promise<void> {
  for (const name of [...masterDaemons].reverse()) await stopDaemon(place, name);
}

/** A newer master was heard of: an older one that runs here must not go on. Resolves before it has ended. */
export async function endOlderMaster(place: MasterPlace, epoch: number): Promise<void> {
  const { journalDir } = place.paths;
  if ((await journalOwner(journalDir)) === undefined) return;
  const position = await readPosition(journalDir).catch(() => undefined);
  if (position === undefined || position.epoch >= epoch) return;
  place.log.warning(
    `A newer master (epoch ${epoch}) has taken over: the master daemons of this node are stopped`,
  );
  void stopMasterDaemons(place).catch((error: unknown) => place.log.error(messageOf(error)));
}
