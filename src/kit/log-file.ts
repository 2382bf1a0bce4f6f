/**
 * The log file of a daemon that runs for months: it can be opened again after logrotate has moved it away,
 * and copied to standard error while the daemon runs in the foreground.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { restartReason } from './daemon.ts';
import { createLog, type Log, type LogLevel } from './log.ts';

export interface DaemonLog {
  readonly log: Log;
  /** Opens the file of that name again. */
  reopen(): void;
  close(): void;
}

/**
 * Lines are written at once, so that the last words before a crash are there.
 * @throws the error of the operating system when the file can't be opened
 */
export function openDaemonLog(
  program: string,
  path: string,
  options: { readonly lowest?: LogLevel; readonly echo?: boolean } = {},
): DaemonLog {
  const open = () => openSync(path, 'a', 0o640);
  let file = open();
  const sink = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      try {
        writeSync(file, line);
        if (options.echo) process.stderr.write(line);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  // A full disk must not end the daemon; the line is lost.
  sink.on('error', () => {});
  const log = createLog(program, sink, options.lowest ?? 'INFO');
  const reason = restartReason();
  if (reason !== undefined) log.warning(`Started again: the process before this one ended with ${reason}`);
  return {
    log,
    reopen() {
      const old = file;
      file = open();
      closeSync(old);
    },
    close() {
      closeSync(file);
    },
  };
}
