/** Addresses: which are this machine's own, and which answer over TCP (netutils.py). */
import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

/** An address is a machine's own exactly when a socket can be bound to it. */
export function ownsAddress(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address, port: 0, exclusive: true }, () => {
      socket.close();
      resolve(true);
    });
  });
}

/**
 * Does the machine at `address` answer? A refused connection is an answer too, unless `serving` asks for
 * someone who listens.
 */
export function answersTcp(
  address: string,
  port: number,
  options: { readonly source?: string; readonly timeoutMs?: number; readonly serving?: boolean } = {},
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      host: address,
      port,
      ...(options.source === undefined ? {} : { localAddress: options.source }),
    });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(options.timeoutMs ?? 10_000, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'ECONNREFUSED' && options.serving !== true),
    );
  });
}
