/**
 * What clients may hold of the daemon's memory. A connection that waits for its client (for the handshake, the rest of a
 * request, the next one) takes up to 65 KiB, and an answer stays until it has been taken. Of both there may be so much;
 * beyond that the connection that has waited or held longest is shown out for the newest. One whose request is being
 * answered holds nothing, and is never shown out for waiting.
 */
import type { Socket } from 'node:net';

export interface Allowance {
  /** Connections that may wait for their clients at once. */
  readonly mostWaiting: number;
  /** Bytes of answers that aren't taken yet; the newest answer comes on top. */
  readonly mostHeld: number;
}

interface Connection {
  readonly name: string;
  readonly socket: Socket;
  /** Requests on it that are there as a whole and not answered. */
  running: number;
  /** Bytes of answers that its client hasn't taken. */
  held: number;
}

type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/** Tells a connection from the others, for the TLS socket as for the one below it. */
const nameOf = ({ remoteAddress, remotePort }: Peer) => `${remoteAddress} ${remotePort}`;

/** A request, from its first line until its answer is taken. */
export interface Turn {
  /** It is there as a whole. */
  begin(): void;
  /**
   * There is an answer of so many bytes.
   * @returns what becomes of the connection: it waits for its client, has more requests to answer, or was shown out
   */
  end(bytes: number): 'waiting' | 'running' | 'gone';
  /** The answer is with the client, or nobody is there to take it. */
  taken(): void;
}

export class Connections {
  readonly #allowance: Allowance;
  readonly #all = new Map<string, Connection>();
  /** The one that has waited longest is first. */
  readonly #waiting = new Set<Connection>();
  /** The one that has held something longest is first. */
  readonly #holding = new Set<Connection>();
  #held = 0;

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** @param socket as it was accepted, below TLS */
  opened(socket: Socket): void {
    const connection: Connection = { name: nameOf(socket), socket, running: 0, held: 0 };
    this.#all.set(connection.name, connection);
    this.#wait(connection);
    socket.once('close', () => this.#forget(connection));
  }

  /** @param socket of the request, above TLS */
  turn(socket: Peer): Turn {
    const connection = this.#all.get(nameOf(socket));
    let isRunning = false;
    let size = 0;
    return {
      begin: () => {
        if (connection === undefined || isRunning) return;
        isRunning = true;
        connection.running += 1;
        this.#waiting.delete(connection);
      },
      end: (bytes) => {
        this.#makeRoom();
        if (connection === undefined || this.#all.get(connection.name) !== connection) return 'gone';
        size = bytes;
        this.#hold(connection, size);
        if (isRunning) connection.running -= 1;
        isRunning = false;
        if (connection.running > 0) return 'running';
        this.#wait(connection);
        return 'waiting';
      },
      taken: () => {
        if (connection !== undefined && this.#holding.has(connection)) this.#release(connection, size);
        size = 0;
      },
    };
  }

  #wait(connection: Connection): void {
    this.#waiting.delete(connection);
    this.#waiting.add(connection);
    for (const oldest of this.#waiting) {
      if (this.#waiting.size <= this.#allowance.mostWaiting) break;
      this.#showOut(oldest);
    }
  }

  #makeRoom(): void {
    for (const oldest of this.#holding) {
      if (this.#held <= this.#allowance.mostHeld) break;
      this.#showOut(oldest);
    }
  }

  #hold(connection: Connection, bytes: number): void {
    connection.held += bytes;
    this.#held += bytes;
    this.#holding.add(connection);
  }

  #release(connection: Connection, bytes: number): void {
    connection.held -= bytes;
    this.#held -= bytes;
    if (connection.held === 0) this.#holding.delete(connection);
  }

  #showOut(connection: Connection): void {
    this.#forget(connection);
    connection.socket.destroy();
  }

  #forget(connection: Connection): void {
    if (this.#all.get(connection.name) === connection) this.#all.delete(connection.name);
    this.#waiting.delete(connection);
    if (this.#holding.has(connection)) this.#release(connection, connection.held);
  }
}
