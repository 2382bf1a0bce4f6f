/**
 * Candidates that are slow, gone or talk rubbish hold nobody up for long and come back whole; a disk that is full
 * at any write costs the jobs that need it, and nothing else.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { check } from '../../bench/crash/checks.ts';
import { sleep } from '../../src/kit/clock.ts';
import { messageOf } from '../../src/kit/failure.ts';
import type { LuxiClient } from '../../src/luxi/client.ts';
import { fakeInstance } from '../harness/fake-instance.ts';
import { VirtualLab } from '../harness/virtual.ts';

async function until(what: string, probe: () => Promise<boolean>, seconds = 30): Promise<void> {
  for (let tries = 0; tries < seconds * 10; tries += 1) {
    if (await probe()) return;
    await sleep(100);
  }
  assert.fail(what);
}

describe('master candidates', () => {
  let lab: VirtualLab;
  let client: LuxiClient;
  let count = 0;
  let uuid = '';
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    client = await lab.luxi('node1');
    [[uuid]] = (await client.call('QueryNodes', [['node2.virtual.example'], ['uuid'], false])) as [[string]];
    await inStep();
  });
  after(() => lab.down());

  const state = async () => {
    const lines = (await lab.log('node1', 'master-daemon')).split('\n');
    return lines.findLast((line) => line.includes(`Master candidate ${uuid}`)) ?? '';
  };
  const inStep = () => until('node2 is in step', async () => (await state()).includes('in step'));
  /** A commit, as a job; it must go through. */
  const commit = async () => {
    count += 1;
    const opcode = { OP_ID: 'OP_TAGS_SET', kind: 'cluster', name: null, tags: [`tag${count}`] };
    const id = (await client.call('SubmitJob', [[opcode]])) as number;
    assert.equal(await lab.waitForJob('node1', id, 20_000), 'success');
  };
  const tags = async (node: string) =>
    (await lab.output(node, ['gnt-cluster', 'list-tags']))
      .trim()
      .split('\n')
      .filter((tag) => tag !== '').length;
  const back = async () => {
    await inStep();
    await commit();
    assert.match(await state(), /in step/);
  };

  test('that stand still are left behind and come back', async () => {
    await lab.cut('node2');
    await commit();
    assert.match(await state(), /is behind/);
    for (let more = 0; more < 5; more += 1) await commit();
    await lab.join('node2');
    await back();
  });

  test('that are gone are left behind and come back', async () => {
    await lab.output('node2', ['daemon-util', 'stop', 'ganeti-noded']);
    await commit();
    assert.match(await state(), /is behind/);
    await lab.output('node2', ['daemon-util', 'start', 'ganeti-noded']);
    await back();
  });

  test('that answer rubbish are left behind and come back', async () => {
    const pem = readFileSync(lab.paths('node2').serverCertificate);
    const long = 'x'.repeat(100_000);
    const answers = [
      '',
      '{',
      'null',
      '[]',
      '{"ok":true}',
      '{"ok":true,"value":{"last":"9"}}',
      `{"ok":false}`,
      long,
    ];
    for (const [index, answer] of [...answers, 'hang up'].entries()) {
      await lab.output('node2', ['daemon-util', 'stop', 'ganeti-noded']);
      const server: Server = createServer(
        { key: pem, cert: pem, requestCert: true, rejectUnauthorized: false },
        (_, response) => {
          if (answer === 'hang up') response.destroy();
          else
            response.writeHead(index % 2 === 0 ? 200 : 500, { 'content-length': answer.length }).end(answer);
        },
      );
      await new Promise<void>((resolve) => server.listen(1811, lab.address('node2'), resolve));
      await commit();
      assert.match(await state(), /is behind/, JSON.stringify(answer.slice(0, 40)));
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      await lab.output('node2', ['daemon-util', 'start', 'ganeti-noded']);
      await back();
    }
  });

  test('have everything when they take over', async () => {
    assert.equal(await tags('node1'), count);
    const moved = await lab.run('node2', ['gnt-cluster', 'master-failover']);
    assert.equal(moved.code, 0, moved.stderr);
    assert.equal(await tags('node2'), count);
  });
});

/** Only root can mount, and not everywhere. */
function canMount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', '/mnt'], { stdio: 'ignore' });
    execFileSync('umount', ['/mnt']);
    return true;
  } catch {
    return false;
  }
}

describe('a full disk', { skip: canMount() ? false : 'no file system can be mounted here' }, () => {
  let lab: VirtualLab;
  let folder = '';
  let client: LuxiClient;
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3, init: false });
    folder = lab.paths('node1').dataDir;
    await mkdir(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=755', 'none', folder]);
    await lab.initialise();
    client = await lab.luxi('node1');
  });
  after(async () => {
    await lab.halt();
    execFileSync('umount', ['-l', folder]);
    await lab.down();
  });

  /** Leaves so many bytes free. */
  const fill = async (free: number) => {
    const file = await open(`${folder}/filler`, 'w');
    let size = 0;
    try {
      const block = Buffer.alloc(4096);
      for (;;) size += (await file.write(block)).bytesWritten;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
    await file.truncate(Math.max(0, size - free));
    await file.close();
  };
  const submit = async (opcode: object) => await client.call('SubmitJob', [[opcode]]);
  const create = (name: string) => fakeInstance(name, 'sharedfile');

  test('costs the jobs that meet it, and leaves nothing half done', async () => {
    const nodes = [1, 2, 3].map((number) => lab.hostName(number));
    const outcomes = { refused: 0, error: 0, success: 0 };
    for (let free = 0; free <= 96 * 1024; free += 4096) {
      const name = `full${free / 4096}.virtual.example`;
      await fill(free);
      let id: number | undefined;
      try {
        id = (await submit(create(name))) as number;
      } catch (error) {
        assert.match(messageOf(error), /Can't write the journal: ENOSPC/);
        outcomes.refused += 1;
      }
      // While there is no room an end can't be told; with room it is, without anybody's help.
      await sleep(150);
      await rm(`${folder}/filler`);
      if (id !== undefined) outcomes[(await lab.waitForJob('node1', id)) as 'error' | 'success'] += 1;
      const found = await check(lab, client, { jobs: [], nodes, createLog: '/dev/null' });
      assert.deepEqual(
        found.faults,
        [],
        `with ${free} bytes free:\n${await lab.log('node1', 'master-daemon')}`,
      );
      for (const instance of found.known) {
        const removed = (await submit({
          OP_ID: 'OP_INSTANCE_REMOVE',
          instance_name: instance.name,
        })) as number;
        assert.equal(await lab.waitForJob('node1', removed), 'success');
      }
    }
    assert.ok(outcomes.refused > 0 && outcomes.error > 0 && outcomes.success > 0, JSON.stringify(outcomes));
  });

  test('is forgotten once there is room: nothing was restarted, and a restart finds everything', async () => {
    assert.doesNotMatch(await lab.log('node1', 'master-daemon'), /Started again|Unhandled/);
    const before = await lab.output('node1', ['gnt-job', 'list', '--no-headers', '-o', 'id,status']);
    const pid = lab.killDaemon('node1', 'ganeti-masterd');
    await lab.waitForDaemon('node1', 'ganeti-masterd', pid);
    await lab.waitForMaster('node1');
    assert.equal(await lab.output('node1', ['gnt-job', 'list', '--no-headers', '-o', 'id,status']), before);
    assert.doesNotMatch(await lab.log('node1', 'master-daemon'), /not consistent|is damaged/);
  });
});
