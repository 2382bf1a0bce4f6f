/** The control socket: the node daemon tells of instances here. Readable by root only. */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { frame, MessageCutter } from '../kit/message-framing.ts';
import { largestMessage } from './client/control.ts';
import { type Instances, metadataIn } from './instances.ts';

const idleMs = 60_000;

async function answer(instances: Instances, method: unknown, args: readonly unknown[]): Promise<unknown> {
  const [first] = args;
  if (args.length !== 1)
    throw new Failure('ProtocolError', [`${String(method)} takes one argument, ${args.length} were given`]);
  switch (method) {
    case 'echo':
      return first;
    case 'updateConfig':
      await instances.update(metadataIn(first));
      return null;
    case 'forgetInstance':
      if (typeof first !== 'string') throw new Failure('ParameterError', ['this is no uuid']);
      instances.forget(first);
      return null;
    default:
      throw new Failure('ProtocolError', [`No such method: ${String(method)}`]);
  }
}

async function reply(instances: Instances, text: string): Promise<string> {
  try {
    const request = JSON.parse(text) as { method?: unknown; args?: unknown };
    const args: readonly unknown[] = Array.isArray(request.args) ? request.args : [request.args];
    return frame({ success: true, result: await answer(instances, request.method, args) });
  } catch (error) {
    const name = error instanceof Failure ? error.errorClass : 'ProtocolError';
    return frame({ success: false, result: [name, [messageOf(error)]] });
  }
}

function serve(socket: Socket, instances: Instances, log: Log): void {
  const cutter = new MessageCutter(largestMessage);
  let turn = Promise.resolve();
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on('error', (error) => log.debug(messageOf(error)));
  const take = (text: string) => {
    turn = turn.then(async () => {
      const answered = await reply(instances, text);
      if (socket.writable) socket.write(answered);
    });
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      cutter.push(chunk).forEach(take);
    } catch (error) {
      log.warning(`control socket: ${messageOf(error)}`);
      socket.destroy();
    }
  });
}

export interface ControlServer {
  close(): Promise<void>;
}

export async function serveControl(path: string, instances: Instances, log: Log): Promise<ControlServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, instances, log);
  });
  // What an earlier daemon left; the pid file says that it has gone.
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => resolve());
    });
    chmodSync(path, 0o600);
  } finally {
    process.umask(before);
  }
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
