/**
 * OS definitions: folders with scripts that install, import, export and rename a guest's system (man page
 * ganeti-os-interface). Finds them in the search path, reads what they can do and says what is wrong with
 * them in Ganeti's words (backend._TryOSFromDisk).
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { executionFailure } from '../kit/failure.ts';
import { niceSort } from '../kit/nice-sort.ts';
import { systemMessage } from './system-message.ts';

/** Versions of the interface that are spoken, oldest first. */
export const apiVersions = [10, 15, 20] as const;
/** Variants came with 15, parameters and their verification with 20. */
export const variantsSince = 15;
export const parametersSince = 20;

export interface OsDefinition {
  readonly name: string;
  readonly path: string;
  /** As the definition declares them, also those that aren't spoken here. */
  readonly apiVersions: readonly number[];
  /** Path of each script; `create` or `create_untrusted` is there, or both. */
  readonly scripts: {
    readonly create: string | null;
    readonly create_untrusted: string | null;
    readonly export: string;
    readonly import: string;
    readonly rename: string;
    readonly verify: string | null;
  };
  readonly variants: readonly string[];
  /** Name and description. */
  readonly parameters: readonly (readonly [string, string])[];
}

/** A folder in the search path that may be a definition. */
export type FoundDefinition =
  | { readonly valid: true; readonly definition: OsDefinition }
  | { readonly valid: false; readonly name: string; readonly path: string; readonly fault: string };

/** "debootstrap+minimal" is definition "debootstrap" in variant "minimal"; without "+" it is "". */
export function splitVariant(os: string): { readonly name: string; readonly variant: string } {
  const plus = os.indexOf('+');
  return plus < 0 ? { name: os, variant: '' } : { name: os.slice(0, plus), variant: os.slice(plus + 1) };
}

/** The version that scripts are called with: the newest that both sides speak. */
export function spokenVersion(definition: OsDefinition): number {
  return Math.max(...apiVersions.filter((version) => definition.apiVersions.includes(version)));
}

/** A fault of the folder, thrown inside this file only. */
class Fault extends Error {}

const pluginName = /^[a-zA-Z0-9_-]+$/;

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Versions from the text of ganeti_api_version, one a line. */
export function parseApiVersions(text: string): number[] {
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      if (!/^\s*\d+\s*$/.test(line)) {
        throw new Fault(
          `API version(s) can't be converted to integer: invalid literal for int() with base 10: '${line.trim()}'`,
        );
      }
      return Number(line);
    });
}

/** Lines that say something: no empty ones, no comments. */
export function parseVariants(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** "name description" a line. */
export function parseParameters(text: string): [string, string][] {
  return text.split('\n').flatMap((line): [string, string][] => {
    const match = /^\s*(\S+)\s*(.*?)\s*$/.exec(line);
    return match === null ? [] : [[match[1]!, match[2]!]];
  });
}

async function readVersions(path: string): Promise<number[]> {
  const file = 'ganeti_api_version';
  const found = await stat(join(path, file)).catch((error: unknown) => {
    throw new Fault(`Required file '${file}' not found under path ${path}: ${systemMessage(error)}`);
  });
  if (!found.isFile()) throw new Fault(`File '${file}' in ${path} is not a regular file`);
  const text = await readFile(join(path, file), 'utf8').catch((error: unknown) => {
    throw new Fault(
      `Error while reading the API version file at ${join(path, file)}: ${systemMessage(error)}`,
    );
  });
  return parseApiVersions(text);
}

/** The path of a file of the definition, or null where it may be and is missing. */
async function findFile(
  path: string,
  name: string,
  options: { readonly required: boolean; readonly executable: boolean },
): Promise<string | null> {
  const full = join(path, name);
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(full);
  } catch (error) {
    if (!options.required && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new Fault(`File '${name}' under path '${path}' is missing (${systemMessage(error)})`);
  }
  if (!found.isFile()) throw new Fault(`File '${name}' under path '${path}' is not a regular file`);
  if (options.executable && (found.mode & 0o100) === 0) {
    throw new Fault(`File '${name}' under path '${path}' is not executable`);
  }
  return full;
}

async function readList(file: string | null, kind: string): Promise<string> {
  if (file === null) return '';
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new Fault(`Error while reading the OS ${kind} file at ${file}: ${systemMessage(error)}`);
  });
}

async function readDefinition(name: string, path: string): Promise<OsDefinition> {
  const versions = await readVersions(path);
  if (!apiVersions.some((version) => versions.includes(version))) {
    throw new Fault(
      `API version mismatch for path '${path}': found [${versions.join(', ')}], want [${apiVersions.join(', ')}].`,
    );
  }
  const newest = Math.max(...versions);
  const script = (file: string, required = true) => findFile(path, file, { required, executable: true });
  const create = await script('create', false);
  const createUntrusted = await script('create_untrusted', false);
  const scripts = {
    create,
    create_untrusted: createUntrusted,
    export: (await script('export'))!,
    import: (await script('import'))!,
    rename: (await script('rename'))!,
    verify: newest >= parametersSince ? await script('verify') : null,
  };
  const list = (file: string, required: boolean) => findFile(path, file, { required, executable: false });
  const variantsFile = newest >= variantsSince ? await list('variants.list', false) : null;
  const parametersFile = newest >= parametersSince ? await list('parameters.list', true) : null;
  if (create === null && createUntrusted === null) {
    throw new Fault(`A create script (trusted or untrusted) under path '${path}' must exist`);
  }
  return {
    name,
    path,
    apiVersions: versions,
    scripts,
    variants: parseVariants(await readList(variantsFile, 'variants')),
    parameters: parseParameters(await readList(parametersFile, 'parameters')),
  };
}

async function tryDefinition(name: string, path: string): Promise<FoundDefinition> {
  try {
    if (!pluginName.test(name) || !(await isFolder(path))) {
      throw new Fault(`Directory for OS ${name} not found in search path`);
    }
    return { valid: true, definition: await readDefinition(name, path) };
  } catch (error) {
    if (error instanceof Fault) return { valid: false, name, path, fault: error.message };
    throw error;
  }
}

/** Everything in the search path that could be a definition, folder by folder, valid or not. */
export async function diagnoseDefinitions(searchPath: readonly string[]): Promise<FoundDefinition[]> {
  const result: FoundDefinition[] = [];
  for (const folder of searchPath) {
    const names = await readdir(folder).catch(() => []);
    for (const name of niceSort(names.filter((candidate) => !candidate.startsWith('.')))) {
      result.push(await tryDefinition(name, join(folder, name)));
    }
  }
  return result;
}

/** The first definition of that name (without variant) in the search path. */
export async function lookUpDefinition(
  searchPath: readonly string[],
  name: string,
): Promise<FoundDefinition> {
  if (pluginName.test(name)) {
    for (const folder of searchPath) {
      if (await isFolder(join(folder, name))) return tryDefinition(name, join(folder, name));
    }
  }
  return { valid: false, name, path: '', fault: `Directory for OS ${name} not found in search path` };
}

/**
 * The definition that `os` (with or without variant) means.
 * @throws Failure OpExecError saying why it can't be used
 */
export async function definitionOf(searchPath: readonly string[], os: string): Promise<OsDefinition> {
  const found = await lookUpDefinition(searchPath, splitVariant(os).name);
  if (!found.valid) throw executionFailure(found.fault);
  return found.definition;
}
