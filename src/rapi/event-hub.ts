/**
 * The stream of events: one follower asks the master daemon for what is new, and hands it to every client that
 * listens. The daemon asks only while somebody does.
 *
 * A client that comes back with the id of the last event that it has seen gets what it missed from the master's
 * memory. What isn't remembered any more, or was lost with a master daemon, is told as `lost`: read everything
 * again. A client that doesn't read as fast as things happen gets nothing more until it has read what waits for it,
 * and the rest from the master's memory then; one that reads nothing for a while is cut off.
 */
import { sleep } from '../kit/clock.ts';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { HttpError } from './http-error.ts';

/** With so many bytes waiting for it a client gets nothing more. */
const mostWaiting = 64 * 1024;
const readerMs = 20_000;
export const mostListeners = 200;
/** Seconds that one question waits at the master. */
const patience = 20;
const heartbeatMs = 15_000;
const retryMs = 1000;

/** Where a client's events go. */
export interface EventSink {
  write(text: string): void;
  /** Bytes that the client hasn't taken yet. */
  readonly waiting: number;
  /** Resolves when the client has taken everything, or is gone. */
  drained(): Promise<void>;
  /** Ends the connection, whatever waits. */
  cut(): void;
  readonly gone: AbortSignal;
}

export interface Listener {
  /** Of the client's `Last-Event-ID`. */
  readonly lastId: string | undefined;
  /** Whether the client may still listen; asked from time to time. */
  readonly mayListen: () => boolean;
}

/** The master's events: as LUXI's WaitForEvents answers. */
export type WaitForEvents = (
  stream: string | null,
  after: number | null,
  seconds: number,
) => Promise<EventsAnswer>;

export interface EventsAnswer {
  readonly stream: string;
  readonly last: number;
  readonly lost: boolean;
  readonly events: readonly (readonly [number, string, unknown])[];
}

export interface EventHub {
  /**
   * Serves a client from now on.
   * @throws HttpError 503 when too many listen; Failure when the master can't be asked
   */
  attach(listener: Listener): Promise<(sink: EventSink) => void>;
  close(): void;
}

interface Client {
  readonly sink: EventSink;
  readonly mayListen: () => boolean;
  stream: string;
  /** Number of the last event that it has. */
  last: number;
}

const eventText = (stream: string, number: number, kind: string, data: unknown) =>
  `id: ${stream}:${number}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;

function placeOf(id: string | undefined): readonly [stream: string, number: number] | undefined {
  const [, stream, number] = /^([\w-]{1,64}):(\d{1,15})$/.exec(id ?? '') ?? [];
  return stream === undefined ? undefined : [stream, Number(number)];
}

/** What a client hasn't yet of an answer. */
function tell(client: Client, { stream, last, lost, events }: EventsAnswer): void {
  const isOther = stream !== client.stream;
  if (isOther || (lost && last !== client.last)) {
    client.stream = stream;
    client.last = last - events.length;
    client.sink.write(eventText(stream, client.last, 'lost', {}));
  }
  let text = '';
  for (const [number, kind, data] of events) {
    if (number <= client.last) continue;
    client.last = number;
    text += eventText(stream, number, kind, data);
  }
  if (text !== '') client.sink.write(text);
}

class Hub implements EventHub {
  readonly #ask: WaitForEvents;
  readonly #log: Log;
  /** Those who are where the follower is. */
  readonly #clients = new Set<Client>();
  /** Of everybody who was let in and isn't gone. */
  readonly #sinks = new Set<EventSink>();
  #isFollowing = false;
  #isClosed = false;
  #place: { readonly stream: string; readonly last: number } | undefined;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #closing = new AbortController();

  constructor(ask: WaitForEvents, log: Log) {
    this.#ask = ask;
    this.#log = log;
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    this.#heartbeat.unref();
  }

  async attach({ lastId, mayListen }: Listener): Promise<(sink: EventSink) => void> {
    if (this.#isClosed || this.#sinks.size >= mostListeners) {
      throw new HttpError(503, 'Too many clients listen to events');
    }
    const now = await this.#ask(null, null, 0);
    const [stream, last] = placeOf(lastId) ?? [now.stream, now.last];
    return (sink) => {
      if (sink.gone.aborted || this.#isClosed) {
        sink.cut();
        return;
      }
      this.#sinks.add(sink);
      sink.gone.addEventListener('abort', () => this.#sinks.delete(sink), { once: true });
      this.#serve({ sink, mayListen, stream, last }, now);
    };
  }

  #serve(client: Client, now: EventsAnswer): void {
    const { sink } = client;
    sink.write(`retry: 2000\n${eventText(client.stream, client.last, 'hello', {})}`);
    sink.gone.addEventListener('abort', () => this.#clients.delete(client), { once: true });
    this.#join(client, now);
  }

  /** Brings a client to where the others are, and has it go on with them. */
  #join(client: Client, now: { readonly stream: string; readonly last: number }): void {
    this.#catchUp(client, now).catch((error: unknown) => {
      this.#log.warning(`A listener's events can't be had: ${messageOf(error)}`);
      client.sink.cut();
    });
  }

  async #catchUp(client: Client, now: { readonly stream: string; readonly last: number }): Promise<void> {
    const { sink } = client;
    const isThere = () => {
      const { stream, last } = this.#place ?? now;
      return client.stream === stream && client.last >= last;
    };
    while (!isThere()) {
      await this.#awaitReader(client);
      if (sink.gone.aborted) return;
      const before = `${client.stream}:${client.last}`;
      tell(client, await this.#ask(client.stream, client.last, 0));
      if (`${client.stream}:${client.last}` === before) break;
    }
    if (sink.gone.aborted) return;
    // Nothing may be awaited between the last look at the follower's place and this.
    this.#place ??= { stream: client.stream, last: client.last };
    this.#clients.add(client);
    if (!this.#isFollowing) void this.#follow();
  }

  /** Until the client has read what waits for it, if that is much. */
  async #awaitReader({ sink }: Client): Promise<void> {
    if (sink.waiting <= mostWaiting) return;
    const timer = setTimeout(() => sink.cut(), readerMs);
    await sink.drained();
    clearTimeout(timer);
  }

  /** To everybody who reads as fast as things happen; the others catch up when they have read. */
  #tellAll(answer: EventsAnswer): void {
    for (const client of [...this.#clients]) {
      if (client.sink.waiting <= mostWaiting) {
        tell(client, answer);
        continue;
      }
      this.#clients.delete(client);
      this.#join(client, answer);
    }
  }

  /** Asks as long as somebody listens. */
  async #follow(): Promise<void> {
    this.#isFollowing = true;
    while (this.#clients.size > 0 && !this.#isClosed) {
      try {
        const { stream, last } = this.#place!;
        const answer = await this.#ask(stream, last, patience);
        this.#place = answer;
        this.#tellAll(answer);
      } catch (error) {
        this.#log.warning(`Events can't be had: ${messageOf(error)}`);
        await sleep(retryMs, this.#closing.signal).catch(() => {});
      }
    }
    this.#isFollowing = false;
    this.#place = undefined;
  }

  /** Finds out who is gone, and sends away who may not listen any more. */
  #beat(): void {
    for (const client of [...this.#clients]) {
      if (client.mayListen()) client.sink.write(': still here\n\n');
      else client.sink.cut();
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#closing.abort();
    clearInterval(this.#heartbeat);
    for (const sink of [...this.#sinks]) sink.cut();
  }
}

export const createEventHub = (ask: WaitForEvents, log: Log): EventHub => new Hub(ask, log);
