/** Providers of external storage: a folder of scripts (man page ganeti-extstorage-interface). */
import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Parameters } from '../../model/objects/common.ts';
import { deviceFailure } from '../host.ts';

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
