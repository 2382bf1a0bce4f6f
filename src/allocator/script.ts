/**
 * Allocators that are programs: found by name in the search path, called with the path of the request and
 * what parameters the cluster has for them, answering on standard output.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executionFailure } from '../kit/failure.ts';
import { runProcess } from '../kit/process.ts';

/** constants.EXT_PLUGIN_MASK: a name can't lead out of the search path. */
const nameMask = /^[a-zA-Z0-9_-]+$/;

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** @throws Failure OpExecError when there is none of that name */
export async function findScript(name: string, searchPath: readonly string[]): Promise<string> {
  if (nameMask.test(name)) {
    for (const folder of searchPath) if (await isFile(join(folder, name))) return join(folder, name);
  }
  throw executionFailure(
    `Failure while running the iallocator script: iallocator module '${name}' not found in the search path`,
  );
}

/** "--name=value" for each parameter, "--name" for one without a value. */
export function parameterArguments(parameters: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(parameters).map(([name, value]) => {
    if (value === null || value === undefined || value === '') return `--${name}`;
    return `--${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value as string)}`;
  });
}

export interface ScriptCall {
  readonly name: string;
  readonly searchPath: readonly string[];
  /** The request as JSON. */
  readonly request: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

/** @throws Failure OpExecError with what the program said */
export async function runScript({
  name,
  searchPath,
  request,
  parameters,
  signal,
}: ScriptCall): Promise<string> {
  const script = await findScript(name, searchPath);
  const folder = await mkdtemp(join(tmpdir(), 'ganeti-iallocator.'));
  try {
    const file = join(folder, 'request');
    await writeFile(file, request, { mode: 0o600 });
    const argv = [script, file, ...parameterArguments(parameters)];
    const result = await runProcess(argv, signal === undefined ? {} : { signal });
    if (result.code !== 0) {
      const { code, signal, stdout, stderr } = result;
      const reason = signal === null ? `exited with exit code ${code}` : `terminated by signal ${signal}`;
      const output = `${stdout}${stderr}`.trimEnd();
      throw executionFailure(`iallocator module '${name}' failed: ${reason}, output '${output}'`);
    }
    return result.stdout;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
