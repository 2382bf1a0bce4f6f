/** Is there a machine at an address? (netutils.TcpPing) */
import { connect } from 'node:net';

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
