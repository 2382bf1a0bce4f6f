/** The small parts that handlers share. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withHost, withoutHost } from './etc-hosts.ts';
import { createTurns } from './in-turn.ts';
import { missingLinks } from './links.ts';
import { parseOptions } from './options.ts';
import { idIn } from './owner.ts';
import { answersTcp, ownsAddress } from './reachability.ts';

test('a host is put in its line, others of the address go, a last line without end is ended', () => {
  assert.equal(
    withHost('10.0.0.1 a\n10.0.0.1 b\n10.0.0.2 c', '10.0.0.1', 'n.x'),
    '10.0.0.1\tn.x n\n10.0.0.2 c',
  );
  assert.equal(withHost('10.0.0.2 c', '10.0.0.1', 'n'), '10.0.0.2 c\n10.0.0.1\tn\n');
  assert.equal(withHost('', '10.0.0.1', 'n'), '10.0.0.1\tn\n');
});

test('a host is taken out by both names, others of its line stay', () => {
  assert.equal(withoutHost('10.0.0.1 n.x n alias\n#10.0.0.1 n\n', 'n.x'), '10.0.0.1 alias\n#10.0.0.1 n\n');
  assert.equal(withoutHost('10.0.0.1\tn.x n\n10.0.0.2 m', 'n.x'), '10.0.0.2 m');
});

test('work on one thing happens in turn, on two things at once', async () => {
  const inTurn = createTurns();
  const steps: string[] = [];
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = inTurn('a', async () => {
    await gate;
    steps.push('first');
    throw new Error('broken');
  });
  const second = inTurn('a', async () => void steps.push('second'));
  await inTurn('b', async () => void steps.push('other'));
  release();
  await assert.rejects(first, /broken/);
  await second;
  assert.deepEqual(steps, ['other', 'first', 'second']);
});

test('ids come from the exact name', () => {
  const text = 'root:x:0:0::/root:/bin/sh\nrooter:x:7:7::/:/bin/sh\n';
  assert.deepEqual([idIn(text, 'root'), idIn(text, 'rooter'), idIn(text, 'roo')], [0, 7, undefined]);
});

test('own addresses and answering ports', async () => {
  assert.ok(await ownsAddress('127.0.0.9'));
  assert.ok(!(await ownsAddress('192.0.2.1')));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  assert.ok(await answersTcp('127.0.0.1', port, { serving: true }));
  await new Promise((resolve) => server.close(resolve));
  assert.ok(await answersTcp('127.0.0.1', port));
  assert.ok(!(await answersTcp('127.0.0.1', port, { serving: true })));
});

test('links: a bridge is a bridge, a virtual node may have its own', async () => {
  const root = mkdtempSync(join(tmpdir(), 'links-'));
  mkdirSync(join(root, 'sys/class/net/br-virtual/bridge'), { recursive: true });
  mkdirSync(join(root, 'sys/class/net/plain'), { recursive: true });
  const links = ['br-virtual', 'plain', '..', 'a/b'].map((link) => ({ mode: 'bridged', link }));
  assert.deepEqual(await missingLinks({ root }, links), ['plain', '..', 'a/b']);
  assert.deepEqual(await missingLinks({ root: '' }, [{ mode: 'routed', link: '100' }]), []);
  rmSync(root, { recursive: true });
});

test('options: what is given counts, the environment only for the port', () => {
  const options = parseOptions(['-f', '-b', '10.0.0.1', '--no-mlock', '--max-clients=5'], {
    GANETI_NODED_PORT: '1911',
  });
  assert.deepEqual(options, {
    ...{ foreground: true, debug: false, port: 1911, bind: '10.0.0.1', maxClients: 5, certificate: null },
  });
  assert.equal((parseOptions(['-p', '1999'], { GANETI_NODED_PORT: '1' }) as { port: number }).port, 1999);
  assert.match((parseOptions(['--help'], {}) as { shown: string }).shown, /^Usage: ganeti-noded/);
  assert.equal((parseOptions(['-i', 'lo'], {}) as { bind: string }).bind, '127.0.0.1');
});

test('options that are wrong or not supported are refused', () => {
  for (const [args, words] of [
    [['-p', 'x'], /invalid integer value: 'x'/],
    [['-p', '70000'], /invalid integer value/],
    [['extra'], /Unexpected argument/],
    [['--nosuch'], /Unknown option/],
    [['--no-ssl'], /not supported yet/],
    [['--syslog=only'], /not supported yet/],
    [['-i', 'gantry-none'], /interface 'gantry-none'/],
    [['-K', '/a', '-C', '/b'], /not supported yet/],
  ] as const) {
    assert.throws(() => parseOptions(args, {}), words);
  }
});
