/** One end of a transfer from its beginning to its end, with its state told to a status file. */
import { executionFailure, messageOf } from '../../kit/failure.ts';
import type { Log } from '../../kit/log.ts';
import {
  accept,
  type Connection,
  finishReceiving,
  finishSending,
  reach,
  received,
  send,
} from './connection.ts';
import { openSink, openSource } from './ends.ts';
import type { TransferSpec } from './spec.ts';
import type { StatusFile } from './status.ts';
import {
  type Chunks,
  framed,
  throughTool,
  toolArguments,
  unframed,
  withMagic,
  withoutMagic,
} from './stream.ts';

const sampleMs = 1000;

export interface RunParts {
  readonly status: StatusFile;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface Meter {
  bytes: number;
}

/** Counts; an aborted transfer ends here at the latest. */
async function* measured(chunks: Chunks, meter: Meter, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    meter.bytes += chunk.length;
    yield chunk;
  }
}

class End {
  readonly #spec: TransferSpec;
  readonly #parts: RunParts;
  readonly #meter: Meter = { bytes: 0 };

  constructor(spec: TransferSpec, parts: RunParts) {
    this.#spec = spec;
    this.#parts = parts;
  }

  readonly said = (line: string) => {
    this.#parts.log.info(line);
    this.#parts.status.addOutput(line);
    void this.#parts.status.set({}).catch(() => {});
  };

  #tool(chunks: Chunks): Chunks {
    const { compress, mode } = this.#spec;
    const argv = toolArguments(compress, mode);
    return argv === undefined
      ? chunks
      : throughTool(chunks, argv, { signal: this.#parts.signal, said: this.said });
  }

  async #sampling(work: () => Promise<void>): Promise<void> {
    const { status } = this.#parts;
    const timer = setInterval(() => void status.sample(this.#meter.bytes).catch(() => {}), sampleMs);
    try {
      await status.sample(0);
      await work();
    } finally {
      clearInterval(timer);
      await status.sample(this.#meter.bytes);
    }
  }

  async #connected(connection: Connection): Promise<Connection> {
    await this.#parts.status.set({ connected: true, confirms: connection.framed });
    // An aborted transfer doesn't wait for the other side.
    this.#parts.signal.addEventListener('abort', () => connection.socket.destroy(), { once: true });
    return connection;
  }

  async import(): Promise<void> {
    const { status, signal } = this.#parts;
    const connection = await accept(this.#spec, {
      said: this.said,
      signal,
      listening: (port) => status.set({ listen_port: port }),
    });
    await this.#connected(connection);
    const sink = await openSink(this.#spec.io);
    try {
      await this.#sampling(async () => {
        const raw = received(connection);
        const whole = this.#tool(connection.framed ? unframed(raw) : raw);
        const data = measured(withoutMagic(whole, this.#spec.magic), this.#meter, signal);
        for await (const chunk of data) await sink.write(chunk);
        await status.set({ received: true });
        await sink.finish();
      });
    } catch (error) {
      await sink.kill();
      connection.socket.destroy();
      throw error;
    }
    await finishReceiving(connection);
  }

  async export(): Promise<void> {
    const { status, signal } = this.#parts;
    const connection = await this.#connected(await reach(this.#spec, { said: this.said, signal }));
    const source = await openSource(this.#spec.io);
    void source.expected.then((bytes) => {
      if (bytes !== null) status.expected = bytes / (1024 * 1024);
    });
    try {
      await this.#sampling(async () => {
        const data = this.#whole(source.chunks, source.done);
        const packed = this.#tool(withMagic(measured(data, this.#meter, signal), this.#spec.magic));
        await send(connection, connection.framed ? framed(packed) : packed);
        await finishSending(connection);
      });
    } catch (error) {
      source.kill();
      connection.socket.destroy();
      throw error;
    }
  }

  /** The source's chunks; its end counts only when it has ended well. */
  async *#whole(chunks: Chunks, done: Promise<void>): AsyncGenerator<Buffer> {
    yield* chunks;
    await done;
  }
}

/** Runs the end; its result stands in the status file as well. @returns the exit code */
export async function runTransfer(spec: TransferSpec, parts: RunParts): Promise<number> {
  const { status, log, signal } = parts;
  const end = new End(spec, parts);
  try {
    if (spec.mode === 'export' && (spec.host === null || spec.port === null))
      throw executionFailure('Host and port must be specified for an export');
    await status.set({});
    await (spec.mode === 'import' ? end.import() : end.export());
    log.info(`The ${spec.mode} is done`);
    await status.set({ exit_status: 0, error_message: null });
    return 0;
  } catch (error) {
    const message = messageOf(signal.aborted ? signal.reason : error);
    log.error(`The ${spec.mode} failed: ${message}`);
    status.addOutput(message);
    await status.set({ exit_status: 1, error_message: message });
    return 1;
  }
}
