/** A context that keeps what a tool writes, for running tools inside another process: tests, benchmarks. */
import { Failure } from '../../kit/failure.ts';
import type { ProgramContext } from './program.ts';

export interface CapturedContext extends ProgramContext {
  readonly stdout: () => string;
  readonly stderr: () => string;
}

export function capturedContext(changes: Partial<ProgramContext> = {}): CapturedContext {
  const written: string[] = [];
  const complained: string[] = [];
  return {
    out: (text) => written.push(text),
    err: (text) => complained.push(text),
    now: () => 1_700_000_000,
    connect: (path) => Promise.reject(new Failure('NoMasterError', [path])),
    sleep: () => Promise.resolve(),
    onStop: () => () => {},
    newUuid: () => '11111111-2222-3333-4444-555555555555',
    readInput: () => Promise.resolve(''),
    querySocket: '/var/run/ganeti/socket/ganeti-query',
    ...changes,
    stdout: () => written.join(''),
    stderr: () => complained.join(''),
  };
}
