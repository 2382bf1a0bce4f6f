/**
 * Where a command writes and whom it asks. Answers come from the terminal itself, never from standard
 * input, so `yes | gnt-instance remove` asks nobody and does nothing (cli.AskUser).
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

export interface Tty {
  write(text: string): void;
  /** The next line without its end; undefined when there is none. */
  readLine(): string | undefined;
  close(): void;
}

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** The controlling terminal, undefined for a program without one. */
  openTty(): Tty | undefined;
}

function readLineFrom(descriptor: number): string | undefined {
  const bytes: number[] = [];
  const buffer = Buffer.alloc(1);
  while (readSync(descriptor, buffer, 0, 1, null) === 1) {
    if (buffer[0] === 0x0a) return Buffer.from(bytes).toString('utf8');
    bytes.push(buffer[0]!);
  }
  return bytes.length === 0 ? undefined : Buffer.from(bytes).toString('utf8');
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  out(text) {
    process.stdout.write(text);
  },
  err(text) {
    process.stderr.write(text);
  },
  openTty() {
    let descriptor: number;
    try {
      descriptor = openSync('/dev/tty', 'r+');
    } catch {
      return undefined;
    }
    return {
      write: (text) => void writeSync(descriptor, text),
      readLine: () => readLineFrom(descriptor),
      close: () => closeSync(descriptor),
    };
  },
};
