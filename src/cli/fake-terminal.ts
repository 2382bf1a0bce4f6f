/** A terminal of memory: what was written, and answers that were given beforehand. */
import type { Terminal, Tty } from './terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** What questions showed. */
  readonly asked: () => string;
}

/** @param answers lines that the user types; without them there is no terminal to ask on */
export function fakeTerminal(answers?: readonly string[]): FakeTerminal {
  let stdout = '';
  let stderr = '';
  let asked = '';
  const left = [...(answers ?? [])];
  const tty: Tty = {
    write(text) {
      asked += text;
    },
    readLine: () => left.shift(),
    close() {},
  };
  return {
    out(text) {
      stdout += text;
    },
    err(text) {
      stderr += text;
    },
    openTty: () => (answers === undefined ? undefined : tty),
    stdout: () => stdout,
    stderr: () => stderr,
    asked: () => asked,
  };
}
