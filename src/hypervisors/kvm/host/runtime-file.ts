/** Reads and writes runtime files. */
import { readFile, unlink } from 'node:fs/promises';
import { writeFileAtomic } from '../../../kit/atomic-file.ts';
import { Failure, messageOf } from '../../../kit/failure.ts';
import { type KvmRuntime, parseRuntime, serialiseRuntime } from '../hardware/runtime.ts';
import type { GuestFiles } from './layout.ts';

/** The text of the file, or null when there is none. */
export async function readRuntimeText(files: GuestFiles): Promise<string | null> {
  return readFile(files.runtime, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Failure('HypervisorError', [`Failed to load KVM runtime file: ${messageOf(error)}`], {
      cause: error,
    });
  });
}

/** The runtime of a guest that was started, or null. */
export async function findRuntime(files: GuestFiles): Promise<KvmRuntime | null> {
  const text = await readRuntimeText(files);
  return text === null ? null : parseRuntime(text);
}

/** @throws Failure HypervisorError when there is none */
export async function loadRuntime(files: GuestFiles): Promise<KvmRuntime> {
  const runtime = await findRuntime(files);
  if (runtime === null)
    throw new Failure('HypervisorError', [`Failed to load KVM runtime file: ${files.runtime} is missing`]);
  return runtime;
}

/** Its parameters may name users and files: readable by root only. */
export async function saveRuntime(files: GuestFiles, runtime: KvmRuntime): Promise<void> {
  await writeFileAtomic(files.runtime, serialiseRuntime(runtime), { mode: 0o600 });
}

export async function removeRuntime(files: GuestFiles): Promise<void> {
  await unlink(files.runtime).catch(() => {});
}
