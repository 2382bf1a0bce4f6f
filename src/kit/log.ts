/**
 * Daemon logs in the line format of Ganeti's own, because administrators' filters know it:
 * `2026-11-20 17:28:20,676: ganeti-noded pid=312 INFO text`.
 */
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';

export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';

export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warning(text: string): void;
  error(text: string): void;
}

/** Local time with milliseconds after a comma. */
export function logTimestamp(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${time},${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** A log that writes to `sink`; lines below `lowest` are left out. */
export function createLog(program: string, sink: Writable, lowest: LogLevel = 'INFO'): Log {
  const order: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR'];
  const write = (level: LogLevel, text: string) => {
    if (order.indexOf(level) < order.indexOf(lowest)) return;
    sink.write(`${logTimestamp(new Date())}: ${program} pid=${process.pid} ${level} ${text}\n`);
  };
  return {
    debug: (text) => write('DEBUG', text),
    info: (text) => write('INFO', text),
    warning: (text) => write('WARNING', text),
    error: (text) => write('ERROR', text),
  };
}

/** The log file of a daemon, readable by root only since job arguments may stand in it. */
export function openLogFile(program: string, path: string, lowest: LogLevel = 'INFO'): Log {
  return createLog(program, createWriteStream(path, { flags: 'a', mode: 0o640 }), lowest);
}

/** For tests and tools that have no use for a log. */
export const silentLog: Log = { debug() {}, info() {}, warning() {}, error() {} };
