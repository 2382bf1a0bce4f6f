/**
 * The built-in allocator beside the master's own thread, so that placing an instance on a cluster of thousands holds
 * nobody up. The thread is started when it is first needed and ended when it hasn't been for a while: most masters
 * are asked a few times a day, and an idle thread keeps some ten MiB.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { messageOf } from '../../kit/failure.ts';
import type { AllocationCall } from '../../operations/operation.ts';

/** What goes to the thread. */
export interface Asked extends AllocationCall {
  readonly id: number;
}

/** What comes from it. */
export type Answered = { readonly id: number } & ({ readonly answer: string } | { readonly failure: string });

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: unknown) => void;
}

const idleMs = 60_000;

/** The thread's program: a source beside this file, or its bundle beside (or above) the master's own. */
function programFile(): string {
  const here = import.meta.dirname;
  const places = [
    join(here, 'worker.ts'),
    join(here, 'allocator-worker.js'),
    join(here, '..', 'allocator-worker.js'),
  ];
  return places.find((place) => existsSync(place)) ?? places[1]!;
}

export class AllocatorThread {
  readonly #waiting = new Map<number, Waiting>();
  readonly #idleMs: number;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;
  #last = 0;

  /** @param idle milliseconds after which a thread that isn't asked ends */
  constructor(idle = idleMs) {
    this.#idleMs = idle;
  }

  /** Whether a thread is there now. */
  get isRunning(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * The response to a request of the iallocator protocol.
   * @throws Error with what the allocator complains of, or why the thread ended; the abort reason of the signal
   */
  async answer({ signal, ...call }: AllocationCall & { readonly signal?: AbortSignal }): Promise<string> {
    signal?.throwIfAborted();
    clearTimeout(this.#idle);
    const id = ++this.#last;
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    const giveUp = () => this.#take(id)?.reject(signal!.reason);
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      const asked: Asked = { id, ...call };
      const worker = this.#running();
      worker.ref();
      worker.postMessage(asked);
      return await answer;
    } finally {
      signal?.removeEventListener('abort', giveUp);
      this.#take(id);
      if (this.#waiting.size === 0) this.#rest();
    }
  }

  /** Ends the thread; whoever waits for an answer is told so. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
    this.#failAll('the master daemon is stopping');
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #failAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(new Error(reason));
  }

  #rest(): void {
    clearTimeout(this.#idle);
    this.#worker?.unref();
    this.#idle = setTimeout(() => {
      const worker = this.#worker;
      this.#worker = undefined;
      void worker?.terminate();
    }, this.#idleMs);
    this.#idle.unref();
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    // The master's own limits on memory aren't meant for a solver.
    const worker = new Worker(programFile(), { execArgv: [] });
    worker.on('message', (answered: Answered) => {
      const waiting = this.#take(answered.id);
      if ('answer' in answered) waiting?.resolve(answered.answer);
      else waiting?.reject(new Error(answered.failure));
    });
    const ended = (reason: string) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#failAll(reason);
    };
    worker.on('error', (error) => ended(`its thread broke down: ${messageOf(error)}`));
    worker.on('exit', (code) => ended(`its thread ended with code ${code}`));
    this.#worker = worker;
    return worker;
  }
}
