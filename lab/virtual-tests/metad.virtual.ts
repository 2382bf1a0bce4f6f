/**
 * The metadata daemon on a cluster of real daemons: started by the first instance that needs it, told of parameters by
 * the node daemon, asked from the instance's address. (The hypervisor is fake: the test asks in the instance's place.)
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { runChecked } from '../../src/kit/process.ts';
import { packageFile } from '../../src/metadata/client/control.ts';
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

  test('a helper virtual machine gets the scripts that the node does not trust', async () => {
    const helped = 'inst2.virtual.example';
    const paths = lab.paths('node1');
    await writeFile(join(lab.root('node1'), 'srv/install.raw'), 'what the helper boots from', {
      mode: 0o644,
    });
    const folder = join(lab.root('node1'), 'srv/ganeti/os/careful');
    await cp(join(lab.root('node1'), 'srv/ganeti/os/told'), folder, { recursive: true });
    await rename(join(folder, 'create'), join(folder, 'create_untrusted'));
    const add = [
      ...'gnt-instance add -t file -o careful --disk 0:size=16M --no-nics -n node1.virtual.example'.split(
        ' ',
      ),
      ...['-O', 'suite=bookworm', '--os-parameters-private', 'password=hush'],
      ...['--os-parameters-secret', 'token=hush-hush'],
    ];
    const refused = await lab.run('node1', [...add, '-c', 'yes', helped]);
    assert.match(refused.stderr, /an install image has not been specified/);
    await run('gnt-cluster modify --install-image=/srv/install.raw');
    assert.match((await lab.run('node1', [...add, helped])).stderr, /needs instance communication/);
    const made = lab.output('node1', [...add, '-c', 'yes', '--helper-shutdown-timeout=120', helped]);
    // The fake hypervisor's guest is a file: it is up when the file is there, and ends when the file goes.
    const guest = join(paths.runDir, 'fake-hypervisor', helped);
    const isUp = async () => (existsSync(guest) ? true : undefined);
    assert.ok(await pollUntil(isUp, { everyMs: 50, timeoutMs: 30_000 }));
    const own = (await run(`gnt-instance list --no-headers -o nic.ip/0 ${helped}`)).trim();
    const disks = join(lab.root('node1'), 'srv/ganeti/file-storage', helped);
    assert.equal((await readdir(disks)).length, 2);
    const { status } = await ask('node1', 'os/os-install-package', own);
    assert.equal(status, 200);
    const packed = packageFile(paths, (await run(`gnt-instance list --no-headers -o uuid ${helped}`)).trim());
    const environment = (await runChecked(['tar', '-xzOf', packed, './environment'])).stdout.split('\n');
    for (const line of ['OS_SCRIPT=create_untrusted', 'DISK_0_PATH=/dev/vdb', 'OSP_PASSWORD=hush'])
      assert.ok(environment.includes(line), line);
    assert.ok(!environment.join().includes('hush-hush'), 'a secret stands in the package');
    assert.equal(
      (JSON.parse((await ask('node1', 'os/parameters.json', own)).body) as Record<string, string[]>)
        .token?.[0],
      'hush-hush',
    );
    await rm(guest);
    assert.match(await made, /Running OS create script: Helper VM execution completed/);
    assert.equal((await ask('node1', 'os/os-install-package', own)).status, 404);
    assert.equal((await readdir(disks)).length, 1);
    assert.equal((await run(`gnt-instance list --no-headers -o status ${helped}`)).trim(), 'running');
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
