/**
 * The ssconf files on every node: after a commit each node gets the values that it doesn't have yet. A
 * node that can't be reached is asked again, less and less often, and then gets everything. Commits are
 * gathered for a moment, but for those that change nodes: which nodes there are is what programs on the
 * master read there as soon as a job is over, so it comes first and can be waited for (`reached`).
 */
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Configuration } from '../model/configuration.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { writeSsconfFiles } from '../noderpc/calls/node.ts';
import type { Change } from './rules.ts';
import { SortedNames } from './sorted-names.ts';
import { ssconfValues } from './ssconf.ts';

type Values = Readonly<Record<string, string>>;

export interface SsconfOptions {
  readonly nodes: NodeCaller;
  readonly log: Log;
  /** Milliseconds after a commit in which further ones are awaited. */
  readonly gatherMs?: number;
  /** Milliseconds of the first and the longest pause after a failure. */
  readonly pauseMs?: readonly [number, number];
}

interface Receiver {
  /** What it is known to have. */
  has: Values;
  fault: string | undefined;
  pause: number;
  busy: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Nodes that are written to at the same time. */
const most = 20;

export class SsconfDistribution {
  readonly #options: SsconfOptions;
  readonly #receivers = new Map<string, Receiver>();
  readonly #names: SortedNames;
  #configuration: Configuration;
  #values: Values;
  #timer: NodeJS.Timeout | undefined;
  #running = 0;
  #settled: (() => void)[] = [];
  #written: (() => void)[] = [];
  #closed = false;

  constructor(options: SsconfOptions, configuration: Configuration) {
    this.#options = options;
    this.#configuration = configuration;
    this.#names = new SortedNames(configuration.instances.values().map(({ name }) => name));
    this.#values = ssconfValues(configuration, this.#names.all);
    this.#spread();
  }

  committed(configuration: Configuration, changes: readonly Change[]): void {
    this.#configuration = configuration;
    for (const { table, before, after } of changes) {
      if (table !== 'instances') continue;
      const [old, now] = [before, after] as { name: string }[];
      if (old?.name === now?.name) continue;
      if (old !== undefined) this.#names.remove(old.name);
      if (now !== undefined) this.#names.add(now.name);
    }
    if (changes.some(({ table }) => table === 'nodes')) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), this.#options.gatherMs ?? 200);
  }

  /** Every node gets everything again. */
  again(): void {
    for (const receiver of this.#receivers.values()) receiver.has = {};
    this.#now();
  }

  /** Resolves when every node has every value or has failed to take it. */
  async settle(): Promise<void> {
    this.#now();
    if (this.#isSettled()) return;
    await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  /** Resolves when the node has what has been sent out, or has failed to take it, or gets nothing. */
  async reached(uuid: string): Promise<void> {
    for (;;) {
      const receiver = this.#receivers.get(uuid);
      if (this.#closed || receiver === undefined) return;
      if (!receiver.busy && !this.#isWaiting(receiver)) return;
      await new Promise<void>((resolve) => this.#written.push(resolve));
    }
  }

  /** Nodes that don't have the newest values, with the reason. */
  faults(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#receivers].flatMap(([uuid, { fault }]) => (fault === undefined ? [] : [[uuid, fault]])),
    );
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const receiver of this.#receivers.values()) clearTimeout(receiver.timer);
    for (const resolve of [...this.#settled.splice(0), ...this.#written.splice(0)]) resolve();
  }

  /** To every node, also those that have failed just now. */
  #now(): void {
    for (const receiver of this.#receivers.values()) {
      clearTimeout(receiver.timer);
      receiver.timer = undefined;
    }
    this.#send();
  }

  #send(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#values = ssconfValues(this.#configuration, this.#names.all);
    this.#spread();
  }

  #spread(): void {
    if (this.#closed) return;
    const wanted = new Set(this.#configuration.nodes.filter((node) => !node.offline).map(({ uuid }) => uuid));
    for (const [uuid, receiver] of this.#receivers) {
      if (wanted.has(uuid)) continue;
      clearTimeout(receiver.timer);
      this.#receivers.delete(uuid);
    }
    for (const uuid of wanted) {
      if (!this.#receivers.has(uuid)) {
        this.#receivers.set(uuid, { has: {}, fault: undefined, pause: 0, busy: false, timer: undefined });
      }
    }
    this.#pump();
  }

  #missing(receiver: Receiver): Record<string, string> {
    return Object.fromEntries(
      Object.entries(this.#values).filter(([name, value]) => receiver.has[name] !== value),
    );
  }

  #isWaiting(receiver: Receiver): boolean {
    return !receiver.busy && receiver.timer === undefined && Object.keys(this.#missing(receiver)).length > 0;
  }

  #isSettled(): boolean {
    return this.#running === 0 && ![...this.#receivers.values()].some((each) => this.#isWaiting(each));
  }

  #pump(): void {
    for (const [uuid, receiver] of this.#receivers) {
      if (this.#closed) break;
      // Nodes that hang hold the master up least of all.
      const isFree = this.#running < most || uuid === this.#configuration.cluster.master_node;
      if (isFree && this.#isWaiting(receiver)) void this.#write(uuid, receiver);
    }
    if (this.#isSettled()) for (const resolve of this.#settled.splice(0)) resolve();
  }

  async #write(uuid: string, receiver: Receiver): Promise<void> {
    const { nodes, log, pauseMs = [1000, 60_000] } = this.#options;
    receiver.busy = true;
    this.#running += 1;
    const sent = this.#values;
    try {
      await nodes.call(uuid, writeSsconfFiles, {
        values: this.#missing(receiver),
        serial: this.#configuration.serial_no,
      });
      receiver.has = sent;
      receiver.pause = 0;
      receiver.fault = undefined;
    } catch (error) {
      if (receiver.fault === undefined) log.warning(`ssconf files of node ${uuid}: ${messageOf(error)}`);
      receiver.fault = messageOf(error);
      receiver.has = {};
      receiver.pause = Math.min(pauseMs[1], Math.max(pauseMs[0], receiver.pause * 2));
      this.#later(uuid, receiver);
    }
    receiver.busy = false;
    this.#running -= 1;
    this.#pump();
    for (const resolve of this.#written.splice(0)) resolve();
  }

  #later(uuid: string, receiver: Receiver): void {
    if (this.#closed || this.#receivers.get(uuid) !== receiver) return;
    receiver.timer = setTimeout(() => {
      receiver.timer = undefined;
      this.#pump();
    }, receiver.pause);
    receiver.timer.unref();
  }
}
