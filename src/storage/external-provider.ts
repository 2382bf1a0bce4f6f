/** Providers of external storage: a folder of scripts (man page ganeti-extstorage-interface). */
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../kit/failure.ts';
import type { Parameters } from '../model/objects/common.ts';
import { deviceFailure } from './host.ts';

const required = ['create', 'remove', 'grow', 'attach', 'detach', 'setinfo', 'verify'] as const;
const optional = ['snapshot', 'open', 'close'] as const;
/** Names of parameters, one a line with their description. */
const parametersFile = 'parameters.list';

export type Script = (typeof required)[number] | (typeof optional)[number];

export interface Provider {
  readonly name: string;
  readonly folder: string;
  readonly scripts: ReadonlySet<Script>;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function scriptsIn(folder: string): Promise<Set<Script>> {
  const scripts = new Set<Script>();
  for (const script of [...required, ...optional]) {
    const path = join(folder, script);
    if (!(await isFile(path))) {
      if ((optional as readonly string[]).includes(script)) continue;
      throw deviceFailure(`File '${script}' under path '${folder}' is missing`);
    }
    if (!(await isExecutable(path)))
      throw deviceFailure(`File '${script}' under path '${folder}' is not executable`);
    scripts.add(script);
  }
  if (!(await isFile(join(folder, parametersFile)))) {
    throw deviceFailure(`File '${parametersFile}' under path '${folder}' is missing`);
  }
  return scripts;
}

/** @throws Failure BlockDeviceError naming what is wrong with it */
export async function findProvider(name: string, searchPath: readonly string[]): Promise<Provider> {
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name))
    throw deviceFailure(`'${name}' is not a name of a provider`);
  for (const place of searchPath) {
    const folder = join(place, name);
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory()) return { name, folder, scripts: await scriptsIn(folder) };
  }
  throw deviceFailure(`Directory for External Storage Provider ${name} not found in search path`);
}

/** "name description" lines. Pure. */
export function parseParameters(text: string): [string, string][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [name = ''] = line.split(/\s/, 1);
      return [name, line.slice(name.length).trim()];
    });
}

/** A provider, or what should be one. */
export interface FoundProvider {
  readonly name: string;
  readonly path: string;
  readonly valid: boolean;
  /** Why it isn't valid, or empty. */
  readonly diagnose: string;
  readonly parameters: readonly [string, string][];
}

async function inspect(name: string, place: string): Promise<FoundProvider> {
  const path = join(place, name);
  try {
    await findProvider(name, [place]);
    const parameters = parseParameters(await readFile(join(path, parametersFile), 'utf8'));
    return { name, path, valid: true, diagnose: '', parameters };
  } catch (error) {
    return { name, path, valid: false, diagnose: messageOf(error), parameters: [] };
  }
}

/** Everything in the search folders, in their order and by name. */
export async function diagnoseProviders(searchPath: readonly string[]): Promise<FoundProvider[]> {
  const found: FoundProvider[] = [];
  for (const place of searchPath) {
    const names = await readdir(place).catch(() => []);
    for (const name of names.filter((entry) => !entry.startsWith('.')).sort())
      found.push(await inspect(name, place));
  }
  return found;
}

/** What a script is told besides its parameters. Sizes are MiB. */
export interface Told {
  readonly volume: string;
  readonly uuid: string;
  readonly name?: string | null | undefined;
  readonly size?: number;
  readonly newSize?: number;
  readonly metadata?: string;
  readonly snapshotName?: string;
  readonly snapshotSize?: number;
  readonly exclusive?: boolean;
}

/** The variables of a script; those that don't apply are not there. Pure. */
export function scriptEnvironment(params: Parameters, told: Told): Record<string, string> {
  const own: Record<string, string | number | null | undefined> = {
    VOL_NAME: told.volume,
    VOL_UUID: told.uuid,
    VOL_CNAME: told.name,
    VOL_SIZE: told.size,
    VOL_NEW_SIZE: told.newSize,
    VOL_METADATA: told.metadata,
    VOL_SNAPSHOT_NAME: told.snapshotName,
    VOL_SNAPSHOT_SIZE: told.snapshotSize,
    // Written as Python writes it, which is what providers compare with.
    VOL_OPEN_EXCLUSIVE: told.exclusive === undefined ? undefined : told.exclusive ? 'True' : 'False',
  };
  const parameters = Object.entries(params).map(
    ([name, value]) => [`EXTP_${name.toUpperCase()}`, value] as const,
  );
  const all = [...parameters, ...Object.entries(own)].filter(
    ([, value]) => value !== undefined && value !== null,
  );
  return Object.fromEntries(all.map(([name, value]) => [name, String(value)]));
}

/** The first line of attach's output is the device, the others are "<hypervisor>:<URI>". Pure. */
export function parseAttached(output: string): { readonly path: string; readonly uris: readonly string[] } {
  const [path = '', ...rest] = output.split('\n').map((line) => line.trim());
  return { path, uris: rest.filter((line) => line !== '') };
}
