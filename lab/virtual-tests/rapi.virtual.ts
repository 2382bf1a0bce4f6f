/** The remote API over TLS, from its users file to jobs that end well, on a cluster of real daemons. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { Failure } from '../../src/kit/failure.ts';
import { type Document, faultOf, operationsOf } from '../harness/openapi.ts';
import { VirtualLab } from '../harness/virtual.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly value: unknown;
}

describe('ganeti-rapi', () => {
  let lab: VirtualLab;
  const admin = 'admin:secret';
  const usersFile = 'admin secret write\nreader readpw read\nduty dutypw @operator,-instances.reboot\n';

  const ask = (method: string, path: string, user?: string, body?: unknown): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? '' : JSON.stringify(body);
      const sent = request(
        {
          host: lab.address('node1'),
          port: 5080,
          method,
          path,
          rejectUnauthorized: false,
          ...(user === undefined ? {} : { auth: user }),
          headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => {
            const { statusCode = 0, headers } = response;
            resolve({ status: statusCode, headers, text, value: JSON.parse(text) as unknown });
          });
        },
      );
      sent.on('error', reject);
      sent.end(payload);
    });
  /** What comes of the stream of events until it fits. */
  const listen = (fits: (text: string) => boolean, lastId?: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const sent = request(
        {
          host: lab.address('node1'),
          port: 5080,
          path: '/3/events',
          rejectUnauthorized: false,
          auth: 'reader:readpw',
          headers: lastId === undefined ? {} : { 'Last-Event-ID': lastId },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
            if (!fits(text)) return;
            response.destroy();
            resolve(text);
          });
          response.on('close', () => reject(new Failure('TimeoutError', [`only this came: ${text}`])));
        },
      );
      sent.setTimeout(20_000, () => sent.destroy());
      sent.on('error', reject);
      sent.end();
    });
  const read = async (path: string) => {
    const { status, value, text } = await ask('GET', path);
    assert.equal(status, 200, text);
    return value;
  };
  /** A change whose job ends well. */
  const done = async (method: string, path: string, body?: unknown) => {
    const { status, value, text } = await ask(method, path, admin, body);
    assert.equal(status, 200, `${path}: ${text}`);
    const ended = await lab.waitForJob('node1', value as number);
    const { opresult } = (await read(`/2/jobs/${value as number}`)) as { opresult: unknown };
    assert.equal(ended, 'success', `${path}: ${JSON.stringify(opresult)}`);
  };

  before(async () => {
    lab = await VirtualLab.up({ nodes: 2 });
    await writeFile(lab.paths('node1').rapiUsers, usersFile);
  });
  after(() => lab.down());

  test('comes with the cluster, and runs on the master only', async () => {
    assert.ok(lab.daemonPid('node1', 'ganeti-rapi'));
    const elsewhere = await lab.run('node2', ['ganeti-rapi', '-b', lab.address('node2')]);
    assert.deepEqual([elsewhere.code, elsewhere.stderr.startsWith('ganeti-rapi: Not master: ')], [11, true]);
  });

  test('speaks TLS 1.2 and later', async () => {
    const attempt = (version: 'TLSv1.1' | 'TLSv1.2') =>
      new Promise<string>((resolve) => {
        const socket = connect(
          {
            host: lab.address('node1'),
            port: 5080,
            rejectUnauthorized: false,
            minVersion: version,
            maxVersion: version,
            ciphers: 'DEFAULT@SECLEVEL=0',
          },
          () => {
            resolve(socket.getProtocol() ?? '');
            socket.destroy();
          },
        );
        socket.on('error', () => resolve('refused'));
      });
    assert.deepEqual([await attempt('TLSv1.2'), await attempt('TLSv1.1')], ['TLSv1.2', 'refused']);
  });

  test('answers reads of anybody, spelled as Ganeti spells them', async () => {
    const version = await ask('GET', '/version');
    assert.deepEqual([version.status, version.text, version.headers.server], [200, '2\n', 'Ganeti 3.1.0']);
    assert.equal((await ask('GET', '/')).text, 'null\n');
    assert.equal(
      (await ask('GET', '/2/nodes')).text,
      '[{"id": "node1.virtual.example", "uri": "/2/nodes/node1.virtual.example"}, ' +
        '{"id": "node2.virtual.example", "uri": "/2/nodes/node2.virtual.example"}]\n',
    );
    const info = (await read('/2/info')) as Record<string, unknown>;
    assert.deepEqual(
      [info.name, info.master, info.vg_name, info.drbd_helper],
      ['cluster.virtual.example', 'node1.virtual.example', info.volume_group_name, info.drbd_usermode_helper],
    );
    assert.deepEqual(await read('/2/os'), ['noop']);
    assert.equal(await read('/2/nodes/node2.virtual.example/role'), 'master-candidate');
    for (const noun of ['nodes', 'instances', 'groups', 'networks', 'jobs', 'filters']) {
      assert.ok(Array.isArray(await read(`/2/${noun}?bulk=1`)), noun);
    }
    const node = (await read('/2/nodes/node1.virtual.example')) as Record<string, unknown>;
    assert.equal(node.secondary_ip, node.sip);
    assert.equal((await ask('GET', '/2/nodes/nosuch')).status, 404);
    assert.equal((await ask('GET', '/2/groups/nosuch')).status, 404);
    assert.equal((await ask('GET', '/2/instances/nosuch')).status, 404);
  });

  test('an instance lives its life', async () => {
    const path = '/2/instances/inst1.virtual.example';
    const creation = {
      __version__: 1,
      mode: 'create',
      name: 'inst1.virtual.example',
      disk_template: 'diskless',
      disks: [],
      nics: [],
      os: 'noop',
      pnode: 'node1.virtual.example',
      ip_check: false,
      name_check: false,
      beparams: { maxmem: 128, minmem: 128 },
    };
    await done('POST', '/2/networks', { network_name: 'walknet', network: '10.96.0.0/24' });
    const body = { priority: 99, predicates: [], action: 'CONTINUE', reason: [] };
    rule = (await ask('POST', '/2/filters', admin, body)).value as string;
    await done('POST', '/2/instances?dry-run=1', creation);
    assert.deepEqual(await read('/2/instances'), []);
    await done('POST', '/2/instances', creation);
    const instance = (await read(path)) as Record<string, Record<string, unknown>>;
    assert.deepEqual(
      [instance.status, instance.os, instance.beparams!.memory],
      ['running', 'noop', instance.beparams!.maxmem],
    );
    await done('PUT', `${path}/shutdown`, {});
    assert.equal(((await read(path)) as { status: string }).status, 'ADMIN_down');
    await done('PUT', `${path}/startup`);
    await done('POST', `${path}/reboot?type=hard`);
    await done('PUT', `${path}/tags?tag=one&tag=two`);
    await done('DELETE', `${path}/tags?tag=one`);
    assert.deepEqual(await read(`${path}/tags`), ['two']);
    await done('PUT', `${path}/modify`, { beparams: { maxmem: 256 } });
    const console = await ask('GET', `${path}/console`, 'reader:readpw');
    assert.equal((console.value as { instance: string }).instance, 'inst1.virtual.example');
    await done('GET', `${path}/info?static=1`);
    assert.equal((await ask('PUT', `${path}/shutdown?dry-run=1`, 'duty:dutypw', {})).status, 200);
    for (const [method, place] of [
      ['POST', `${path}/reboot`],
      ['DELETE', path],
      ['PUT', `${path}/modify`],
    ] as const)
      assert.equal((await ask(method, place, 'duty:dutypw', {})).status, 403, place);
    await walk();
    await done('DELETE', path);
    assert.equal((await ask('GET', path)).status, 404);
  });

  /** Every read of the document that the daemon serves answers as the document says. */
  const walk = async () => {
    const document = (await read('/3/openapi.json')) as Document;
    const reads = operationsOf(document).filter(
      ({ method, opcode, result, isBodyNeeded }) =>
        method === 'GET' && opcode === undefined && result !== undefined && !isBodyNeeded,
    );
    const names: Readonly<Record<string, string>> = {
      instance_name: 'inst1.virtual.example',
      node_name: 'node2.virtual.example',
      group_name: 'default',
      network_name: 'walknet',
      job_id: '1',
      filter_uuid: rule,
      resource: 'node',
    };
    let walked = 0;
    for (const { path, parameters, result } of reads) {
      const place = path.replace(/\{(\w+)\}/g, (_, name: string) => names[name]!);
      const needed = parameters.filter(({ in: where, required }) => where === 'query' && required);
      const query = needed.map(({ name }) => `${name}=name`);
      const bulk = parameters.some(({ name }) => name === 'bulk') ? [[], ['bulk=1']] : [[]];
      for (const more of bulk) {
        const { status, value, text } = await ask('GET', `${place}?${[...query, ...more].join('&')}`, admin);
        assert.equal(status, 200, `${place}: ${text}`);
        assert.equal(faultOf(document, result!, value), undefined, `${place}: ${text}`);
        walked += 1;
      }
    }
    assert.ok(walked >= 35, String(walked));
  };
  let rule = '';

  test('groups, networks, filters and queries', async () => {
    await done('POST', '/2/groups', { group_name: 'rapigrp' });
    await done('PUT', '/2/groups/rapigrp/rename', { new_name: 'rapigrp2' });
    await done('PUT', '/2/groups/rapigrp2/modify', { alloc_policy: 'last_resort' });
    await done('DELETE', '/2/groups/rapigrp2');
    await done('POST', '/2/networks', { network_name: 'net1', network: '10.95.0.0/24' });
    await done('DELETE', '/2/networks/net1');
    const rule = { priority: 5, predicates: [['jobid', ['=', 'id', 1]]], action: 'ACCEPT', reason: [] };
    const uuid = (await ask('POST', '/2/filters', admin, rule)).value as string;
    assert.equal(((await read(`/2/filters/${uuid}`)) as { priority: number }).priority, 5);
    assert.equal((await ask('DELETE', `/2/filters/${uuid}`, admin)).text, 'null\n');
    const body = { fields: ['name', 'role'], qfilter: ['=', 'name', 'node2.virtual.example'] };
    const answer = (await ask('PUT', '/2/query/node', 'reader:readpw', body)).value as { data: unknown };
    assert.deepEqual(answer.data, [
      [
        [0, 'node2.virtual.example'],
        [0, 'C'],
      ],
    ]);
    const wait = await ask('GET', '/2/jobs/1/wait', admin, { fields: ['status'] });
    assert.deepEqual((wait.value as { job_info: unknown }).job_info, ['success']);
  });

  test('events tell of jobs, their words and objects; who comes back misses nothing', async () => {
    const heard = listen((text) => /"status":"success","summary":\["GROUP_ADD\(heard\)"/.test(text));
    await listen((text) => text.includes('event: hello'));
    await done('POST', '/2/groups', { group_name: 'heard' });
    const text = await heard;
    assert.match(
      text,
      /event: object\ndata: \{"resource":"group","uuid":"[\w-]+","name":"heard","change":"added"/,
    );
    const [, id] = /^id: (\S+)$/m.exec(text)!;
    await done('DELETE', '/2/groups/heard');
    const later = await listen((more) => more.includes('"change":"removed"'), id);
    assert.match(later, /GROUP_ADD\(heard\)[\s\S]*GROUP_REMOVE\(heard\)/);
    assert.equal((await ask('GET', '/3/events')).status, 401);
  });

  test('the users file counts as it is now', async () => {
    assert.equal((await ask('PUT', '/2/redistribute-config', 'new:word')).status, 401);
    assert.equal((await ask('PUT', '/2/redistribute-config', 'reader:readpw')).status, 403);
    await writeFile(lab.paths('node1').rapiUsers, `${usersFile}new word write\n`);
    assert.equal((await ask('PUT', '/2/redistribute-config', 'new:word')).status, 200);
  });

  test('a body that is too large is refused, whoever sends it', async () => {
    const { status, value } = await ask('PUT', '/2/modify', admin, { comment: 'x'.repeat(11 << 20) }).catch(
      (error: NodeJS.ErrnoException) => ({ status: 0, value: error.code }),
    );
    // The daemon may close the connection while the client is still sending.
    assert.ok(status === 413 || ['EPIPE', 'ECONNRESET'].includes(String(value)), String(status));
    assert.equal((await ask('GET', '/version')).status, 200);
  });

  test('a master daemon that is away is told', async () => {
    await lab.output('node1', ['daemon-util', 'stop', 'ganeti-masterd']);
    const { status, value } = await ask('GET', '/2/groups');
    assert.deepEqual(
      [status, (value as { message: string }).message.startsWith('Can&#x27;t connect to master daemon: /')],
      [502, true],
    );
    const submission = (await ask('PUT', '/2/redistribute-config', admin)).value as { message: string };
    assert.match(submission.message, /^Master seems to be unreachable: /);
    await lab.output('node1', ['daemon-util', 'start', 'ganeti-masterd']);
    await lab.waitForMaster('node1');
    assert.equal((await ask('GET', '/2/groups')).status, 200);
  });

  test('listeners are told that the daemon behind it was another', async () => {
    const text = await listen((so) => so.includes('event: lost'), 'another-daemon:5');
    assert.match(text, /event: lost\ndata: \{\}/);
  });

  test('no password stands in the log', async () => {
    const log = await lab.log('node1', 'rapi-daemon');
    assert.match(log, /serves 127\./);
    assert.doesNotMatch(log, /secret|readpw|dutypw/);
  });

  test('goes with the master', async () => {
    await lab.output('node2', ['gnt-cluster', 'master-failover']);
    assert.ok(lab.daemonPid('node2', 'ganeti-rapi'));
    assert.equal(lab.daemonPid('node1', 'ganeti-rapi'), undefined);
  });
});
