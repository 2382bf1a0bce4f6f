/**
 * The master's side of node calls. Connections are kept open; the node must show exactly the cluster's
 * certificate (names are not compared: every node shows the same one, as in Ganeti) and gets this node's
 * client certificate. A call lasts no longer than its definition says.
 */

import { isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { buildConnector, Client, Pool } from 'undici';
import { decodeFailure, type Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { NodeCall, NodeCaller, Reply } from './call.ts';
import { version } from './calls/node.ts';
import { epochHeader, isStaleMaster } from './fence.ts';
import { hastyHeartbeat, usualHeartbeat, whileAlive } from './heartbeat.ts';
import { createIdentity, type Identity } from './identity.ts';
import { requireAnswer } from './reply.ts';
import { bodyLimit, decodeAnswer } from './wire.ts';

/** Where a node is reached. */
export interface NodeAddress {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly offline: boolean;
}

export interface NodeClientOptions {
  readonly paths: Pick<Paths, 'serverCertificate' | 'clientCertificate' | 'dataDir'>;
  /** The node of a uuid as the configuration has it now; undefined when there is none. */
  readonly address: (uuid: string) => NodeAddress | undefined;
  readonly log: Log;
  /** Of the master that calls; nodes refuse it once they know a newer one. Without it nobody is refused. */
  readonly epoch?: () => number;
  /** A node has refused a call because a newer master exists. */
  readonly superseded?: (reason: Failure) => void;
}

export interface NodeClient extends NodeCaller {
  close(): Promise<void>;
}

const connectTimeoutMs = 5_000;

function connectorFor(identity: Identity): buildConnector.connector {
  return (options, callback) => {
    let connect: buildConnector.connector;
    try {
      const { pem } = identity.client();
      connect = buildConnector({
        key: pem,
        cert: pem,
        minVersion: 'TLSv1.2',
        // The certificate is compared whole below; no authority or name could say more.
        rejectUnauthorized: false,
        maxCachedSessions: 0,
        timeout: connectTimeoutMs,
      });
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error !== null) {
        callback(error, null);
        return;
      }
      const shown = (socket as TLSSocket).getPeerX509Certificate();
      if (shown === undefined || !identity.isCluster(shown)) {
        socket.destroy();
        callback(new Error('the node does not show the certificate of this cluster'), null);
        return;
      }
      socket.setNoDelay(true);
      callback(null, socket);
    });
  };
}

