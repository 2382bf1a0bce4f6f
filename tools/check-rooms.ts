/**
 * Holds the code to the layer table: no import against it, no ring of imports, no driver's name outside
 * its folder, child processes started only where they may be. Prints how many files it read and fails
 * when it read none.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { driverFaces, driverRooms, driverUsers, processStarters, type Room, rooms } from './rooms/table.ts';
import { sourceFiles } from './source-files.ts';

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\(\s*'([^']+)'\s*\)/g;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Relative imports as paths below src, or as written when they lead out of it. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

function read(root: string, path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const specifiers = [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? '');
  return {
    path,
    text,
    imports: specifiers.filter((s) => s.startsWith('.')).map((s) => normalize(join(dirname(path), s))),
    packages: specifiers.filter((s) => !s.startsWith('.')),
  };
}

/** The room of a path below src ("htools/core", "kit"), and the rest of the path. */
function roomOf(path: string): { name: string; rest: string } | undefined {
  const parts = path.split('/').slice(1);
  for (const length of [2, 1]) {
    const name = parts.slice(0, length).join('/');
    if (name in rooms) return { name, rest: parts.slice(length).join('/') };
  }
  return undefined;
}

function permits(from: Room, fromName: string, to: { name: string; rest: string }): boolean {
  if (fromName === to.name) return true;
  const listed = (list: readonly string[] | undefined) =>
    list?.some((entry) => entry === to.name || entry === `${to.name}/${to.rest}`) ?? false;
  if (listed(from.also)) return true;
  if (from.only !== undefined) return listed(from.only);
  if (listed(from.never)) return false;
  return rooms[to.name]!.layer < from.layer;
}

function checkImport(file: SourceFile, target: string): string | undefined {
  const from = roomOf(file.path);
  if (from === undefined) return `${file.path}: stands in no room of the table`;
  if (!target.startsWith('src/')) return `${file.path}: imports ${target}, outside src`;
  const to = roomOf(target);
  if (to === undefined) return `${file.path}: imports ${target}, which stands in no room`;
  if (file.path.endsWith('.test.ts')) return undefined;
  if (!permits(rooms[from.name]!, from.name, to))
    return `${file.path}: ${from.name} may not import ${target}`;
  const isDriver = (driverRooms as readonly string[]).includes(to.name) && !driverFaces.test(to.rest);
  if (isDriver && from.name !== to.name && !driverUsers.includes(from.name)) {
    return `${file.path}: ${from.name} sees a driver's I/O in ${target}; only catalog, contract and about are for it`;
  }
  return undefined;
}

function findRing(files: ReadonlyMap<string, SourceFile>): string[] | undefined {
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (path: string): string[] | undefined => {
    if (state.get(path) === 'done') return undefined;
    if (state.get(path) === 'open') return [...trail.slice(trail.indexOf(path)), path];
    const file = files.get(path);
    if (file === undefined) return undefined;
    state.set(path, 'open');
    trail.push(path);
    for (const next of runtimeImports(file)) {
      const ring = visit(next);
      if (ring !== undefined) return ring;
    }
    trail.pop();
    state.set(path, 'done');
    return undefined;
  };
  for (const path of files.keys()) {
    const ring = visit(path);
    if (ring !== undefined) return ring;
  }
  return undefined;
}

/** Imports of types vanish before the code runs and can't make a ring. */
function runtimeImports(file: SourceFile): string[] {
  const text = file.text.replace(/(?:^|\n)\s*(?:import|export)\s+type\s[^;]*?from\s+'[^']+';/g, '\n');
  return [...text.matchAll(importPattern)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((s) => s.startsWith('.'))
    .map((s) => normalize(join(dirname(file.path), s)));
}

export function checkRooms(root: string): { readonly read: number; readonly faults: string[] } {
  const paths = sourceFiles(root, 'src', (path) => path.endsWith('.ts'));
  const files = new Map(paths.map((path) => [path, read(root, path)]));
  const faults: string[] = [];
  for (const file of files.values()) {
    for (const target of file.imports) {
      const fault = checkImport(file, target);
      if (fault !== undefined) faults.push(fault);
    }
    const room = roomOf(file.path)?.name ?? '';
    if (
      file.packages.includes('node:child_process') &&
      !file.path.endsWith('.test.ts') &&
      !processStarters.includes(room)
    ) {
      faults.push(`${file.path}: ${room} may not start child processes`);
    }
  }
  const ring = findRing(files);
  if (ring !== undefined) faults.push(`ring of imports: ${ring.join(' -> ')}`);
  return { read: files.size, faults };
}

if (import.meta.main) {
  const { read: count, faults } = checkRooms(resolve(import.meta.dirname, '..'));
  for (const fault of faults) console.error(fault);
  console.log(`rooms: read ${count} files, ${faults.length} faults`);
  process.exit(count === 0 || faults.length > 0 ? 1 : 0);
}
