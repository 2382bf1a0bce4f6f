/**
 * Notices shutdowns from inside. A guest that may be shut down by its user (user_shutdown) has a second
 * monitor socket; whoever listens there sees QEMU's last words. A shutdown that the host asked for is
 * announced first, any other one leaves the file that makes the guest's state "shutdown" (Ganeti's kvmd).
 */
import { writeFile } from 'node:fs/promises';
import { messageOf } from '../../../kit/failure.ts';
import type { Log } from '../../../kit/log.ts';
import type { GuestFiles } from '../host/layout.ts';
import { QmpConnection, type QmpEvent } from './qmp.ts';

export type Seen = 'asked' | 'user' | 'other';

/** What one more event says, given what was seen before. Pure. */
export function judge(event: QmpEvent, asked: boolean): Seen {
  if (event.event === 'POWERDOWN') return 'asked';
  if (event.event !== 'SHUTDOWN') return asked ? 'asked' : 'other';
  return event.data.guest === true && !asked ? 'user' : asked ? 'asked' : 'other';
}

export class ShutdownWatch {
  readonly #log: Log;
  readonly #watched = new Map<string, QmpConnection>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Listens until the guest ends; listening already, or nobody there: fine. */
  async watch(files: GuestFiles): Promise<void> {
    if (this.#watched.get(files.name)?.closed === false) return;
    try {
      const connection = await QmpConnection.open(files.events.file);
      connection.unref();
      this.#watched.set(files.name, connection);
      let asked = false;
      connection.listen((event) => {
        const seen = judge(event, asked);
        asked = seen === 'asked';
        if (seen === 'user') this.#note(files);
      });
    } catch (error) {
      this.#log.warning(`Shutdowns of '${files.name}' from inside go unnoticed: ${messageOf(error)}`);
    }
  }

  #note(files: GuestFiles): void {
    this.#log.info(`Instance '${files.name}' was shut down from inside`);
    writeFile(files.shutdown, '', { mode: 0o644 }).catch((error: unknown) => {
      this.#log.error(`Shutdown of '${files.name}' from inside not noted: ${messageOf(error)}`);
    });
  }

  /** Stops listening, so that nothing is noted any more. */
  forget(files: GuestFiles): void {
    this.#watched.get(files.name)?.close();
    this.#watched.delete(files.name);
  }
}
