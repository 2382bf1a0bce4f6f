/**
 * What the formatter doesn't see: length of files, comment at the head, words that mean unfinished work,
 * a README in each room. Prints how many files it read and fails when it read none.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rooms } from './rooms/table.ts';
import { sourceFiles } from './source-files.ts';

/** Lines; a file that is longer has a second subject. */
export const longest = 450;
const unfinished = /\b(TODO|FIXME|XXX)\b/;

export function checkStyle(root: string): { readonly read: number; readonly faults: string[] } {
  const faults: string[] = [];
  const files = ['src', 'lab', 'tools', 'bench']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => sourceFiles(root, folder, (path) => path.endsWith('.ts')));
  for (const path of files) {
    const text = readFileSync(join(root, path), 'utf8');
    const lines = text.replace(/\n$/, '').split('\n').length;
    if (lines > longest) faults.push(`${path}: ${lines} lines; what is the second subject?`);
    if (unfinished.test(text) && path !== 'tools/check-style.ts')
      faults.push(`${path}: speaks of unfinished work`);
    if (!path.endsWith('.test.ts') && !/^(#!.*\n)?\/\*\*/.test(text))
      faults.push(`${path}: no comment at its head says what it is`);
  }
  for (const room of Object.keys(rooms)) {
    const folder = join(root, 'src', room);
    if (existsSync(folder) && !existsSync(join(folder, 'README.md')))
      faults.push(`src/${room}: no README.md says why it is there`);
  }
  return { read: files.length, faults };
}

if (import.meta.main) {
  const { read, faults } = checkStyle(resolve(import.meta.dirname, '..'));
  for (const fault of faults) console.error(fault);
  console.log(`style: read ${read} files, ${faults.length} faults`);
  process.exit(read === 0 || faults.length > 0 ? 1 : 0);
}
