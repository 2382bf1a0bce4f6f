/**
 * Follows ends of transfers to their end, as Ganeti's loop does (masterd/instance.py, ImportExportLoop): each
 * is started, listens, is connected, tells of its progress, ends. Who put it there hears of it, and may add
 * further ends meanwhile. What was started is undone by its step when the operation fails.
 */

import { sleep } from '../../kit/clock.ts';
import { Failure } from '../../kit/failure.ts';
import { formatUnit } from '../../kit/units.ts';
import { impexpAbort, impexpStatus, type TransferStatus } from '../../noderpc/calls/transfer.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import type { JobHandle } from '../operation.ts';
import { endTransfer } from '../steps/transfer.ts';
import { formatSeconds } from '../sync.ts';

/** Seconds, as Ganeti has them: until an end says anything, until it listens, that errors are borne, between reports. */
const readyTimeout = 10;
const listenTimeout = 10;
const errorTimeout = 10;
const progressInterval = 60;
const shortestPauseMs = 100;
const longestPauseMs = 2000;

export interface EndResult {
  readonly success: boolean;
  readonly message: string;
  /** Its last lines, for messages of failure. */
  readonly recent: string;
  readonly status: TransferStatus | null;
}

/** One end that is to be followed. */
export interface Followed {
  readonly mode: 'import' | 'export';
  readonly name: string;
  /** Uuid, and the name for messages. */
  readonly node: string;
  readonly nodeName: string;
  /** Seconds until somebody must have connected. */
  readonly connectTimeout: number;
  readonly start: () => Promise<void>;
  readonly listening?: (port: number) => void;
  readonly connected?: () => void;
  readonly progress?: (status: TransferStatus) => void;
  readonly finished?: (result: EndResult) => Promise<void>;
}

interface State {
  readonly end: Followed;
  begun: number | undefined;
  listening: number | undefined;
  connected: number | undefined;
  reported: number | undefined;
  firstError: number | undefined;
  status: TransferStatus | null;
  result: EndResult | undefined;
}

/** "sent 1.0G, 171.8 MiB/s, 50%, ETA 6s" without the first word; undefined while there is nothing to say. */
export function describeProgress(status: TransferStatus): string | undefined {
  const { progress_mbytes: done, progress_throughput: speed } = status;
  if (done === null || done === undefined || speed === null || speed === undefined) return undefined;
  const parts = [formatUnit(Math.round(done), 'h'), `${speed.toFixed(1)} MiB/s`];
  if (typeof status.progress_percent === 'number') parts.push(`${Math.floor(status.progress_percent)}%`);
  if (typeof status.progress_eta === 'number') parts.push(`ETA ${formatSeconds(status.progress_eta)}`);
  return parts.join(', ');
}

export class TransferLoop {
  readonly #job: JobHandle;
  readonly #states: State[] = [];

  constructor(job: JobHandle) {
    this.#job = job;
  }

  add(end: Followed): void {
    const unknown = { begun: undefined, listening: undefined, connected: undefined, reported: undefined };
    this.#states.push({ end, ...unknown, firstError: undefined, status: null, result: undefined });
  }

  /** Tells an end to stop, because its other side has failed. */
  async abort(name: string): Promise<void> {
    const state = this.#states.find(({ end }) => end.name === name);
    if (state === undefined || state.begun === undefined || state.result !== undefined) return;
    const { mode, node } = state.end;
    this.#job.warn(`Aborting ${mode} '${name}' on ${node}`);
    try {
      await this.#job.world.nodes.call(node, impexpAbort, { name });
    } catch (error) {
      this.#job.warn(`Failed to abort ${mode} '${name}' on ${node}: ${reasonOf(error)}`);
    }
  }

