/**
 * OS install packages: what a helper virtual machine gets of an OS definition whose scripts nobody trusts on the node
 * (doc/design-os). A tar archive, compressed by gzip, with the definition's folder as `os` and the environment of its
 * script, a variable a line, in the file `environment`. It holds private parameters: only root reads it.
 */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { executionFailure } from '../kit/failure.ts';
import { describeFailure, runProcess } from '../kit/process.ts';
import type { OsDefinition } from './definitions.ts';
import type { Environment } from './environment.ts';

/** @throws Failure OpExecError for a value that would become further lines */
export function environmentFile(environment: Environment): string {
  const lines = Object.entries(environment).map(([name, value]) => {
    if (!/[\n\r\0]/.test(value)) return `${name}=${value}\n`;
    throw executionFailure(`The value of ${name} has a line break, which an OS install package can't hold`);
  });
  return lines.join('');
}

/**
 * Makes the package in the place of an earlier one.
 * @throws Failure OpExecError
 */
export async function makePackage(
  file: string,
  folder: string,
  { definition, environment }: { readonly definition: OsDefinition; readonly environment: Environment },
): Promise<void> {
  const text = environmentFile(environment);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const work = await mkdtemp(join(folder, 'making-'));
  try {
    const tree = join(work, 'tree');
    const made = join(work, 'package');
    await mkdir(tree, { mode: 0o755 });
    await symlink(definition.path, join(tree, 'os'));
    await writeFile(join(tree, 'environment'), text, { mode: 0o600 });
    await writeFile(made, '', { mode: 0o600 });
    const result = await runProcess(['tar', '--dereference', '-czf', made, '-C', tree, '.']);
    if (result.code !== 0) {
      throw executionFailure(`Failed to create OS archive '${file}': ${describeFailure(result)}`);
    }
    await rename(made, file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
