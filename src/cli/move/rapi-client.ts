/** As much of a client of the remote API as moving an instance needs. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { decodeFailure, Failure } from '../../kit/failure.ts';

export interface RapiTarget {
  /** Name or address of the cluster. */
  readonly host: string;
  readonly port: number;
  /** PEM of the authority that the cluster's certificate comes from. */
  readonly authority: string;
  readonly username: string;
  readonly password: string | null;
}

/** An answer that isn't the wanted one. */
export class RapiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface LogEntry {
  readonly type: string;
  readonly message: unknown;
}

export interface JobWatcher {
  readonly log: (entry: LogEntry) => void;
  /** Asked again and again; what it throws ends the waiting. */
  readonly check: () => void;
}

const finalStates = ['success', 'error', 'canceled'];

/** The first line of a file that has no other. @throws Failure GenericError */
export function readPassword(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 1) return lines[0]!;
  throw new Failure('GenericError', [`File '${file}' does not have exactly one line`]);
}

export class RapiClient {
  readonly #target: RapiTarget;

  constructor(target: RapiTarget) {
    this.#target = target;
  }

  /** @throws RapiError */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { host, port, authority, username, password } = this.#target;
    const payload = body === undefined ? '' : JSON.stringify(body);
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request(
        {
          ...{ host, port, method, path, ca: authority, minVersion: 'TLSv1.2' },
          // Clusters are reached by any of their names; the certificate has one that nobody compares.
          checkServerIdentity: () => undefined,
          ...(password === null ? {} : { auth: `${username}:${password}` }),
          headers: {
            'Content-Type': 'application/json',
            'Content-Length': Buffer.byteLength(payload),
            Accept: 'application/json',
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
          response.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(payload);
    });
    let value: unknown;
    try {
      value = text === '' ? null : (JSON.parse(text) as unknown);
    } catch {
      throw new RapiError(status, `${method} ${path}: the answer is not readable`);
    }
    if (status === 200) return value;
    const { message, explain } = (value ?? {}) as { message?: string; explain?: string };
    throw new RapiError(status, `${status} ${message ?? ''}${explain ? `: ${explain}` : ''}`);
  }

  /** Submits by a request that answers with a job. */
  async submit(method: string, path: string, body?: unknown): Promise<number> {
    return Number(await this.call(method, path, body));
  }

  /**
   * Waits for a job.
   * @returns the results of its opcodes
   * @throws the failure of the job; OpExecError when it was cancelled
   */
  async follow(job: number, watcher: JobWatcher): Promise<unknown[]> {
    let info: unknown = null;
    let serial = -1;
    for (;;) {
      watcher.check();
      const change = (await this.call('GET', `/2/jobs/${job}/wait`, {
        fields: ['status'],
        previous_job_info: info,
        previous_log_serial: serial,
      })) as { job_info: [string]; log_entries: [number, unknown, string, unknown][] | null } | null;
      if (change === null) continue;
      info = change.job_info;
      for (const [number, , type, message] of change.log_entries ?? []) {
        serial = Math.max(serial, number);
        watcher.log({ type, message });
      }
      if (finalStates.includes(change.job_info[0])) break;
    }
    return await this.#resultOf(job);
  }

  async #resultOf(job: number): Promise<unknown[]> {
    const { status, opresult, opstatus } = (await this.call('GET', `/2/jobs/${job}`)) as {
      status: string;
      opresult: unknown[];
      opstatus: string[];
    };
    if (status === 'success') return opresult;
    if (status === 'canceled') throw new Failure('OpExecError', ['Job was canceled']);
    const failed = opstatus.indexOf('error');
    throw decodeFailure(opresult[failed]);
  }
}
