/** Where data comes from and where it goes: files of exports, devices of disks, scripts of OS definitions. */

import { once } from 'node:events';
import { constants, open } from 'node:fs/promises';
import { startTransfer } from '../../guests/transfer.ts';
import { executionFailure } from '../../kit/failure.ts';
import type { EndIo } from './spec.ts';
import type { Chunks } from './stream.ts';

const mebibyte = 1024 * 1024;
/** How much may lie in the page cache before it has to reach the disk, in bytes. */
const syncEvery = 256 * mebibyte;
const zeros = Buffer.alloc(mebibyte);

export interface Source {
  /** Bytes that will come, when somebody knows. */
  readonly expected: Promise<number | null>;
  readonly chunks: Chunks;
  /** Resolves when the source has ended well. */
  readonly done: Promise<void>;
  /** Lets go of it at once. */
  kill(): void;
}

async function* readChunks(path: string, bytes: number | null): AsyncGenerator<Buffer> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    for (let at = 0; bytes === null || at < bytes; ) {
      const wanted = bytes === null ? mebibyte : Math.min(mebibyte, bytes - at);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(wanted), 0, wanted, at);
      if (bytesRead === 0) {
        if (bytes === null) return;
        throw executionFailure(`${path} ends after ${at} bytes, ${bytes} were to be read`);
      }
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function fileSize(path: string): Promise<number> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}

export async function openSource(io: EndIo): Promise<Source> {
  const nothing = () => {};
  if (io.kind === 'script') {
    const { definition, environment, logFile } = io;
    const script = await startTransfer({ definition, direction: 'export', environment, logFile });
    return {
      expected: script.expectedBytes,
      chunks: script.output as Chunks,
      done: script.done,
      kill: () => script.kill(),
    };
  }
  const bytes = io.kind === 'device' ? io.sizeMiB * mebibyte : null;
  const expected = Promise.resolve(bytes ?? (await fileSize(io.path)));
  return { expected, chunks: readChunks(io.path, bytes), done: Promise.resolve(), kill: nothing };
}

export interface Sink {
  write(chunk: Buffer): Promise<void>;
  /** Everything has been written: resolves when it is stored for good. */
  finish(): Promise<void>;
  /** Lets go of it without an end. */
  kill(): Promise<void>;
}

/** Writes at most `limit` bytes; blocks of zeros are left out where there are zeros already. */
async function openStored(
  path: string,
  flags: number,
  limit: number | null,
  isEmpty: boolean,
): Promise<Sink> {
  const handle = await open(path, flags, 0o640);
  let at = 0;
  let unsynced = 0;
  return {
    async write(chunk) {
      if (limit !== null && at + chunk.length > limit)
        throw executionFailure(`more data came than the ${limit} bytes that ${path} holds`);
      for (let done = 0; done < chunk.length; ) {
        const part = chunk.subarray(done, done + mebibyte);
        done += part.length;
        if (!isEmpty || !part.equals(zeros.subarray(0, part.length))) {
          for (let written = 0; written < part.length; )
            written += (await handle.write(part, written, part.length - written, at + written)).bytesWritten;
          unsynced += part.length;
        }
        at += part.length;
      }
      if (unsynced < syncEvery) return;
      unsynced = 0;
      await handle.datasync();
    },
    async finish() {
      if (limit === null) await handle.truncate(at);
      await handle.sync();
      await handle.close();
    },
    kill: () => handle.close().catch(() => {}),
  };
}

async function openScript(io: EndIo & { kind: 'script' }): Promise<Sink> {
  const { definition, environment, logFile } = io;
  const script = await startTransfer({ definition, direction: 'import', environment, logFile });
  const input = script.input!;
  const ended = script.done.then(() => {
    throw executionFailure('the OS import script ended before all data had come');
  });
  ended.catch(() => {});
  return {
    async write(chunk) {
      if (!input.write(chunk)) await Promise.race([once(input, 'drain'), ended]);
    },
    async finish() {
      input.end();
      await script.done;
    },
    kill: async () => script.kill(),
  };
}

export async function openSink(io: EndIo): Promise<Sink> {
  switch (io.kind) {
    case 'script':
      return await openScript(io);
    case 'device':
      return await openStored(io.path, constants.O_RDWR, io.sizeMiB * mebibyte, io.isEmpty);
    case 'file':
      return await openStored(
        io.path,
        constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
        null,
        true,
      );
  }
}
