/** Addresses: which are this machine's own, and which answer over TCP (netutils.py). */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export { answersTcp } from '../kit/answers-tcp.ts';

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
