/**
 * The metadata daemon on a cluster of real daemons: started by the first instance that needs it, told of parameters by
 * the node daemon, asked from the instance's address. (The hypervisor is fake: the test asks in the instance's place.)
 */
import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { VirtualLab } from '../harness/virtual.ts';

describe('ganeti-metad', () => {
  let lab: VirtualLab;
  const port = 8069;
  const name = 'inst1.virtual.example';
  const run = (command: string) => lab.output('node1', command.split(' '));
  const ask = (node: string, path: string, from: string): Promise<{ status: number; body: string }> =>
    new Promise((resolve, reject) => {
      const sent = request(
        { host: lab.address(node), port, path: `/ganeti/latest/${path}`, localAddress: from, agent: false },
        (response) => {
          let body = '';
          response.on('data', (chunk: Buffer) => {
            body += chunk.toString();
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  const address = async () => (await run(`gnt-instance list --no-headers -o nic.ip/0 ${name}`)).trim();

  before(async () => {
    lab = await VirtualLab.up({ nodes: 2 });
    for (const node of ['node1', 'node2']) {
      const folder = join(lab.root(node), 'srv/ganeti/os/told');
      await cp(join(lab.root(node), 'srv/ganeti/os/noop'), folder, { recursive: true });
      await writeFile(join(folder, 'parameters.list'), 'suite A\npassword B\ntoken C\n');
      await writeFile(join(folder, 'verify'), '#!/bin/sh\n', { mode: 0o755 });
    }
    // A loopback network stands for 169.254.0.0/16, which no program here could ask from.
    await run(`gnt-network add --network=127.${lab.network}.8.0/24 --mac-prefix=52:54:00 communication`);
    await run('gnt-network connect --nic-parameters=mode=routed,link=communication_rt communication');
    await run('gnt-cluster modify --instance-communication-network=communication');
  });
  after(() => lab.down());

  test('nobody needs it, nothing runs', async () => {
    assert.equal(lab.daemonPid('node1', 'ganeti-metad'), undefined);
    await run('daemon-util start-all');
    assert.equal(lab.daemonPid('node1', 'ganeti-metad'), undefined);
    const away = await lab.run('node1', ['gnt-debug', 'metad', 'echo', 'hello']);
    assert.equal(away.code, 1);
    assert.match(away.stderr, /The metadata daemon can't be reached/);
  });

  test('an instance with a communication interface gets its parameters, with who may see them', async () => {
    await lab.output('node1', [
      ...'gnt-instance add -t sharedfile -o told --disk 0:size=16M --no-nics -c yes'.split(' '),
      ...['-O', 'suite=bookworm', '--os-parameters-private', 'password=hush'],
      ...['--os-parameters-secret', 'token=hush-hush', '-n', 'node1.virtual.example', name],
    ]);
    const pid = lab.daemonPid('node1', 'ganeti-metad');
    assert.ok(pid);
    const own = await address();
    assert.deepEqual(JSON.parse((await ask('node1', 'os/parameters.json', own)).body), {
      suite: ['bookworm', 'public'],
      password: ['hush', 'private'],
      token: ['hush-hush', 'secret'],
    });
    assert.equal(
      (JSON.parse((await ask('node1', 'meta_data.json', own)).body) as { name: string }).name,
      name,
    );
    assert.match((await ask('node1', 'os/scripts/create', own)).body, /^#!/);
    assert.equal((await ask('node1', 'os/parameters.json', lab.address('node2'))).status, 404);
    assert.equal((await run('gnt-debug metad echo hello')).trim(), 'Answer: hello');
  });

  test('a daemon that was killed is back with all but the secrets', async () => {
    const before = lab.killDaemon('node1', 'ganeti-metad');
    await lab.waitForDaemon('node1', 'ganeti-metad', before);
    const { body } = await ask('node1', 'os/parameters.json', await address());
    assert.deepEqual(JSON.parse(body), { suite: ['bookworm', 'public'], password: ['hush', 'private'] });
  });

  test('what is known goes with the instance', async () => {
    await run(`gnt-instance migrate -f -n node2.virtual.example ${name}`);
    const own = await address();
    assert.equal((await ask('node1', 'os/parameters.json', own)).status, 404);
    const { body } = await ask('node2', 'os/parameters.json', own);
    assert.deepEqual(JSON.parse(body), { suite: ['bookworm', 'public'], password: ['hush', 'private'] });
  });

  test('no secret stands in logs and jobs', async () => {
    const logs = await Promise.all(
      ['node1', 'node2'].flatMap((node) =>
        ['meta-daemon', 'node-daemon', 'master-daemon'].map((log) => lab.log(node, log)),
      ),
    );
    assert.ok(/ganeti-metad .* serves /.test(logs.join('')), 'the daemon has a log');
    assert.ok(!logs.join('').includes('hush'), 'a secret stands in a log');
    const found = await lab.run('node1', ['grep', '-rl', 'hush-hush', lab.root('node1')]);
    assert.equal(found.stdout, '');
  });

  test('ganeti-kvmd says who does its work', async () => {
    const { code, stderr } = await lab.run('node1', ['ganeti-kvmd']);
    assert.deepEqual([code, /the node daemon notices/.test(stderr)], [11, true]);
    await run('daemon-util start ganeti-kvmd').catch((error: Error) =>
      assert.match(error.message, /code 11/),
    );
  });
});
