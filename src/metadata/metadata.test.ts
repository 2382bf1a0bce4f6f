/** The metadata daemon: what instances get under which path, from whom it is told, and what it remembers. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { silentLog } from '../kit/log.ts';
import {
  callMetadata,
  communicationAddress,
  controlSocket,
  type InstanceMetadata,
  packageFile,
  packageFolder,
} from './client/control.ts';
import { type ControlServer, serveControl } from './control.ts';
import { Instances, metadataIn } from './instances.ts';
import { createWeb } from './web.ts';
import { createWebServer } from './web-server.ts';

const uuid = 'aec390cb-5eae-44e6-bcc2-ec14d31347f0';
const other = 'bec390cb-5eae-44e6-bcc2-ec14d31347f0';
const address = '169.254.0.7';
const web1: InstanceMetadata = {
  name: 'web1.example.com',
  uuid,
  os: 'debian+minimal',
  nics: [
    { name: null, ip: '192.0.2.7', mac: 'aa:00:00:00:00:01' },
    { name: 'ganeti:communication:web1.example.com', ip: address, mac: '52:54:00:00:00:01' },
  ],
  osparams: { suite: 'bookworm', 'os-package': '/etc/shadow' },
  osparams_private: { password: 'hush' },
  osparams_secret: { token: 'hush hush' },
};

describe('what instances ask for', () => {
  let folder: string;
  let instances: Instances;
  let osFolder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-metadata-'));
    osFolder = join(folder, 'os');
    await mkdir(join(osFolder, 'debian'), { recursive: true });
    await writeFile(join(osFolder, 'debian', 'create'), '#!/bin/sh\n');
    await symlink('/etc/hostname', join(osFolder, 'debian', 'export'));
    await writeFile(join(osFolder, 'debian', 'package.tar'), 'content');
    instances = new Instances(join(folder, 'state'), silentLog);
    await instances.update(web1);
  });
  after(() => rm(folder, { recursive: true }));
  const ask = (url: string, method = 'GET', from = address) =>
    createWeb({
      log: silentLog,
      osSearchPath: ['/nowhere', osFolder],
      packageFile: (of) => packageFile({ runDir: folder }, of),
      instanceAt: (at) => instances.at(at),
    })({
      method,
      url,
      from,
    });

  const jsonOf = async (url: string) => {
    const { body } = await ask(url);
    assert.ok(typeof body === 'string');
    return JSON.parse(body) as unknown;
  };

  test('parameters with who may see them', async () => {
    const { status, type } = await ask('/ganeti/latest/os/parameters.json');
    assert.deepEqual([status, type], [200, 'application/json']);
    assert.deepEqual(await jsonOf('/ganeti/latest/os/parameters.json'), {
      suite: ['bookworm', 'public'],
      'os-package': ['/etc/shadow', 'public'],
      password: ['hush', 'private'],
      token: ['hush hush', 'secret'],
    });
  });

  test('what it is', async () => {
    assert.deepEqual(await jsonOf('/ganeti/latest/meta_data.json'), {
      name: 'web1.example.com',
      uuid,
      os: 'debian+minimal',
      nics: [
        { mac: 'aa:00:00:00:00:01', ip: '192.0.2.7' },
        { mac: '52:54:00:00:00:01', ip: address },
      ],
    });
  });

  test('scripts of its definition, and no file from elsewhere', async () => {
    const file = (name: string) => join(osFolder, 'debian', name);
    const { body } = await ask('/ganeti/latest/os/scripts/create');
    assert.deepEqual(body, { path: await realpath(file('create')), size: 10 });
    for (const path of [
      'os/scripts/export',
      'os/scripts/import',
      'os/scripts/../../../../etc/passwd',
      'os/scripts/package.tar',
      'os/package',
      'os/os-install-package',
    ])
      assert.equal((await ask(`/ganeti/latest/${path}`)).status, 404, path);
    await instances.update({ ...web1, osparams: { 'os-package': join(osFolder, 'debian', 'package.tar') } });
    const { body: archive } = await ask('/ganeti/latest/os/package');
    assert.deepEqual(archive, { path: await realpath(file('package.tar')), size: 7 });
    await instances.update({ ...web1, os: '../debian' });
    assert.equal((await ask('/ganeti/latest/os/scripts/create')).status, 404);
    await instances.update(web1);
  });

  test('the install package that was made for it, unless its parameters name one', async () => {
    const get = () => ask('/ganeti/latest/os/os-install-package');
    const sent = async () => {
      const { body } = await get();
      assert.ok(typeof body !== 'string');
      return await readFile(body.path, 'utf8');
    };
    assert.equal((await get()).status, 404);
    await mkdir(packageFolder({ runDir: folder }), { recursive: true });
    await writeFile(packageFile({ runDir: folder }, other), 'somebody else');
    assert.equal((await get()).status, 404);
    await writeFile(packageFile({ runDir: folder }, uuid), 'made for web1');
    assert.equal(await sent(), 'made for web1');
    const osparams = { 'os-install-package': packageFile({ runDir: folder }, other) };
    await instances.update({ ...web1, osparams });
    assert.equal((await get()).status, 404);
    await instances.update({
      ...web1,
      osparams: { 'os-install-package': join(osFolder, 'debian/package.tar') },
    });
    assert.equal(await sent(), 'content');
    await instances.update(web1);
    assert.throws(() => packageFile({ runDir: folder }, '../x'), /this is no uuid/);
  });

  test('nobody else gets any of it', async () => {
    for (const from of ['169.254.0.8', '127.0.0.1', '', '192.0.2.7'])
      assert.equal((await ask('/ganeti/latest/os/parameters.json', 'GET', from)).status, 404, from);
  });

  test('methods, and paths that there are not', async () => {
    const answers = await Promise.all([
      ask('/ganeti/latest/read'),
      ask('/ganeti/latest/read', 'POST'),
      ask('/ganeti/latest/write', 'POST'),
      ask('/ganeti/latest/write'),
      ask('/ganeti/latest/os/parameters.json', 'POST'),
      ask('/ganeti/2014-01-01/os/parameters.json'),
      ask('/latest/meta-data'),
      ask('/'),
    ]);
    assert.deepEqual(
      answers.map(({ status, allow }) => [status, allow]),
      [
        ...[
          [200, undefined],
          [405, 'GET'],
          [200, undefined],
          [405, 'POST'],
        ],
        ...[
          [404, undefined],
          [404, undefined],
          [404, undefined],
          [404, undefined],
        ],
      ],
    );
  });

  test('no path brings it down', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        assert.equal((await ask(`/ganeti/latest/os/${text}x`)).status, 404);
      }),
    );
  });

  test('over HTTP, an instance is told by its address', async () => {
    await instances.update({
      ...web1,
      nics: [{ name: 'ganeti:communication:web1', ip: '127.0.0.9' }],
    });
    const server = createWebServer({
      answer: createWeb({
        log: silentLog,
        osSearchPath: [osFolder],
        packageFile: (of) => packageFile({ runDir: folder }, of),
        instanceAt: (at) => instances.at(at),
      }),
      log: silentLog,
      port: 0,
      bind: '127.0.0.1',
    });
    await server.begin();
    const get = (localAddress: string) =>
      new Promise<string>((resolve, reject) => {
        const path = '/ganeti/latest/os/scripts/create';
        const sent = request(
          { host: '127.0.0.1', port: server.port, path, localAddress, agent: false },
          (response) => {
            let body = '';
            response.on('data', (chunk: Buffer) => {
              body += chunk.toString();
            });
            response.on('end', () => resolve(`${response.statusCode} ${body}`));
          },
        );
        sent.on('error', reject);
        sent.end();
      });
    try {
      assert.equal(await get('127.0.0.9'), '200 #!/bin/sh\n');
      assert.equal(await get('127.0.0.8'), '404 Resource not found');
    } finally {
      await server.close();
    }
  });

  test('one that opens connection after connection keeps nobody else from being answered', async () => {
    const server = createWebServer({
      answer: async ({ from }) => ({ status: 200, type: 'text/plain', body: from }),
      log: silentLog,
      port: 0,
      bind: '127.0.0.1',
    });
    await server.begin();
    const dial = (localAddress: string) => connect({ port: server.port!, host: '127.0.0.1', localAddress });
    const [count, most] = [40, 16];
    let shownOut = 0;
    await new Promise<void>((resolve) => {
      for (let opened = 0; opened < count; opened += 1) {
        const socket = dial('127.0.0.9').on('error', () => {});
        socket.resume().once('close', () => {
          shownOut += 1;
          if (shownOut === count - most) resolve();
        });
      }
    });
    const modest = dial('127.0.0.8');
    modest.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const [answer] = (await once(modest, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 .*\r\n\r\n127\.0\.0\.8$/s);
    assert.equal(shownOut, count - most);
    await server.close();
  });

  test('an address that the node has not yet is waited for', async () => {
    const server = createWebServer({
      answer: async () => ({ status: 200, type: 'text/plain', body: '' }),
      log: silentLog,
      port: 0,
      bind: '192.0.2.77',
      againMs: 5,
    });
    await server.begin();
    assert.equal(server.port, undefined);
    await server.close();
  });
});

describe('what is remembered', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-metadata-'));
  });
  after(() => rm(folder, { recursive: true }));

  test('a new daemon knows all but secrets, from files that only root reads', async () => {
    const state = join(folder, 'one');
    await new Instances(state, silentLog).update(web1);
    assert.equal((await stat(state)).mode & 0o777, 0o700);
    assert.equal((await stat(join(state, `${uuid}.json`))).mode & 0o777, 0o600);
    assert.ok(!(await readFile(join(state, `${uuid}.json`), 'utf8')).includes('hush hush'));
    await writeFile(join(state, 'damaged.json'), '{');
    const again = new Instances(state, silentLog);
    assert.deepEqual(again.at(address)?.osparams_private, { password: 'hush' });
    assert.deepEqual(again.at(address)?.osparams_secret, {});
  });

  test('secrets stay until others come; an address is one instance’s', async () => {
    const state = join(folder, 'two');
    const instances = new Instances(state, silentLog);
    await instances.update(web1);
    const { osparams_secret: _left, ...without } = web1;
    await instances.update({ ...without, osparams: {} });
    assert.deepEqual(instances.at(address)?.osparams_secret, { token: 'hush hush' });
    await instances.update({ ...without, name: 'web2', uuid: other });
    assert.equal(instances.at(address)?.name, 'web2');
    assert.deepEqual(instances.at(address)?.osparams_secret, {}, 'secrets of another instance');
    await instances.update({ ...web1, uuid: other, nics: [] });
    assert.equal(instances.at(address), undefined);
    instances.forget(uuid);
    instances.forget(uuid);
    assert.deepEqual(await readdir(state), []);
    assert.throws(() => instances.forget('../../etc/passwd'));
  });

  test('what is no instance is refused', () => {
    for (const value of [
      null,
      [],
      'x',
      {},
      { ...web1, uuid: '../x' },
      { ...web1, nics: 5 },
      { ...web1, osparams: { a: 1 } },
    ])
      assert.throws(() => metadataIn(value), { errorClass: 'ParameterError' });
    assert.equal(communicationAddress([]), undefined);
  });
});

describe('the control socket', () => {
  let folder: string;
  let control: ControlServer;
  let instances: Instances;
  const path = () => controlSocket({ socketDir: folder });
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gantry-metadata-'));
    await chmod(folder, 0o755);
    instances = new Instances(join(folder, 'state'), silentLog);
    control = await serveControl(path(), instances, silentLog);
  });
  after(async () => {
    await control.close();
    await rm(folder, { recursive: true });
  });

  test('is for root alone, echoes, takes and forgets instances', async () => {
    assert.equal((await stat(path())).mode & 0o777, 0o600);
    assert.equal(await callMetadata(path(), 'echo', ['hello']), 'hello');
    await callMetadata(path(), 'updateConfig', [web1]);
    assert.equal(instances.at(address)?.name, 'web1.example.com');
    await callMetadata(path(), 'forgetInstance', [uuid]);
    assert.equal(instances.at(address), undefined);
  });

  test('refuses what it does not know', async () => {
    await assert.rejects(
      callMetadata(path(), 'updateConfig', [{} as InstanceMetadata]),
      /Could not find instance name/,
    );
    await assert.rejects(callMetadata(path(), 'shutdown' as 'echo', ['x']), /No such method: shutdown/);
    await assert.rejects(callMetadata(join(folder, 'nobody'), 'echo', ['x']), /can't be reached/);
  });

  test('an answer that is none is a failure of the call', async () => {
    const elsewhere = join(folder, 'elsewhere');
    const babbler = createServer((socket) => socket.end('nonsense\u0003')).listen(elsewhere);
    await once(babbler, 'listening');
    await assert.rejects(callMetadata(elsewhere, 'echo', ['x']), /answer can't be read/);
    babbler.close();
  });
});
