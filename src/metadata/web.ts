/**
 * What instances ask for (doc/design-os, Ganeti's Metad/WebServer.hs). Files are sent from the folders of OS definitions
 * only: which file an instance gets follows from parameters that users of the cluster set.
 */
import { realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Known } from './instances.ts';

/** A file that is sent piece by piece: packages of an OS may be large, and instances many. */
export interface FileBody {
  readonly path: string;
  /** In bytes. */
  readonly size: number;
}

export interface WebAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string | FileBody;
  /** Methods that there are, with status 405. */
  readonly allow?: string;
}

export interface WebParts {
  readonly log: Log;
  readonly instanceAt: (address: string) => Known | undefined;
  readonly osSearchPath: readonly string[];
  /** The OS install package that was made for an instance, there or not. */
  readonly packageFile: (uuid: string) => string;
}

const scripts = new Set(['create', 'create_untrusted', 'export', 'import', 'rename', 'verify']);
const notFound: WebAnswer = { status: 404, type: 'text/plain', body: 'Resource not found' };
const nothing: WebAnswer = { status: 200, type: 'text/plain', body: '' };
const notAllowed = (allow: string): WebAnswer => ({ status: 405, type: 'text/plain', body: '', allow });
const json = (value: unknown): WebAnswer => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify(value),
});

/** Each parameter with its value and who may see it. */
export function parametersWithVisibility(known: Known): Record<string, readonly [string, string]> {
  const seen = (parameters: Readonly<Record<string, string>>, visibility: string) =>
    Object.entries(parameters).map(([name, value]) => [name, [value, visibility]] as const);
  return Object.fromEntries([
    ...seen(known.osparams, 'public'),
    ...seen(known.osparams_private, 'private'),
    ...seen(known.osparams_secret, 'secret'),
  ]);
}

/** The file if it is below one of the folders, links followed; undefined otherwise. */
async function fileBelow(folders: readonly string[], path: string): Promise<FileBody | undefined> {
  const target = await realpath(path).catch(() => undefined);
  if (target === undefined) return undefined;
  for (const folder of folders) {
    const base = await realpath(folder).catch(() => undefined);
    if (base === undefined || !target.startsWith(`${base}/`)) continue;
    const found = await stat(target).catch(() => undefined);
    return found?.isFile() === true ? { path: target, size: found.size } : undefined;
  }
  return undefined;
}

/** "debian+minimal" is the variant minimal of the definition debian. */
async function scriptOf(
  known: Known,
  script: string,
  folders: readonly string[],
): Promise<FileBody | undefined> {
  const definition = known.os.split('+', 1)[0] ?? '';
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(definition)) return undefined;
  for (const folder of folders) {
    const found = await fileBelow([folder], join(folder, definition, script));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function packageOf(
  known: Known,
  parameter: string,
  folders: readonly string[],
): Promise<FileBody | undefined> {
  const path = known.osparams[parameter];
  return path === undefined ? undefined : await fileBelow(folders, resolve('/', path));
}

/** The package that its parameters name, or the one that was made for it. */
async function installPackageOf(known: Known, parts: WebParts): Promise<FileBody | undefined> {
  if (known.osparams['os-install-package'] !== undefined)
    return await packageOf(known, 'os-install-package', parts.osSearchPath);
  const made = parts.packageFile(known.uuid);
  return await fileBelow([dirname(made)], made);
}

const fileAnswer = (file: FileBody | undefined): WebAnswer =>
  file === undefined ? notFound : { status: 200, type: 'application/octet-stream', body: file };

/** Of an instance that is known, below ganeti/latest. */
async function ofInstance(known: Known, resource: string, parts: WebParts): Promise<WebAnswer> {
  const { osSearchPath } = parts;
  switch (resource) {
    case 'meta_data.json': {
      const { name, uuid, os, nics } = known;
      return json({ name, uuid, os, nics: nics.map(({ mac, ip }) => ({ mac, ip })) });
    }
    case 'os/parameters.json':
      return json(parametersWithVisibility(known));
    case 'os/os-install-package':
      return fileAnswer(await installPackageOf(known, parts));
    case 'os/package':
      return fileAnswer(await packageOf(known, 'os-package', osSearchPath));
    default: {
      const script = /^os\/scripts\/([a-z_]+)$/.exec(resource)?.[1];
      if (script === undefined || !scripts.has(script)) return notFound;
      return fileAnswer(await scriptOf(known, script, osSearchPath));
    }
  }
}

export interface WebRequest {
  readonly method: string;
  readonly url: string;
  /** Address of who asks. */
  readonly from: string;
}

export function createWeb(parts: WebParts): (request: WebRequest) => Promise<WebAnswer> {
  return async ({ method, url, from }) => {
    const path = url.split('?', 1)[0] ?? '';
    const [provider, version, ...rest] = path.split('/').slice(1);
    const resource = rest.join('/');
    if (provider !== 'ganeti' || version !== 'latest') return notFound;
    // Ganeti's daemon has these and does nothing with them.
    if (resource === 'read') return method === 'GET' ? nothing : notAllowed('GET');
    if (resource === 'write') return method === 'POST' ? nothing : notAllowed('POST');
    if (method !== 'GET') return notFound;
    const known = parts.instanceAt(from);
    if (known === undefined) {
      parts.log.warning(`${resource}: could not get instance params for "${from}"`);
      return notFound;
    }
    parts.log.info(`${resource} for ${known.name} (${from})`);
    try {
      return await ofInstance(known, resource, parts);
    } catch (error) {
      parts.log.warning(`${resource} for ${known.name}: ${messageOf(error)}`);
      return notFound;
    }
  };
}
