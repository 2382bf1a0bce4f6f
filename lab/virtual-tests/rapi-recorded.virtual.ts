/** The remote API's answers beside those that a real Ganeti gave to the same requests in the same order. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { after, before, describe, test } from 'node:test';
import { differences, type RecordedExchange, recordedExchanges } from '../harness/recorded-rapi.ts';
import { VirtualLab } from '../harness/virtual.ts';

/** Keys that 3.1 and later have and 3.0.2 did not. */
const newer: readonly RegExp[] = [/custom_osparams$/, /diskparams\.rbd\.user-id$/, /ops\[\]\.dry_run$/];
/** What jobs say and what a NIC is given depends on what they look at; later releases know no command of Xen's. */
const open: readonly RegExp[] = [/^opresult/, /^oplog/, /custom_nicparams$/, /^hvparams\.xen-/];

describe('recorded requests', () => {
  let lab: VirtualLab;
  const exchanges = recordedExchanges((text) => text.replaceAll('gnt.test', 'virtual.example'));

  const ask = ({ method, url, user, body, contentType }: RecordedExchange) =>
    new Promise<{ status: number; reason: string; headers: Record<string, unknown>; text: string }>(
      (resolve, reject) => {
        const sent = request(
          {
            host: lab.address('node1'),
            port: 5080,
            method,
            path: url,
            rejectUnauthorized: false,
            ...(user === undefined ? {} : { auth: user }),
            headers: {
              ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
              ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
            },
          },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (chunk: string) => {
              text += chunk;
            });
            response.on('end', () => {
              const { statusCode: status = 0, statusMessage: reason = '', headers } = response;
              resolve({ status, reason, headers, text });
            });
          },
        );
        sent.on('error', reject);
        sent.end(body);
      },
    );

  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    await writeFile(lab.paths('node1').rapiUsers, 'admin secret write\nreader {cleartext}readpw read\n');
    const run = (...argv: string[]) => lab.output('node1', argv);
    const add = (name: string, ...more: string[]) =>
      run(
        'gnt-instance',
        'add',
        '-o',
        'noop',
        '--no-ip-check',
        '--no-name-check',
        '-n',
        'node3',
        ...more,
        name,
      );
    await run('gnt-network', 'add', '--network=10.96.0.0/24', '--gateway=10.96.0.1', 'net2');
    await add('inst2.virtual.example', '-t', 'diskless', '--net', '0:mode=routed,link=100,ip=10.1.1.1');
    await add('inst6.virtual.example', '-t', 'file', '--disk', '0:size=16', '--no-nics');
    // The fourteenth job is asked for.
    const [first] = exchanges;
    for (let job = 0; job < 8; job += 1) await ask({ ...first!, url: '/2/os' });
  });
  after(() => lab.down());

  test('are answered with the same status, headers and form, errors with the same words', async () => {
    assert.ok(exchanges.length > 80, String(exchanges.length));
    const faults: string[] = [];
    for (const exchange of exchanges) {
      const { command, status, reason, headers, text } = exchange;
      const answer = await ask(exchange);
      const say = (what: string) => faults.push(`${command.slice(0, 160)}\n    ${what}`);
      if (answer.status !== status || answer.reason !== reason) {
        say(`${status} ${reason} became ${answer.status} ${answer.reason}: ${answer.text.slice(0, 300)}`);
        continue;
      }
      for (const name of ['Content-Type', 'WWW-Authenticate'])
        if (headers.get(name) !== answer.headers[name.toLowerCase()])
          say(`${name} ${String(answer.headers[name.toLowerCase()])}`);
      if (status !== 200) {
        if (answer.text !== text) say(`${text}    became ${answer.text}`);
        continue;
      }
      const found = JSON.parse(answer.text) as unknown;
      const fits = (list: readonly RegExp[]) => (place: string) =>
        list.some((pattern) => pattern.test(place));
      for (const fault of differences(JSON.parse(text), found, fits(newer), fits(open))) say(fault);
      if (exchange.method !== 'GET' && Number.isInteger(found))
        await lab.waitForJob('node1', found as number);
    }
    assert.deepEqual(faults, []);
  });
});
