/**
 * What happens to the data between its source and the network, as generators of chunks:
 *
 *   export:  source → magic in front → compression tool → (frames) → TLS
 *   import:  TLS → (frames) → decompression tool → magic checked → sink
 *
 * The order, and the form without frames, is that of Ganeti's pipeline of dd, gzip and socat, so a Ganeti
 * node can be the other side. Two sides of ours agree on frames (ALPN): then an end of the connection can't
 * be taken for the end of the data, and the receiver confirms that it has stored everything.
 */
import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { executionFailure } from '../../kit/failure.ts';

export type Chunks = AsyncIterable<Buffer>;

/** Protocol of two sides that frame and confirm. */
export const framedProtocol = 'gantry-transfer-1';
const largestFrame = 16 * 1024 * 1024;

/** The magic value as it stands in front of the data. */
export const magicText = (magic: string) => `M=${magic}`;

export async function* withMagic(chunks: Chunks, magic: string): AsyncGenerator<Buffer> {
  yield Buffer.from(magicText(magic));
  yield* chunks;
}

/** @throws Failure OpExecError when something else stands in front of the data */
export async function* withoutMagic(chunks: Chunks, magic: string): AsyncGenerator<Buffer> {
  const wanted = Buffer.from(magicText(magic));
  let seen = Buffer.alloc(0);
  let isChecked = false;
  const check = () => {
    if (!seen.subarray(0, wanted.length).equals(wanted)) throw executionFailure('Magic value mismatch');
  };
  for await (const chunk of chunks) {
    if (isChecked) {
      yield chunk;
      continue;
    }
    seen = Buffer.concat([seen, chunk]);
    if (seen.length < wanted.length) continue;
    check();
    isChecked = true;
    if (seen.length > wanted.length) yield seen.subarray(wanted.length);
  }
  if (!isChecked) check();
}

/** Puts the length before each chunk, and 0 behind the last. */
export async function* framed(chunks: Chunks): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    if (chunk.length === 0) continue;
    const header = Buffer.alloc(4);
    header.writeUInt32BE(chunk.length);
    yield header;
    yield chunk;
  }
  yield Buffer.alloc(4);
}

/** The opposite; ends at the last frame, whatever comes behind. @throws Failure OpExecError for a torn stream */
export async function* unframed(chunks: Chunks): AsyncGenerator<Buffer> {
  let header = Buffer.alloc(0);
  let left = 0;
  for await (let chunk of chunks) {
    while (chunk.length > 0) {
      if (left > 0) {
        const part = chunk.subarray(0, left);
        left -= part.length;
        chunk = chunk.subarray(part.length);
        yield part;
        continue;
      }
      const missing = 4 - header.length;
      header = Buffer.concat([header, chunk.subarray(0, missing)]);
      chunk = chunk.subarray(missing);
      if (header.length < 4) continue;
      left = header.readUInt32BE();
      header = Buffer.alloc(0);
      if (left === 0) return;
      if (left > largestFrame) throw executionFailure(`a frame of ${left} bytes is too large`);
    }
  }
  throw executionFailure('the connection ended before all data had come');
}

/** Program and arguments of a compression tool (impexpd.CommandBuilder); undefined for none. */
export function toolArguments(compress: string, mode: 'import' | 'export'): string[] | undefined {
  if (compress === 'none') return undefined;
  const own: Readonly<Record<string, readonly [string, ...string[]]>> = {
    gzip: ['gzip', '-1', '-c'],
    'gzip-fast': ['gzip', '-1', '-c'],
    'gzip-slow': ['gzip', '-c'],
    lzop: ['lzop', '-c'],
  };
  const known = own[compress];
  if (known !== undefined) return mode === 'export' ? [...known] : [known[0], '-d', '-c'];
  return mode === 'export' ? [compress] : [compress, '-d'];
}

const isBrokenPipe = (error: unknown) =>
  ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as { code?: string }).code ?? '');

export interface ToolOptions {
  readonly signal: AbortSignal;
  /** What the tool says. */
  readonly said: (line: string) => void;
}

/** The chunks as the tool gives them. @throws Failure OpExecError when it can't be run or fails */
export async function* throughTool(
  chunks: Chunks,
  argv: readonly string[],
  { signal, said }: ToolOptions,
): AsyncGenerator<Buffer> {
  const [program, ...rest] = argv;
  const child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  const exit = new Promise<void>((resolve, reject) => {
    child.on('error', (error) => reject(executionFailure(`can't run ${program}: ${error.message}`, error)));
    child.on('close', (code, killed) => {
      if (code === 0) resolve();
      else
        reject(executionFailure(`${program} ended with ${killed === null ? `exit code ${code}` : killed}`));
    });
  });
  exit.catch(() => {});
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    for (const line of text.trim().split('\n')) said(`${program}: ${line}`);
  });
  const fed = pipeline(Readable.from(chunks, { objectMode: false }), child.stdin).then(
    () => undefined,
    (error: unknown) => {
      if (!isBrokenPipe(error)) end();
      return error;
    },
  );
  try {
    let broken: unknown;
    try {
      yield* child.stdout as AsyncIterable<Buffer>;
    } catch (error) {
      broken = error;
    }
    // What the source has to say tells why; a broken pipe only means that the tool has ended.
    const fault = await fed;
    if (fault !== undefined && !isBrokenPipe(fault)) throw fault;
    await exit;
    if (broken !== undefined || fault !== undefined) throw broken ?? fault;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
