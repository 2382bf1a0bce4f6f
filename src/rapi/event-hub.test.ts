import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { silentLog } from '../kit/log.ts';
import { createEventHub, type EventSink, type EventsAnswer, mostListeners } from './event-hub.ts';
import { HttpError } from './http-error.ts';

/** A master with events in memory, from number `first` on; whoever asks for more than there is waits. */
class FakeMaster {
  stream = 'S';
  first = 1;
  events: string[] = [];
  asked = 0;
  readonly #waiting = new Set<() => void>();

  add(...names: string[]): void {
    this.events.push(...names);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  restart(): void {
    this.stream += 'S';
    this.events = [];
    this.first = 1;
    this.add();
  }

  ask = async (stream: string | null, after: number | null, seconds: number): Promise<EventsAnswer> => {
    this.asked += 1;
    const last = () => this.first + this.events.length - 1;
    const isKnown = () => stream === this.stream && after! >= this.first - 1 && after! <= last();
    if (isKnown() && after === last() && seconds > 0)
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    if (!isKnown()) return { stream: this.stream, last: last(), lost: stream !== null, events: [] };
    const found = this.events.slice(after! - this.first + 1, after! - this.first + 3);
    const events = found.map((name, index) => [after! + 1 + index, 'object', name] as const);
    return { stream: this.stream, last: after! + found.length, lost: false, events };
  };
}

class FakeSink implements EventSink {
  readonly #gone = new AbortController();
  readonly gone = this.#gone.signal;
  text = '';
  waiting = 0;
  #drained = () => {};

  write(text: string): void {
    this.text += text;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.gone.addEventListener('abort', () => resolve());
    });
  }

  read(): void {
    this.waiting = 0;
    this.#drained();
  }

  cut(): void {
    this.#gone.abort();
  }

  /** Numbers and kinds, without the first. */
  get events(): string[] {
    return [...this.text.matchAll(/^id: \w+:(\d+)\nevent: (\w+)$/gm)]
      .map(([, id, kind]) => `${id} ${kind}`)
      .slice(1);
  }
}

const settle = async () => {
  for (let turn = 0; turn < 20; turn += 1) await tick();
};

async function listening(
  hub: ReturnType<typeof createEventHub>,
  lastId?: string,
  mayListen: () => boolean = () => true,
) {
  const sink = new FakeSink();
  (await hub.attach({ lastId, mayListen }))(sink);
  await settle();
  return sink;
}

describe('listeners of events', () => {
  test('get what happens from now on, all from one question', async () => {
    const master = new FakeMaster();
    master.add('old');
    const hub = createEventHub(master.ask, silentLog);
    const sinks = [await listening(hub), await listening(hub), await listening(hub)];
    const before = master.asked;
    master.add('a', 'b', 'c');
    await settle();
    for (const { events, text } of sinks) {
      assert.match(text, /^retry: 2000\nid: S:1\nevent: hello\ndata: \{\}\n\n/);
      assert.deepEqual(events, ['2 object', '3 object', '4 object']);
    }
    assert.ok(master.asked - before <= 3, String(master.asked - before));
    hub.close();
    assert.ok(sinks.every(({ gone }) => gone.aborted));
  });

  test('that come back get what they missed, each once', async () => {
    const master = new FakeMaster();
    master.add('1', '2', '3', '4', '5');
    const hub = createEventHub(master.ask, silentLog);
    const other = await listening(hub);
    const sink = await listening(hub, 'S:2');
    assert.deepEqual(sink.events, ['3 object', '4 object', '5 object']);
    master.add('6');
    await settle();
    assert.deepEqual(sink.events.at(-1), '6 object');
    assert.deepEqual(other.events, ['6 object']);
    hub.close();
  });

  test('are told when something is lost: forgotten, never there, or of a daemon that is gone', async () => {
    const master = new FakeMaster();
    master.first = 100;
    master.add('100', '101');
    const hub = createEventHub(master.ask, silentLog);
    for (const id of ['S:3', 'S:5000', 'T:101']) {
      const sink = await listening(hub, id);
      assert.deepEqual(sink.events, ['101 lost'], id);
      master.add('more');
      await settle();
      assert.equal(sink.events[1], `${master.first + master.events.length - 1} object`);
      sink.cut();
      master.events.pop();
      master.restart();
      master.stream = 'S';
      master.first = 100;
      master.add('100', '101');
      await settle();
    }
    hub.close();
  });

  test('that do not read get nothing more until they have read, and then all of it', async () => {
    const master = new FakeMaster();
    const hub = createEventHub(master.ask, silentLog);
    const quick = await listening(hub);
    const slow = await listening(hub);
    slow.waiting = 1 << 20;
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      master.add(name);
      await settle();
    }
    assert.deepEqual([quick.events.length, slow.events.length], [5, 0]);
    slow.read();
    await settle();
    assert.deepEqual(slow.events, quick.events);
    master.add('f');
    await settle();
    assert.deepEqual([quick.events.at(-1), slow.events.at(-1)], ['6 object', '6 object']);
    hub.close();
  });

  test('a restart of the master daemon is told to all', async () => {
    const master = new FakeMaster();
    master.add('a');
    const hub = createEventHub(master.ask, silentLog);
    const sink = await listening(hub);
    master.restart();
    await settle();
    master.add('b');
    await settle();
    assert.deepEqual(sink.events, ['0 lost', '1 object']);
    hub.close();
  });

  test('are no more than can be served, and nobody is counted who has gone', async () => {
    const master = new FakeMaster();
    const hub = createEventHub(master.ask, silentLog);
    const sinks: FakeSink[] = [];
    for (let number = 0; number < mostListeners; number += 1) {
      const sink = new FakeSink();
      (await hub.attach({ lastId: undefined, mayListen: () => true }))(sink);
      sinks.push(sink);
    }
    const attach = () => hub.attach({ lastId: undefined, mayListen: () => true });
    await assert.rejects(attach, (error) => error instanceof HttpError && error.status === 503);
    sinks[0]!.cut();
    await attach();
    hub.close();
  });
});

test('who may not listen any more is sent away', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] });
  const hub = createEventHub(new FakeMaster().ask, silentLog);
  let may = true;
  const sink = await listening(hub, undefined, () => may);
  context.mock.timers.tick(15_000);
  assert.match(sink.text, /: still here\n\n$/);
  may = false;
  context.mock.timers.tick(15_000);
  assert.ok(sink.gone.aborted);
  hub.close();
});
