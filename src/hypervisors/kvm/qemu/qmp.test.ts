import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { QmpConnection, QmpRefusal, QmpSockets } from './qmp.ts';

type Message = { execute: string; arguments?: Record<string, unknown>; id: number };

/** A QEMU of a few words. */
class TinyQemu {
  readonly heard: string[] = [];
  silent = false;
  readonly #server: Server;
  #current: Socket | undefined;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(path, resolve);
    });
  }

  close(): void {
    this.#current?.destroy();
    this.#server.close();
  }

  say(value: unknown): void {
    this.#current?.write(`${JSON.stringify(value)}\r\n`);
  }

  #serve(socket: Socket): void {
    this.#current = socket;
    socket.on('error', () => {});
    if (this.silent) return;
    this.say({ timestamp: {}, event: 'NIC_RX_FILTER_CHANGED', data: {} });
    this.say({ QMP: { version: { qemu: { major: 7 } }, capabilities: [] } });
    let rest = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#answer(JSON.parse(line) as Message);
    });
  }

  #answer({ execute, arguments: given, id }: Message): void {
    this.heard.push(execute);
    if (execute === 'hang') return;
    if (execute === 'leave') this.#current?.destroy();
    else if (execute === 'fail') this.say({ id, error: { class: 'GenericError', desc: 'no such thing' } });
    else if (execute === 'device_del') {
      this.say({ event: 'DEVICE_DELETED', data: { device: 'other' } });
      this.say({ event: 'DEVICE_DELETED', data: { device: given?.id } });
      this.say({ id, return: {} });
    } else {
      // In two pieces: a message may be cut anywhere.
      const text = `${JSON.stringify({ id, return: given ?? {} })}\r\n`;
      this.#current?.write(text.slice(0, 7));
      this.#current?.write(text.slice(7));
    }
  }
}

let folder: string;
let file: string;
let qemu: TinyQemu;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-qmp-'));
  file = join(folder, 'guest.qmp');
  qemu = new TinyQemu();
  await qemu.listen(file);
});
afterEach(async () => {
  qemu.close();
  await rm(folder, { recursive: true });
});

describe('a QMP connection', () => {
  it('is greeted, whatever comes before, and gives results', async () => {
    const qmp = await QmpConnection.open(file);
    assert.deepEqual(await qmp.execute('echo', { a: [1, 'ä'] }), { a: [1, 'ä'] });
    assert.deepEqual(qemu.heard, ['qmp_capabilities', 'echo']);
    qmp.close();
  });

  it('gives each of many commands its own answer', async () => {
    const qmp = await QmpConnection.open(file);
    const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => qmp.execute('echo', { n })));
    assert.deepEqual(
      answers,
      [1, 2, 3, 4, 5].map((n) => ({ n })),
    );
    qmp.close();
  });

  it('tells what QEMU refuses', async () => {
    const qmp = await QmpConnection.open(file);
    await assert.rejects(qmp.execute('fail'), (error) => {
      assert.ok(error instanceof QmpRefusal);
      assert.equal(error.message, 'kvm: error executing the fail command: no such thing (GenericError)');
      return error.qmpClass === 'GenericError';
    });
    assert.deepEqual(await qmp.execute('echo'), {});
    qmp.close();
  });

  it('finds an event that came before anybody asked for it', async () => {
    const qmp = await QmpConnection.open(file);
    await qmp.execute('device_del', { id: 'disk1' });
    const event = await qmp.waitForEvent(({ data }) => data.device === 'disk1', 1000);
    assert.equal(event?.event, 'DEVICE_DELETED');
    assert.equal(await qmp.waitForEvent(({ data }) => data.device === 'disk1', 20), undefined);
    qmp.close();
  });

  it('hands events to a listener, from the first on', async () => {
    const qmp = await QmpConnection.open(file);
    const seen: string[] = [];
    qmp.listen((event) => seen.push(event.event));
    qemu.say({ event: 'POWERDOWN' });
    await qmp.execute('echo');
    assert.deepEqual(seen, ['NIC_RX_FILTER_CHANGED', 'POWERDOWN']);
    qmp.close();
  });

  it('fails a command that is never answered, and all of them when the line is cut', async () => {
    const qmp = await QmpConnection.open(file);
    await assert.rejects(qmp.execute('hang', {}, 30), /no answer to hang in 0.03 s/);
    const waiting = assert.rejects(qmp.execute('hang'), /Lost the KVM monitor/);
    await assert.rejects(qmp.execute('leave'), /Lost the KVM monitor/);
    await waiting;
    await assert.rejects(qmp.execute('echo'), /Lost the KVM monitor/);
    assert.ok(qmp.closed);
  });

  it('says so when nobody greets or nobody is there', async () => {
    qemu.silent = true;
    await assert.rejects(QmpConnection.open(file, 50), /No answer from the KVM monitor .* in 0.05 s/);
    await assert.rejects(QmpConnection.open(join(folder, 'nosuch')), /Can't reach the KVM monitor/);
  });

  it('reaches a socket whose path the kernel would not take', async () => {
    const deep = join(folder, 'x'.repeat(100), 'y'.repeat(100));
    await mkdir(deep, { recursive: true });
    const far = new TinyQemu();
    const before = process.cwd();
    process.chdir(deep);
    await far.listen('guest.qmp');
    process.chdir(before);
    const qmp = await QmpConnection.open(join(deep, 'guest.qmp'));
    assert.deepEqual(await qmp.execute('echo', { deep: true }), { deep: true });
    qmp.close();
    far.close();
  });
});

describe('the sockets of a node', () => {
  it('have one owner at a time, in order, also after a failure', async () => {
    const sockets = new QmpSockets();
    const order: number[] = [];
    let owners = 0;
    const work = [1, 2, 3, 4].map((n) =>
      sockets.with(file, async (qmp) => {
        owners += 1;
        assert.equal(owners, 1);
        await qmp.execute('echo');
        order.push(n);
        owners -= 1;
        if (n === 2) throw new Error('gave up');
      }),
    );
    const results = await Promise.allSettled(work);
    assert.deepEqual(order, [1, 2, 3, 4]);
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    );
  });
});