  /** Resolves when every end has ended. @throws only what the cancel of the job throws */
  async run(): Promise<void> {
    const { signal } = this.#job;
    let pause = shortestPauseMs;
    for (;;) {
      for (const state of [...this.#states]) await this.#start(state);
      if (this.#active().length === 0) return;
      const moved = await this.#look();
      if (this.#active().length === 0) return;
      pause = moved ? shortestPauseMs : Math.min(longestPauseMs, pause * 1.5);
      if (!moved) await sleep(pause, signal);
      signal.throwIfAborted();
    }
  }

  #active(): State[] {
    return this.#states.filter(({ result }) => result === undefined);
  }

  async #start(state: State): Promise<void> {
    if (state.begun !== undefined || state.result !== undefined) return;
    const { mode, nodeName, start } = state.end;
    try {
      await start();
      state.begun = this.#now();
    } catch (error) {
      this.#mustBeOfNode(error);
      await this.#finish(state, false, `Failed to start ${mode} on ${nodeName}: ${reasonOf(error)}`);
    }
  }

  /** Asks every node once. @returns whether anything has changed */
  async #look(): Promise<boolean> {
    let moved = false;
    const active = this.#active();
    for (const node of new Set(active.map(({ end }) => end.node))) {
      const mine = active.filter(({ end, begun }) => end.node === node && begun !== undefined);
      if (mine.length === 0) continue;
      const names = mine.map(({ end }) => end.name);
      let found: readonly (TransferStatus | null)[] | undefined;
      try {
        found = await this.#job.world.nodes.call(node, impexpStatus, { names });
      } catch (error) {
        this.#mustBeOfNode(error);
        this.#job.warn(`Failed to get daemon status on ${mine[0]!.end.nodeName}: ${reasonOf(error)}`);
      }
      for (const [index, state] of mine.entries()) {
        if (state.result !== undefined) continue;
        if (found === undefined) moved = (await this.#missed(state)) || moved;
        else moved = (await this.#take(state, found[index] ?? null)) || moved;
      }
    }
    return moved;
  }

  async #missed(state: State): Promise<boolean> {
    state.firstError ??= this.#now();
    if (this.#now() <= state.firstError + errorTimeout) return false;
    await this.#finish(state, false, 'Too many errors while updating data');
    return true;
  }

  async #take(state: State, status: TransferStatus | null): Promise<boolean> {
    const { end } = state;
    const now = this.#now();
    state.firstError = undefined;
    if (status === null) {
      if (now <= state.begun! + readyTimeout) return false;
      await this.#finish(state, false, `Didn't become ready after ${readyTimeout} seconds`);
      return true;
    }
    state.status = status;
    let moved = false;
    if (state.listening === undefined && end.mode === 'import') {
      if (typeof status.listen_port === 'number') {
        state.listening = now;
        end.listening?.(status.listen_port);
        moved = true;
      } else if (now > state.begun! + listenTimeout && !hasEnded(status)) {
        await this.#finish(state, false, `Not listening after ${listenTimeout} seconds`);
        return true;
      }
    }
    if (state.connected === undefined) {
      const since = end.mode === 'import' ? (state.listening ?? now) : state.begun!;
      if (status.connected === true) {
        state.connected = now;
        end.connected?.();
        moved = true;
      } else if (now > since + end.connectTimeout && !hasEnded(status)) {
        await this.#finish(state, false, `Not connected after ${end.connectTimeout} seconds`);
        return true;
      }
    }
    if (hasEnded(status)) {
      await this.#finish(state, status.exit_status === 0, status.error_message ?? 'unknown error');
      return true;
    }
    this.#report(state, status, now);
    return moved;
  }

  #report(state: State, status: TransferStatus, now: number): void {
    if (state.connected === undefined || describeProgress(status) === undefined) return;
    if (state.reported !== undefined && now < state.reported + progressInterval) return;
    state.reported = now;
    state.end.progress?.(status);
  }

  /** Its process and state are done with; a failure to clear up is left to the undo. */
  async #finish(state: State, success: boolean, message: string): Promise<void> {
    const { mode, name, node, nodeName } = state.end;
    const what = state.begun === undefined ? mode : `${mode} '${name}'`;
    if (!success) this.#job.warn(`${what} on ${nodeName} failed: ${message}`);
    const recent = (state.status?.recent_output ?? []).join('\n') || 'None';
    state.result = { success, message, recent, status: state.status };
    await state.end.finished?.(state.result);
    if (state.begun === undefined || !success) return;
    await this.#job.do(endTransfer, { node, name });
  }

  /** Nodes may fail; a cancel and a fault of the master end everything. */
  #mustBeOfNode(error: unknown): void {
    this.#job.signal.throwIfAborted();
    if (!(error instanceof Failure)) throw error;
  }

  #now(): number {
    return this.#job.world.now();
  }
}

function hasEnded(status: TransferStatus): boolean {
  return status.exit_status !== null && status.exit_status !== undefined;
}
