/** The source files of the checkout, for the checks that read them all. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Paths below `folder`, relative to `root`, of files that `wanted` accepts; node_modules and dist are left out. */
export function sourceFiles(root: string, folder: string, wanted: (path: string) => boolean): string[] {
  const found: string[] = [];
  const visit = (relative: string) => {
    for (const entry of readdirSync(join(root, relative), { withFileTypes: true })) {
      if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) continue;
      const path = join(relative, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (wanted(path)) found.push(path);
    }
  };
  visit(folder);
  return found.sort();
}
