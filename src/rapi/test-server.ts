/** A server for tests: without TLS, on a port of its own, with a master daemon that knows nothing; and raw bytes to it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { silentLog } from '../kit/log.ts';
import { createEventHub } from './event-hub.ts';
import { routes } from './routes/table.ts';
import { createRapiServer, type Patience, type RapiServer, type ServerOptions } from './server.ts';
import { createService } from './service.ts';
import { parseUsers } from './users.ts';

export interface TestServer {
  readonly port: number;
  /** What the master daemon was asked to submit. */
  readonly submitted: readonly unknown[];
  /** A connection below TLS. */
  connect(): Socket;
  /** A connection above TLS, where the server has a certificate. */
  dial(): Socket;
  /** Sends the bytes and gives what comes until the connection ends, or `isOver` says that it is enough. */
  exchange(bytes: string | Buffer, isOver?: (text: string) => boolean): Promise<string>;
  close(): Promise<void>;
}

/** The user is `admin`, with the password `pw` and the right to write. */
export async function startTestServer(
  patience: Partial<Patience> = {},
  { certificate = null, ...more }: Partial<ServerOptions> = {},
): Promise<TestServer> {
  const users = parseUsers('admin pw write\n');
  const submitted: unknown[] = [];
  let told = 0;
  const events = createEventHub(async (_stream, after) => {
    told += 1;
    if (told === 2) return { stream: 'S', last: 4, lost: false, events: [[4, 'job', { id: 7 }]] };
    return after === null ? { stream: 'S', last: 3, lost: false, events: [] } : await new Promise(() => {});
  }, silentLog);
  const service = createService({
    routes,
    master: {
      call: async () => [],
      reply: async () => ({ text: '[]', result: () => [] }),
      submit: async (ops) => submitted.push(...ops),
    },
    users: { user: (name) => users.get(name) },
    requireAuthentication: false,
    events,
    log: silentLog,
    now: () => 0,
  });
  const options = { service, log: silentLog, port: 0, bind: '127.0.0.1', certificate, patience, ...more };
  const server: RapiServer = createRapiServer(options);
  const port = await server.listen();
  return {
    port,
    submitted,
    connect: () => connect(port, '127.0.0.1'),
    dial: () =>
      certificate === null
        ? connect(port, '127.0.0.1')
        : connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }),
    async exchange(bytes, isOver = () => false) {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
        if (isOver(text)) socket.destroy();
      });
      // A server that has said no need not read the rest.
      socket.on('error', () => {});
      socket.write(bytes);
      await once(socket, 'close');
      return text;
    },
    async close() {
      events.close();
      await server.close(0);
    },
  };
}
