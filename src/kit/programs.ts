/** Where the project's own programs lie, for daemons that start other ones. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from './failure.ts';

/** The folder of launchers: found upwards from this file, which stands in src/ or, bundled, in dist/. */
export function programFolder(from = import.meta.dirname): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'bin', '.launch'))) return join(folder, 'bin');
    if (folder === dirname(folder)) throw new Failure('ProgrammerError', [`no bin/.launch above ${from}`]);
  }
}

/** Full path of a launcher: `programPath('ganeti-noded')`. */
export function programPath(name: string): string {
  return join(programFolder(), name);
}