/** Did the connection break before an answer, rather than refuse, time out or be called off? */
function isBrokenConnection(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function reasonOf(error: unknown, call: { readonly deadline: number }): string {
  if ((error as Error).name === 'TimeoutError') return `no answer within ${call.deadline} seconds`;
  return messageOf(error);
}

export function createNodeClient(options: NodeClientOptions): NodeClient {
  const identity = createIdentity(options.paths);
  const connect = connectorFor(identity);
  const pools = new Map<string, Pool>();
  let shown: string | undefined;

  /** Connections that were made with a client certificate that has been renewed since end when they are idle. */
  function forgetOlderConnections(): void {
    const { pem } = identity.client();
    if (shown !== undefined && shown !== pem) {
      for (const pool of pools.values()) void pool.close();
      pools.clear();
    }
    shown = pem;
  }

  function poolFor(address: NodeAddress): Pool {
    forgetOlderConnections();
    const host = isIPv6(address.ip) ? `[${address.ip}]` : address.ip;
    const origin = `https://${host}:${address.port}`;
    let pool = pools.get(origin);
    if (pool === undefined) {
      pool = new Pool(origin, {
        connect,
        keepAliveTimeout: 30_000,
        headersTimeout: 0,
        bodyTimeout: 0,
        maxResponseSize: bodyLimit,
      });
      pools.set(origin, pool);
    }
    return pool;
  }

  async function post(pool: Pool, path: string, body: string, signal: AbortSignal): Promise<string> {
    const request = {
      method: 'POST',
      path,
      body,
      headers: {
        'content-type': 'application/json',
        ...(options.epoch === undefined ? {} : { [epochHeader]: String(options.epoch()) }),
      },
      signal,
    } as const;
    try {
      return await (await pool.request(request)).body.text();
    } catch (error) {
      // A connection that the other side had closed meanwhile; calls are ensure and absent, so once more.
      if (!isBrokenConnection(error) || signal.aborted) throw error;
      return await (await pool.request(request)).body.text();
    }
  }

  /** On a connection of its own: the one in use may be as dead as its node. */
  async function signOfLife({ ip, port }: NodeAddress, signal: AbortSignal): Promise<void> {
    const host = isIPv6(ip) ? `[${ip}]` : ip;
    const client = new Client(`https://${host}:${port}`, { connect });
    // A request that waits for its connection hears of no abort: it ends with its client.
    const giveUp = () => void client.destroy();
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const answer = await client.request({
        method: 'POST',
        path: `/${version.name}`,
        body: '{}',
        headers: { 'content-type': 'application/json' },
        signal,
      });
      await answer.body.dump();
    } finally {
      signal.removeEventListener('abort', giveUp);
      // Its connection may still be on the way to nobody; that must not hold the caller up.
      void client.destroy();
    }
  }

  async function ask<A, R>(
    uuid: string,
    call: NodeCall<A, R>,
    argument: A,
    callerSignal?: AbortSignal,
  ): Promise<{ readonly name: string; readonly reply: Reply<R> }> {
    const address = options.address(uuid);
    if (address === undefined) {
      return { name: uuid, reply: { kind: 'unreachable', message: 'the node is not in the configuration' } };
    }
    const { name } = address;
    if (address.offline) return { name, reply: { kind: 'offline' } };
    const deadline = AbortSignal.timeout(call.deadline * 1000);
    const signal = callerSignal === undefined ? deadline : AbortSignal.any([callerSignal, deadline]);
    let text: string;
    try {
      text = await whileAlive(
        { ...(call.hasty ? hastyHeartbeat : usualHeartbeat), ask: (given) => signOfLife(address, given) },
        async (alive) =>
          await post(
            poolFor(address),
            `/${call.name}`,
            JSON.stringify(argument),
            AbortSignal.any([signal, alive]),
          ),
      );
    } catch (error) {
      callerSignal?.throwIfAborted();
      const message = reasonOf(error, call);
      options.log.debug(`${call.name} of ${name}: ${message}`);
      return { name, reply: { kind: 'unreachable', message } };
    }
    const answer = decodeAnswer(text);
    if (answer === undefined)
      return { name, reply: { kind: 'unreachable', message: 'the answer is not readable' } };
    if (!answer.ok) {
      const failure = decodeFailure(answer.error);
      if (isStaleMaster(failure)) options.superseded?.(failure);
      return {
        name,
        reply: { kind: 'refused', message: failure.message, error: [failure.errorClass, failure.args] },
      };
    }
    const result = call.result.safeParse(answer.value);
    if (!result.success) {
      return { name, reply: { kind: 'unreachable', message: `wrong result: ${result.error.message}` } };
    }
    return { name, reply: { kind: 'answered', value: result.data } };
  }

  return {
    async call(node, call, argument, callOptions) {
      const { name, reply } = await ask(node, call, argument, callOptions?.signal);
      return requireAnswer(reply, name, call.name);
    },
    async callAll<A, R>(
      nodes: readonly string[],
      call: NodeCall<A, R>,
      argument: A | ((node: string) => A),
    ): Promise<ReadonlyMap<string, Reply<R>>> {
      const argumentFor = typeof argument === 'function' ? (argument as (node: string) => A) : () => argument;
      const replies = await Promise.all(
        nodes.map(async (node) => [node, (await ask(node, call, argumentFor(node))).reply] as const),
      );
      return new Map(replies);
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}
