/**
 * What happens on the cluster, for programs that want to hear of it (LUXI's WaitForEvents, the remote API's event
 * stream): jobs that come and change, what they say, objects of the configuration that come, change and go.
 *
 * The newest events are remembered under rising numbers, so whoever was away for a moment misses nothing. They are
 * lost with the daemon: a new one begins a new stream, and whoever comes with the name of another is told so.
 */
import { randomUUID } from 'node:crypto';
import type { CommitListener } from '../config/store.ts';
import { isFinal, type Job, type LogEntry, statusOf } from '../jobs/job.ts';
import { sleep } from '../kit/clock.ts';
import type { Configuration } from '../model/configuration.ts';
import { opcodes } from '../opcodes/catalog.ts';
import { summaryOf } from '../opcodes/opcode.ts';

/** So many events are remembered, and so many are told in one answer. */
const remembered = 2000;
const mostAtOnce = 100;
/** Seconds that one question waits at most. */
const longestWait = 60;
/** Characters of a job's message that an event carries; the job has it whole. */
const longestMessage = 2048;

export interface Event {
  readonly kind: 'job' | 'message' | 'object';
  readonly data: Readonly<Record<string, unknown>>;
}

export interface EventsAnswer {
  /** The name of this daemon's events. */
  readonly stream: string;
  /** Number of the newest event told, or known to the asker. */
  readonly last: number;
  /** Events after the asker's can't be told any more. */
  readonly lost: boolean;
  /** Number, kind and data of each, in order. */
  readonly events: readonly (readonly [number, Event['kind'], Event['data']])[];
}

export class EventLog {
  readonly #stream = randomUUID();
  readonly #events: Event[] = [];
  /** Number of the first event that is remembered. */
  #first = 1;
  readonly #waiting = new Set<() => void>();

  add(events: readonly Event[]): void {
    if (events.length === 0) return;
    this.#events.push(...events);
    // Cut rarely: moving the whole list at each event would cost more than the events.
    if (this.#events.length > 2 * remembered) {
      const surplus = this.#events.length - remembered;
      this.#events.splice(0, surplus);
      this.#first += surplus;
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /**
   * @param stream as an earlier answer had it; null: the asker knows of no event
   * @param after number of the last event that the asker knows
   * @param timeout seconds to wait for an event when there is none yet
   */
  async since(
    stream: string | null,
    after: number | null,
    timeout: number,
    gone: AbortSignal,
  ): Promise<EventsAnswer> {
    const known =
      stream === this.#stream && after !== null && after >= this.#first - 1 && after <= this.#last;
    if (!known) return { stream: this.#stream, last: this.#last, lost: stream !== null, events: [] };
    if (after === this.#last && timeout > 0) await this.#next(Math.min(timeout, longestWait), gone);
    const from = Math.max(after, this.#first - 1);
    const found = this.#events.slice(from - this.#first + 1, from - this.#first + 1 + mostAtOnce);
    const events = found.map(({ kind, data }, index) => [from + 1 + index, kind, data] as const);
    return { stream: this.#stream, last: from + found.length, lost: from !== after, events };
  }

  get #last(): number {
    return this.#first + this.#events.length - 1;
  }

  /** Resolves with the next event, or when the time is up or nobody wants it any more. */
  async #next(seconds: number, gone: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, gone]);
    let wake = () => {};
    const event = new Promise<void>((resolve) => {
      wake = resolve;
      this.#waiting.add(wake);
    });
    await Promise.race([event, sleep(seconds * 1000, signal).catch(() => {})]);
    this.#waiting.delete(wake);
    stop.abort();
  }
}

/** Tables of the configuration as queries call what is in them. */
const nouns = {
  nodes: 'node',
  nodegroups: 'group',
  instances: 'instance',
  disks: 'disk',
  networks: 'network',
  filters: 'filter',
} as const satisfies Readonly<Record<Parameters<CommitListener>[1][number]['table'], string>>;

function nameOf(object: object | undefined): string | null {
  return object !== undefined && 'name' in object && typeof object.name === 'string' ? object.name : null;
}

/** Makes events of commits. */
export class ConfigurationEvents {
  #cluster: Configuration['cluster'];

  constructor({ cluster }: Configuration) {
    this.#cluster = cluster;
  }

  of: (...args: Parameters<CommitListener>) => Event[] = ({ cluster }, changes) => {
    const events = changes.map(({ table, uuid, before, after }): Event => {
      const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
      const serial = (after ?? before)?.serial_no ?? null;
      const name = nameOf(after ?? before);
      return { kind: 'object', data: { resource: nouns[table], uuid, name, change, serial_no: serial } };
    });
    if (cluster === this.#cluster) return events;
    this.#cluster = cluster;
    const { uuid, cluster_name: name, serial_no } = cluster;
    return [
      ...events,
      { kind: 'object', data: { resource: 'cluster', uuid, name, change: 'changed', serial_no } },
    ];
  };
}

interface Seen {
  status: string;
  /** Number of the last message told. */
  serial: number;
}

function summariesOf(job: Job): string[] {
  return job.ops.map(({ input }) => {
    const definition = opcodes.get(input.OP_ID);
    return definition === undefined ? input.OP_ID : summaryOf(definition, input);
  });
}

function messageEvent({ id }: Job, [serial, time, type, message]: LogEntry): Event {
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  const data = { job: id, serial, time, type, message: text.slice(0, longestMessage) };
  return { kind: 'message', data };
}

/** Makes events of jobs; remembers of each that hasn't ended what was told. */
export class JobEvents {
  readonly #seen = new Map<number, Seen>();
  /** Jobs that have ended: a late word of theirs is no new job. */
  readonly #endedLately = new Set<number>();

  of(job: Job): Event[] {
    if (this.#endedLately.has(job.id)) return [];
    const seen = this.#seen.get(job.id) ?? { status: '', serial: 0 };
    this.#seen.set(job.id, seen);
    const events: Event[] = [];
    const status = statusOf(job);
    for (const { log } of job.ops) {
      for (const entry of log) {
        if (entry[0] <= seen.serial) continue;
        seen.serial = entry[0];
        events.push(messageEvent(job, entry));
      }
    }
    if (status !== seen.status) {
      seen.status = status;
      events.push({
        kind: 'job',
        data: {
          id: job.id,
          status,
          summary: summariesOf(job),
          received_ts: job.received_timestamp,
          start_ts: job.start_timestamp,
          end_ts: job.end_timestamp,
        },
      });
    }
    if (isFinal(status)) this.#forget(job.id);
    return events;
  }

  #forget(id: number): void {
    this.#seen.delete(id);
    this.#endedLately.add(id);
    if (this.#endedLately.size <= remembered) return;
    const [oldest] = this.#endedLately;
    this.#endedLately.delete(oldest!);
  }
}
