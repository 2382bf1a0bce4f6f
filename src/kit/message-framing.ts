/**
 * Messages as Ganeti's daemons send them over their sockets: JSON text, each ended by the byte 3 (constants.LUXI_EOM). JSON escapes
 * control characters, so the byte can't stand inside a message.
 */
import { Failure } from './failure.ts';

const endOfMessage = 3;

/** The bytes of one message. */
export function frame(value: unknown): string {
  return `${JSON.stringify(value)}\u0003`;
}

/**
 * Cuts a stream into messages. Bytes are kept in the chunks in which they came until a message is whole,
 * so that a large message costs no more than its size.
 */
export class MessageCutter {
  readonly #largest: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** @param largest bytes that one message may have */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Is a message half received? */
  get partial(): boolean {
    return this.#bytes > 0;
  }

  /**
   * The messages that `chunk` completes.
   * @throws Failure ProtocolError when a message is larger than allowed
   */
  push(chunk: Buffer): string[] {
    const messages: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(endOfMessage); end !== -1; end = chunk.indexOf(endOfMessage, start)) {
      this.#keep(chunk.subarray(start, end));
      messages.push(Buffer.concat(this.#chunks).toString('utf8'));
      this.#chunks = [];
      this.#bytes = 0;
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return messages;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#largest) {
      throw new Failure('ProtocolError', [`Message is larger than ${this.#largest} bytes`]);
    }
    this.#chunks.push(part);
  }
}
