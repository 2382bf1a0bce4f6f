/**
 * The status file of one end of a transfer, in Ganeti's form (objects.ImportExportStatus): who watches the
 * transfer reads it, so it is written at every turn of events and once a second in between.
 */
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import type { TransferStatus } from '../../noderpc/calls/transfer.ts';

const recentLines = 20;
/** Throughput is that of the last minute. */
const sampleSeconds = 60;
const mebibyte = 1024 * 1024;

interface Sample {
  readonly seconds: number;
  readonly mebibytes: number;
}

/** MiB a second between the first and the last sample; null with less than two. */
export function throughputOf(samples: readonly Sample[]): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.seconds <= first.seconds) return null;
  return (last.mebibytes - first.mebibytes) / (last.seconds - first.seconds);
}

export interface Progress {
  readonly progress_mbytes: number;
  readonly progress_throughput: number | null;
  readonly progress_percent: number | null;
  readonly progress_eta: number | null;
}

/** Where a transfer is, from what was sampled of it. @param expected MiB, null when nobody has said */
export function progressOf(samples: readonly Sample[], expected: number | null): Progress {
  const done = samples.at(-1)?.mebibytes ?? 0;
  const throughput = throughputOf(samples);
  const percent = expected ? Math.max(0, Math.min(100, (100 * done) / expected)) : null;
  const eta = expected !== null && throughput ? Math.max(0, (expected - done) / throughput) : null;
  return {
    progress_mbytes: done,
    progress_throughput: throughput,
    progress_percent: percent,
    progress_eta: eta,
  };
}

export class StatusFile {
  readonly #path: string;
  readonly #now: () => number;
  #status: TransferStatus;
  #samples: Sample[] = [];
  #writing: Promise<void> = Promise.resolve();
  /** MiB that will come, when it is known. */
  expected: number | null = null;

  /** @param now seconds since the epoch */
  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#status = { ctime: now(), mtime: null, recent_output: [] };
  }

  get status(): TransferStatus {
    return this.#status;
  }

  /** Sets fields and writes the file; resolves when it is written. */
  set(change: Partial<TransferStatus>): Promise<void> {
    this.#status = { ...this.#status, ...change };
    return this.#write();
  }

  /** A line for whoever looks why it failed. */
  addOutput(line: string): void {
    const recent_output = [...this.#status.recent_output, line].slice(-recentLines);
    this.#status = { ...this.#status, recent_output };
  }

  /** Notes how much has passed. @param bytes since the beginning */
  async sample(bytes: number): Promise<void> {
    const seconds = this.#now();
    this.#samples.push({ seconds, mebibytes: bytes / mebibyte });
    this.#samples = this.#samples.filter((one) => one.seconds >= seconds - sampleSeconds);
    await this.set(progressOf(this.#samples, this.expected));
  }

  #write(): Promise<void> {
    this.#status = { ...this.#status, mtime: this.#now() };
    const text = JSON.stringify(this.#status);
    const write = () => writeFileAtomic(this.#path, text, { mode: 0o400, durable: false });
    this.#writing = this.#writing.then(write, write);
    return this.#writing;
  }
}
