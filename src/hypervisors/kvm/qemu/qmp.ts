/**
 * Speaks QMP, QEMU's monitor protocol: JSON objects, one a line, over a Unix socket. A monitor takes one
 * client at a time, so `QmpSockets` gives each socket to one owner after the other; whoever waits does so
 * in order, and nobody is told "try again".
 *
 *   connect → greeting → qmp_capabilities → commands with ids; events may come between
 */
import { type FileHandle, open } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import { pollUntil } from '../../../kit/clock.ts';
import { Failure, messageOf } from '../../../kit/failure.ts';
import { longestSocketPath } from '../host/layout.ts';

const defaultTimeoutMs = 10_000;

/** QEMU's own refusal of a command. */
export class QmpRefusal extends Failure {
  readonly qmpClass: string;

  constructor(command: string, description: string, qmpClass: string) {
    super('HypervisorError', [`kvm: error executing the ${command} command: ${description} (${qmpClass})`]);
    this.qmpClass = qmpClass;
  }
}

export interface QmpEvent {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Waiting {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A socket's path may be too long for the kernel; through its open folder it is short. */
async function reachable(file: string): Promise<{ path: string; folder: FileHandle | null }> {
  if (Buffer.byteLength(file) <= longestSocketPath) return { path: file, folder: null };
  const folder = await open(dirname(file), 'r');
  return { path: `/proc/self/fd/${folder.fd}/${basename(file)}`, folder };
}

async function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** A connection to the socket; a queue that is full for a moment is waited for. */
async function connectTo(file: string, timeoutMs: number): Promise<Socket> {
  const { path, folder } = await reachable(file);
  try {
    const socket = await pollUntil(
      async () => {
        try {
          return await connectOnce(path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
          throw error;
        }
      },
      { everyMs: 50, timeoutMs },
    );
    if (socket === undefined) throw new Error('its queue stayed full');
    return socket;
  } catch (error) {
    throw new Failure('HypervisorError', [`Can't reach the KVM monitor ${file}: ${messageOf(error)}`], {
      cause: error,
    });
  } finally {
    await folder?.close();
  }
}

export class QmpConnection {
  readonly #socket: Socket;
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #events: QmpEvent[] = [];
  #listener: ((event: QmpEvent) => void) | undefined;
  #wake: () => void = () => {};
  #next = 1;
  #rest = '';
  #ended: Error | undefined;
  #greeting: unknown;

  private constructor(socket: Socket, file: string) {
    this.#socket = socket;
    this.#file = file;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('it was closed')));
  }

  /** @throws Failure HypervisorError when nobody answers within the time */
  static async open(file: string, timeoutMs: number = defaultTimeoutMs): Promise<QmpConnection> {
    const connection = new QmpConnection(await connectTo(file, timeoutMs), file);
    try {
      const greeted = await connection.#until(
        () => connection.#greeting !== undefined || undefined,
        timeoutMs,
      );
      if (greeted === undefined) {
        throw new Failure('HypervisorError', [
          `No answer from the KVM monitor ${file} in ${timeoutMs / 1000} s; QEMU hangs, or another program holds it`,
        ]);
      }
      await connection.execute('qmp_capabilities', {}, timeoutMs);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  /** Lets the program end although the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  get closed(): boolean {
    return this.#ended !== undefined;
  }

  #end(error: Error): void {
    if (this.#ended !== undefined) return;
    const what = `Lost the KVM monitor ${this.#file}: ${error.message}`;
    this.#ended = new Failure('HypervisorError', [what], { cause: error });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
    this.#wake();
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line.trim() === '') continue;
      try {
        this.#understand(JSON.parse(line) as Record<string, unknown>);
      } catch (error) {
        this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
    this.#wake();
  }

  #understand(message: Record<string, unknown>): void {
    if ('QMP' in message) this.#greeting = message.QMP;
    else if (typeof message.event === 'string') {
      const event = { event: message.event, data: (message.data ?? {}) as Record<string, unknown> };
      if (this.#listener === undefined) this.#events.push(event);
      else this.#listener(event);
    } else if (typeof message.id === 'number') {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      const error = message.error as { desc?: unknown; class?: unknown } | undefined;
      if (error === undefined) waiting?.resolve(message.return);
      else waiting?.reject(new QmpRefusal(waiting.command, String(error.desc), String(error.class)));
    }
  }

  /** What `look` finds once it finds something; undefined when time is up. Throws when the line is cut. */
  async #until<T>(look: () => T | undefined, timeoutMs: number): Promise<T | undefined> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#ended !== undefined) throw this.#ended;
      const left = end - Date.now();
      if (left <= 0) return undefined;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /**
   * The command's result.
   * @throws QmpRefusal when QEMU refuses; Failure HypervisorError when it doesn't answer
   */
  async execute(
    command: string,
    argument: Readonly<Record<string, unknown>> = {},
    timeoutMs: number = defaultTimeoutMs,
  ): Promise<unknown> {
    if (this.#ended !== undefined) throw this.#ended;
    const id = this.#next;
    this.#next += 1;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<unknown>((resolve, reject) => {
        this.#waiting.set(id, { command, resolve, reject });
        timer = setTimeout(() => {
          reject(new Failure('HypervisorError', [`kvm: no answer to ${command} in ${timeoutMs / 1000} s`]));
        }, timeoutMs);
        const message = {
          execute: command,
          ...(Object.keys(argument).length > 0 ? { arguments: argument } : {}),
          id,
        };
        this.#socket.write(`${JSON.stringify(message)}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** The first event that `wanted` accepts, of those that have come and those that will; then it is used up. */
  waitForEvent(wanted: (event: QmpEvent) => boolean, timeoutMs: number): Promise<QmpEvent | undefined> {
    return this.#until(() => {
      const index = this.#events.findIndex(wanted);
      return index < 0 ? undefined : this.#events.splice(index, 1)[0];
    }, timeoutMs);
  }

  /** Hands every event to `listener`, from those that have come on; none is left for `waitForEvent`. */
  listen(listener: (event: QmpEvent) => void): void {
    for (const event of this.#events.splice(0)) listener(event);
    this.#listener = listener;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Monitor sockets of a node, each with one owner at a time. */
export class QmpSockets {
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs `work` with a connection of its own to the socket, after all that asked before.
   * @throws what `work` throws; Failure HypervisorError when the guest can't be reached
   */
  async with<T>(
    file: string,
    work: (qmp: QmpConnection) => Promise<T>,
    timeoutMs: number = defaultTimeoutMs,
  ): Promise<T> {
    const before = this.#last.get(file) ?? Promise.resolve();
    let free = () => {};
    const mine = new Promise<void>((resolve) => {
      free = resolve;
    });
    const turn = before.then(() => mine);
    this.#last.set(file, turn);
    await before;
    try {
      const connection = await QmpConnection.open(file, timeoutMs);
      try {
        return await work(connection);
      } finally {
        connection.close();
      }
    } finally {
      free();
      if (this.#last.get(file) === turn) this.#last.delete(file);
    }
  }
}
