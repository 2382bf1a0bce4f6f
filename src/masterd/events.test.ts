import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sampleConfiguration } from '../config/sample.ts';
import type { Job, JobStatus, LogEntry } from '../jobs/job.ts';
import { ConfigurationEvents, type Event, EventLog, JobEvents } from './events.ts';

const here = new AbortController().signal;
const event = (number: number): Event => ({ kind: 'object', data: { number } });
const told = (answer: { readonly events: readonly (readonly [number, string, unknown])[] }) =>
  answer.events.map(([number]) => number);

describe('the log of events', () => {
  test('tells whoever knows none where it is, and everybody what is new', async () => {
    const log = new EventLog();
    const start = await log.since(null, null, 60, here);
    assert.deepEqual([start.last, start.lost, start.events], [0, false, []]);
    log.add([event(1), event(2)]);
    const answer = await log.since(start.stream, 0, 60, here);
    assert.deepEqual([answer.last, answer.lost], [2, false]);
    assert.deepEqual(answer.events, [
      [1, 'object', { number: 1 }],
      [2, 'object', { number: 2 }],
    ]);
    assert.deepEqual(told(await log.since(start.stream, 1, 60, here)), [2]);
    assert.deepEqual(told(await log.since(start.stream, 2, 0, here)), []);
  });

  test('those who wait get the next one together; who goes away ends the wait', async () => {
    const log = new EventLog();
    const { stream } = await log.since(null, null, 0, here);
    const waiting = [log.since(stream, 0, 60, here), log.since(stream, 0, 60, here)];
    const going = new AbortController();
    const gone = log.since(stream, 0, 60, going.signal);
    going.abort();
    assert.deepEqual(told(await gone), []);
    log.add([event(1)]);
    assert.deepEqual((await Promise.all(waiting)).map(told), [[1], [1]]);
  });

  test('what is forgotten, and another daemon’s stream, is told to be lost', async () => {
    const log = new EventLog();
    const { stream } = await log.since(null, null, 0, here);
    for (let number = 1; number <= 4001; number += 1) log.add([event(number)]);
    const late = await log.since(stream, 5, 0, here);
    assert.deepEqual([late.lost, late.last, told(late)], [true, 4001, []]);
    const newest = await log.since(stream, 4000, 0, here);
    assert.deepEqual([newest.lost, newest.events], [false, [[4001, 'object', { number: 4001 }]]]);
    assert.equal((await log.since('other', 3, 0, here)).lost, true);
    assert.equal((await log.since(stream, 9999, 0, here)).lost, true);
    let after = 2002;
    const all: number[] = [];
    for (let answer = await log.since(stream, after, 0, here); answer.events.length > 0; ) {
      all.push(...told(answer));
      after = answer.last;
      answer = await log.since(stream, after, 0, here);
    }
    assert.deepEqual([all.length, all[0], all.at(-1)], [1999, 2003, 4001]);
  });
});

describe('events of jobs', () => {
  const job = (statuses: JobStatus[], log: LogEntry[] = []): Job => ({
    id: 7,
    ops: statuses.map((status, index) => ({
      input: { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: 'web1' },
      status,
      result: null,
      log: index === 0 ? log : [],
      start_timestamp: null,
      exec_timestamp: null,
      end_timestamp: null,
      priority: 0,
    })),
    start_timestamp: null,
    end_timestamp: null,
    received_timestamp: [1, 2],
    livelock: null,
    process_id: null,
  });
  const short = (events: readonly Event[]) =>
    events.map(({ kind, data }) => [kind, data.status ?? data.message]);

  test('are its statuses and messages, each once, and none after its end', () => {
    const events = new JobEvents();
    const [first] = events.of(job(['queued']));
    assert.deepEqual(first?.data, {
      id: 7,
      status: 'queued',
      summary: ['INSTANCE_STARTUP(web1)'],
      received_ts: [1, 2],
      start_ts: null,
      end_ts: null,
    });
    assert.deepEqual(events.of(job(['queued'])), []);
    const said: LogEntry = [1, [3, 4], 'message', 'hello'];
    assert.deepEqual(short(events.of(job(['running'], [said]))), [
      ['message', 'hello'],
      ['job', 'running'],
    ]);
    const done = job(['success'], [said, [2, [3, 5], 'odd', { a: 1 }]]);
    assert.deepEqual(short(events.of(done)), [
      ['message', '{"a":1}'],
      ['job', 'success'],
    ]);
    assert.deepEqual(events.of(done), []);
  });
});

describe('events of the configuration', () => {
  test('say what came, changed and went', () => {
    const configuration = sampleConfiguration();
    const events = new ConfigurationEvents(configuration);
    const [node] = configuration.nodes.values();
    const uuid = node!.uuid;
    const newer = { ...node!, serial_no: node!.serial_no + 1 };
    const cluster = { ...configuration.cluster, serial_no: 99 };
    const found = events.of({ ...configuration, cluster }, [
      { table: 'nodes', uuid, before: undefined, after: node },
      { table: 'nodes', uuid, before: node, after: newer },
      { table: 'nodes', uuid, before: newer, after: undefined },
    ]);
    assert.deepEqual(
      found.map(({ data }) => [data.resource, data.name, data.change, data.serial_no]),
      [
        ['node', node!.name, 'added', node!.serial_no],
        ['node', node!.name, 'changed', newer.serial_no],
        ['node', node!.name, 'removed', newer.serial_no],
        ['cluster', cluster.cluster_name, 'changed', 99],
      ],
    );
    assert.deepEqual(events.of({ ...configuration, cluster }, []), []);
  });
});
