/** What a data collector is, what it may use of the machine, and the report that it gives (design-monitoring-agent). */

import type { RequestName } from '../../confd/client/protocol.ts';
import type { Log } from '../../kit/log.ts';
import type { ProcessResult } from '../../kit/process.ts';
import { collectors as definitions } from '../../model/collectors.ts';

export interface CollectorWorld {
  readonly log: Log;
  /** Name of this node. */
  readonly hostname: string;
  /** @throws the error of the operating system */
  readText(path: string): Promise<string>;
  /** Runs a program; it is the caller's part to look at the exit code. */
  run(argv: readonly string[]): Promise<ProcessResult>;
  /** The configuration daemons' answer. @throws Failure when nobody answers, or with no */
  ask(request: RequestName, query: unknown): Promise<unknown>;
  /** Where the file lies that says why an instance is in its state. */
  reasonFile(instance: string): string;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Keys in Ganeti's order. */
export interface Report {
  readonly name: string;
  /** "B": comes with the product (constants.BUILTIN_DATA_COLLECTOR_VERSION). */
  readonly version: 'B';
  readonly format_version: 1;
  /** Nanoseconds since the epoch. */
  readonly timestamp: number;
  readonly category: string | null;
  /** 0: figures, 1: status. */
  readonly kind: 0 | 1;
  readonly data: unknown;
}

/** 0: all is well, 1: mends itself, 2: can't be told, 4: somebody must do something. */
export type StatusCode = 0 | 1 | 2 | 4;
export interface Status {
  readonly code: StatusCode;
  readonly message: string;
}

const nanosecondsPerMillisecond = 1_000_000;

export function definitionOf(name: string) {
  const found = definitions.find((definition) => definition.name === name);
  if (found === undefined) throw new RangeError(`there is no data collector '${name}'`);
  return found;
}

export function reportOf(name: string, nowMs: number, data: unknown): Report {
  const { category, kind } = definitionOf(name);
  return {
    name,
    version: 'B',
    format_version: 1,
    timestamp: Math.round(nowMs) * nanosecondsPerMillisecond,
    category,
    kind: kind === 'performance' ? 0 : 1,
    data,
  };
}

/**
 * The worst of several, with all that they say, the last first (Ganeti folds from the right): an empty line stands
 * before the first message.
 */
export function mergedStatus(each: readonly Status[]): Status {
  const code = each.reduce<StatusCode>((worst, status) => (status.code > worst ? status.code : worst), 0);
  const messages = each.flatMap(({ message }) => (message === '' ? [] : [message])).toReversed();
  return { code, message: ['', ...messages].join('\n') };
}
