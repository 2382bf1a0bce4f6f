/** What the watcher remembers, in the form of Ganeti's file, and what it decides by it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { careFor, type WatchedInstance } from './instances.ts';
import { Notepad, openState } from './state.ts';

const hour = 3600;
const web1: WatchedInstance = {
  name: 'web1',
  status: 'ERROR_down',
  adminState: 'up',
  disksActive: true,
  secondaries: [],
  template: 'plain',
};
const free = () => false;

describe('an instance', () => {
  let clock = 1000;
  let notepad: Notepad;
  beforeEach(() => {
    clock = 1_000_000;
    notepad = new Notepad('', () => clock);
  });
  const kinds = (times: number, instance = web1) =>
    Array.from({ length: times }, () => {
      const { kind } = careFor(instance, notepad, free);
      if (kind === 'restart' || kind === 'give up') notepad.noteRestart(instance.name);
      return kind;
    });

  test('that does not stay up is started five times, then left alone', () => {
    assert.deepEqual(kinds(8), [
      ...Array.from({ length: 5 }, () => 'restart'),
      'give up',
      'exhausted',
      'exhausted',
    ]);
  });

  test('that was given up is tried again eight hours after the last time', () => {
    kinds(6);
    clock += 8 * hour - 1;
    notepad.maintain(new Set(['web1']));
    assert.equal(careFor(web1, notepad, free).kind, 'exhausted');
    clock += 2;
    notepad.maintain(new Set(['web1']));
    assert.deepEqual(careFor(web1, notepad, free), { kind: 'restart', attempt: 1 });
  });

  test('that runs again has its tries forgotten', () => {
    kinds(3);
    const running = { ...web1, status: 'running' };
    assert.equal(careFor(running, notepad, free).kind, 'recovered');
    notepad.forget('web1');
    assert.equal(careFor(running, notepad, free).kind, 'none');
  });

  test('that a job is at work on is not touched, and that is no try', () => {
    assert.equal(careFor(web1, notepad, () => true).kind, 'busy');
    assert.equal(careFor({ ...web1, status: 'USER_down' }, notepad, () => true).kind, 'busy');
    assert.equal(notepad.restarts('web1'), 0);
  });

  test('that its user has stopped is recorded as stopped', () => {
    const stopped = { ...web1, status: 'USER_down' };
    assert.equal(careFor(stopped, notepad, free).kind, 'cleanup');
    assert.equal(careFor({ ...stopped, adminState: 'down' }, notepad, free).kind, 'none');
    for (let times = 0; times < 6; times += 1) notepad.noteCleanup('web1');
    assert.equal(careFor(stopped, notepad, free).kind, 'exhausted');
  });

  test('on a node that is gone, or that shall be down, is not started', () => {
    for (const status of ['ERROR_nodedown', 'ERROR_nodeoffline', 'ADMIN_down', 'running', 'ERROR_wrongnode'])
      assert.equal(careFor({ ...web1, status }, notepad, free).kind, 'none', status);
  });

  test('that is gone is forgotten', () => {
    kinds(1);
    notepad.maintain(new Set(['web2']));
    assert.equal(notepad.text, '{"instance":{},"node":{}}\n');
  });
});

describe('the state file', () => {
  let folder = '';
  const path = () => join(folder, 'watcher.x.data');
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'watcher-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("is read and written in Ganeti's form, what it says beside that stays", () => {
    writeFileSync(
      path(),
      '{"instance": {"web1": {"restart_count": 2, "restart_when": 5.5}}, "node": {"node1": {"bootid": "a"}}, "more": 1}\n',
    );
    const state = openState(path(), () => 9)!;
    assert.equal(state.notepad.restarts('web1'), 2);
    assert.equal(state.notepad.bootId('node1'), 'a');
    state.notepad.noteRestart('web1');
    state.notepad.setBootId('node2', 'b');
    state.save();
    assert.deepEqual(JSON.parse(readFileSync(path(), 'utf8')), {
      instance: { web1: { restart_count: 3, restart_when: 9 } },
      node: { node1: { bootid: 'a' }, node2: { bootid: 'b' } },
      more: 1,
    });
  });

  test('of no sense counts as empty; unchanged only its date is new', () => {
    writeFileSync(path(), '[1, 2');
    const state = openState(path(), () => 77)!;
    assert.equal(state.notepad.restarts('web1'), 0);
    state.save();
    assert.deepEqual(JSON.parse(readFileSync(path(), 'utf8')), { instance: {}, node: {} });
  });

  test('is had by one watcher at a time, until it has saved and ended', () => {
    const first = openState(path(), () => 77)!;
    assert.equal(
      openState(path(), () => 77),
      undefined,
    );
    first.notepad.setBootId('node1', 'a');
    first.save();
    assert.equal(
      openState(path(), () => 77),
      undefined,
      'locked under its new content too',
    );
    assert.equal(statSync(path()).size > 10, true);
  });
});
