/** Two ends of a transfer, over TLS between two files of this machine. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { pollUntil } from '../../kit/clock.ts';
import { executionFailure } from '../../kit/failure.ts';
import { silentLog } from '../../kit/log.ts';
import type { TransferStatus } from '../../noderpc/calls/transfer.ts';
import { makeSelfSignedCertificate } from '../../noderpc/certificates.ts';
import { certificateIn } from '../../noderpc/pem.ts';
import { runTransfer } from './run.ts';
import type { EndIo, TransferSpec } from './spec.ts';
import { StatusFile } from './status.ts';

const folder = mkdtempSync(join(tmpdir(), 'gantry-ends-'));
const at = (name: string) => join(folder, name);
const mebibyte = 1024 * 1024;
const magic = 'M-agic.0';

async function makeKey(name: string): Promise<string> {
  const pem = await makeSelfSignedCertificate({ commonName: 'ganeti.example.com' });
  writeFileSync(at(name), pem);
  return certificateIn(pem).toString();
}

const certificates: Record<string, string> = {};

function specOf(mode: 'import' | 'export', io: EndIo, change: Partial<TransferSpec> = {}): TransferSpec {
  return {
    mode,
    keyFile: at('key'),
    certificateFile: at('key'),
    peerCertificate: certificates.key!,
    ...{ host: null, port: null, ipv6: false, compress: 'none', magic, connectTimeout: 20, io },
    ...change,
  };
}

interface Running {
  readonly status: () => TransferStatus;
  readonly code: Promise<number>;
  readonly abort: (reason: Error) => void;
}

let count = 0;
function run(spec: TransferSpec): Running {
  count += 1;
  const path = at(`status-${count}`);
  const status = new StatusFile(path, () => Date.now() / 1000);
  const controller = new AbortController();
  const code = runTransfer(spec, { status, log: silentLog, signal: controller.signal });
  return {
    status: () => JSON.parse(readFileSync(path, 'utf8')) as TransferStatus,
    code,
    abort: (reason) => controller.abort(reason),
  };
}

async function portOf(receiver: Running): Promise<number> {
  const probe = async () => {
    try {
      return receiver.status().listen_port ?? undefined;
    } catch {
      return undefined;
    }
  };
  return (await pollUntil(probe, { everyMs: 5, timeoutMs: 10_000 }))!;
}

interface Both {
  readonly codes: readonly [number, number];
  readonly sent: TransferStatus;
  readonly got: TransferStatus;
}

async function transfer(
  from: EndIo,
  to: EndIo,
  sending: Partial<TransferSpec> = {},
  receiving: Partial<TransferSpec> = sending,
): Promise<Both> {
  const receiver = run(specOf('import', to, receiving));
  const port = await portOf(receiver);
  const sender = run(specOf('export', from, { host: '127.0.0.1', port, ...sending }));
  const codes = [await sender.code, await receiver.code] as const;
  return { codes, sent: sender.status(), got: receiver.status() };
}

const contents = Buffer.concat([randomBytes(mebibyte), Buffer.alloc(3 * mebibyte), randomBytes(mebibyte)]);
const source: EndIo = { kind: 'device', path: at('source'), sizeMiB: 5, isEmpty: false };
const dump: EndIo = { kind: 'file', path: at('dump') };

function script(direction: 'import' | 'export', text: string): EndIo {
  const path = at(`script-${direction}`);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return {
    kind: 'script',
    definition: {
      ...{ name: 'os', path: folder, apiVersions: [20], variants: [], parameters: [] },
      scripts: {
        ...{ create: null, create_untrusted: null, rename: '', verify: null },
        ...{ export: path, import: path },
      },
    },
    environment: { PATH: '/bin:/usr/bin', EXP_SIZE_FD: '3', DISK: at('source'), OUT: at('out') },
    logFile: at('script.log'),
  };
}

describe('a disk goes from one side to the other', () => {
  before(async () => {
    writeFileSync(at('source'), contents);
    certificates.key = await makeKey('key');
    certificates.other = await makeKey('other');
  });
  after(() => rmSync(folder, { recursive: true }));

  for (const compress of ['none', 'gzip', 'gzip-slow']) {
    test(`whole, compressed with ${compress}, and zeros take no room in the file`, async () => {
      const { codes, sent, got } = await transfer(source, dump, { compress });
      assert.deepEqual([codes, sent.error_message, got.error_message], [[0, 0], null, null]);
      assert.ok(contents.equals(readFileSync(at('dump'))));
      assert.ok(statSync(at('dump')).blocks * 512 < contents.length);
      assert.deepEqual([sent.confirms, got.received, sent.progress_percent], [true, true, 100]);
      assert.deepEqual([got.progress_mbytes, got.exit_status], [5, 0]);
    });
  }

  test('out of a file into a disk, and not a byte further', async () => {
    writeFileSync(at('disk'), Buffer.alloc(5 * mebibyte, 7));
    const disk = { kind: 'device', path: at('disk'), sizeMiB: 5, isEmpty: false } as const;
    assert.deepEqual((await transfer({ kind: 'file', path: at('source') }, disk)).codes, [0, 0]);
    assert.ok(contents.equals(readFileSync(at('disk'))));
    writeFileSync(at('small'), Buffer.alloc(mebibyte));
    const small = { ...disk, path: at('small'), sizeMiB: 1 };
    const { codes, sent, got } = await transfer(source, small);
    assert.deepEqual(codes, [1, 1]);
    assert.match(got.error_message!, /more data came than the 1048576 bytes/);
    assert.match(sent.error_message!, /connection broke|has not confirmed/);
    assert.equal(statSync(at('small')).size, mebibyte);
  });

  test('through the scripts of an OS definition, with the size told beforehand', async () => {
    const from = script('export', 'stat -c %s "$DISK" >&$EXP_SIZE_FD; cat "$DISK"');
    const { codes, sent } = await transfer(from, script('import', 'cat >"$OUT"'));
    assert.deepEqual([codes, sent.progress_percent], [[0, 0], 100]);
    assert.ok(contents.equals(readFileSync(at('out'))));
  });

  test('or fails on both sides when a script does', async () => {
    const failing = script('import', 'cat >/dev/null; echo disk is broken; exit 3');
    const late = await transfer(source, failing);
    assert.deepEqual(late.codes, [1, 1]);
    assert.match(late.got.error_message!, /exited with exit code 3.*disk is broken/s);
    assert.match(late.sent.error_message!, /has not confirmed that all is stored/);
    const early = await transfer(script('export', 'head -c 1000 "$DISK"; exit 4'), dump);
    assert.deepEqual(early.codes, [1, 1]);
    assert.match(early.sent.error_message!, /OS export script failed \(exited with exit code 4\)/);
    assert.match(early.got.error_message!, /connection ended before all data had come|aborted|ECONNRESET/);
  });

  test('never with a stranger, a wrong magic value, or a tool that is not there', async () => {
    const { codes, got } = await transfer(source, dump, {}, { magic: 'Another' });
    assert.deepEqual([codes, got.error_message], [[1, 1], 'Magic value mismatch']);
    const missing = await transfer(source, dump, { compress: 'nosuchtool' });
    assert.deepEqual(missing.codes, [1, 1]);
    assert.match(missing.sent.error_message!, /can't run nosuchtool/);
    const receiver = run(specOf('import', dump));
    const port = await portOf(receiver);
    const key = readFileSync(at('other'));
    const visitor = connect({ host: '127.0.0.1', port, key, cert: key, rejectUnauthorized: false });
    visitor.on('error', () => {});
    await once(visitor, 'close');
    const pretender = run(
      specOf('export', source, { host: '127.0.0.1', port, peerCertificate: certificates.other! }),
    );
    await pollUntil(async () => (receiver.status().recent_output.length > 0 ? true : undefined), {
      everyMs: 5,
      timeoutMs: 10_000,
    });
    assert.match(receiver.status().recent_output[0]!, /^refused 127\.0\.0\.1: another certificate/);
    pretender.abort(executionFailure('enough'));
    receiver.abort(executionFailure('Exited due to signal 15'));
    assert.deepEqual([await pretender.code, await receiver.code], [1, 1]);
    assert.equal(receiver.status().error_message, 'Exited due to signal 15');
  });

  test('to a side that knows no frames, as Ganeti and socat are', async () => {
    const key = readFileSync(at('key'));
    const parts: Buffer[] = [];
    const server = createServer({ key, cert: key, requestCert: true, rejectUnauthorized: false });
    const ended = new Promise<void>((resolve) => {
      server.on('secureConnection', (socket: TLSSocket) => {
        socket.on('data', (chunk: Buffer) => parts.push(chunk));
        socket.on('end', () => resolve());
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const sender = run(specOf('export', source, { host: '127.0.0.1', port }));
    await ended;
    assert.deepEqual([await sender.code, sender.status().confirms], [0, false]);
    assert.ok(Buffer.concat([Buffer.from(`M=${magic}`), contents]).equals(Buffer.concat(parts)));
    server.close();
    const receiver = run(specOf('import', dump));
    const socket = connect({
      ...{ host: '127.0.0.1', port: await portOf(receiver), key, cert: key, rejectUnauthorized: false },
    });
    await once(socket, 'secureConnect');
    socket.end(Buffer.concat(parts));
    assert.deepEqual([await receiver.code, receiver.status().confirms], [0, false]);
    assert.ok(contents.equals(readFileSync(at('dump'))));
  });
});
