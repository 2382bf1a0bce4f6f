/**
 * Volumes behind a provider's scripts. The interface has no way to look without attaching, so `find` attaches
 * as Ganeti does. A provider's remove script is expected to succeed for a volume that isn't there.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { logTimestamp } from '../../kit/log.ts';
import type { ProcessResult } from '../../kit/process.ts';
import type { DeviceState, DiskRequest, DriverContext, StorageDriver } from '../contract.ts';
import {
  findProvider,
  parseAttached,
  type Script,
  scriptEnvironment,
  type Told,
} from '../external-provider.ts';
import { deviceFailure, runOrFail, type StorageHost } from '../host.ts';
import { about } from './about.ts';

/** The hypervisor whose URIs are asked for: the only one that opens storage itself. */
const uriPrefix = 'kvm:';

interface Volume {
  readonly provider: string;
  readonly name: string;
}

function volumeOf(request: DiskRequest): Volume {
  const [provider, name] = request.disk.logical_id ?? [];
  if (request.disk.logical_id?.length !== 2 || typeof provider !== 'string' || typeof name !== 'string') {
    throw deviceFailure(
      `an external volume can't have the logical id ${JSON.stringify(request.disk.logical_id)}`,
    );
  }
  if (!/^[a-zA-Z0-9_][a-zA-Z0-9_.-]*$/.test(name)) throw deviceFailure(`'${name}' is not a name of a volume`);
  return { provider, name };
}

/** Keeps what the script said where administrators look for it: "<action>-<provider>-<volume>-<time>.log". */
async function keepOutput(
  host: StorageHost,
  script: Script,
  volume: Volume,
  result: ProcessResult,
): Promise<void> {
  const time = logTimestamp(new Date()).slice(0, 19).replace(' ', '_').replaceAll(':', '_');
  const file = `${script}-${volume.provider}-${volume.name}-${time}.log`;
  const path = join(host.paths.logDir, 'extstorage', file);
  await writeFile(path, `${result.stdout}${result.stderr}`, { flag: 'a', mode: 0o640 }).catch(
    (error: unknown) => host.log.warning(`can't write ${path}: ${String(error)}`),
  );
}

/** Runs a script; an optional one that the provider doesn't have gives undefined. */
async function runScript(
  host: StorageHost,
  request: DiskRequest,
  script: Script,
  more: Partial<Told> = {},
): Promise<ProcessResult | undefined> {
  const volume = volumeOf(request);
  const provider = await findProvider(volume.provider, host.paths.extStorageSearchPath);
  if (!provider.scripts.has(script)) {
    host.log.info(`Optional action '${script}' is not supported by provider '${provider.name}', skipping`);
    return undefined;
  }
  const { disk, params } = request;
  const env = scriptEnvironment(params, { volume: volume.name, uuid: disk.uuid, name: disk.name, ...more });
  const result = await host.run([join(provider.folder, script)], { env, cwd: provider.folder });
  if (script !== 'attach') await keepOutput(host, script, volume, result);
  if (result.code !== 0) {
    const lines = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-20).join('\n');
    throw deviceFailure(
      `External storage's ${script} script failed (exited with exit code ${result.code}), last lines of output:\n${lines}`,
    );
  }
  return result;
}

async function attach(
  host: StorageHost,
  request: DiskRequest,
): Promise<{ path: string; uri: string | null }> {
  const { path, uris } = parseAttached((await runScript(host, request, 'attach'))!.stdout);
  if (path === '' && uris.length === 0)
    throw deviceFailure('Neither a block device nor a userspace URI is available');
  if (request.params.access !== 'userspace') {
    if (path === '') throw deviceFailure('A local block device is not available');
    return { path, uri: null };
  }
  const uri = uris.find((entry) => entry.toLowerCase().startsWith(uriPrefix));
  if (uri === undefined) {
    throw deviceFailure(
      `Userspace access is not supported by the '${volumeOf(request).provider}' ExtStorage provider for the 'kvm' hypervisor`,
    );
  }
  return { path, uri: uri.slice(uriPrefix.length) };
}

async function find(host: StorageHost, request: DiskRequest): Promise<DeviceState | null> {
  let path: string;
  try {
    ({ path } = await attach(host, request));
  } catch (error) {
    host.log.debug(String(error));
    return null;
  }
  const numbers = path === '' ? undefined : await host.blockDevice(path);
  return {
    ...{ path, major: numbers?.major ?? null, minor: numbers?.minor ?? null },
    ...{ syncPercent: null, estimatedTime: null, degraded: false, localDisk: 'okay', details: {} },
  };
}

async function shutdown(host: StorageHost, request: DiskRequest): Promise<void> {
  if ((await find(host, request)) !== null) await runScript(host, request, 'detach');
}

async function grow(
  host: StorageHost,
  request: DiskRequest,
  amount: number,
  options: { readonly dryRun: boolean; readonly backingStore: boolean },
): Promise<void> {
  if (!options.backingStore) return;
  await attach(host, request);
  if (options.dryRun) return;
  const { size } = request.disk;
  await runScript(host, request, 'grow', { size, newSize: size + amount });
}

/** Text that providers may store anywhere: as a volume's tag has it (bdev SetInfo). */
function metadata(text: string): string {
  return text
    .replace(/^[^A-Za-z0-9_+.]/, '_')
    .replace(/[^-A-Za-z0-9_+.]/g, '_')
    .slice(0, 128);
}

export function createDriver({ host }: DriverContext): StorageDriver {
  return {
    about,
    async create(request, { mustBeNew, info }) {
      if ((await find(host, request)) === null) {
        await runScript(host, request, 'create', { size: request.disk.size });
      } else if (mustBeNew) {
        throw deviceFailure(`The volume ${volumeOf(request).name} exists already`);
      }
      await runScript(host, request, 'setinfo', { metadata: metadata(info) });
    },
    async remove(request) {
      await shutdown(host, request);
      await runScript(host, request, 'remove');
    },
    assemble: async (request) => attach(host, request),
    shutdown: async (request) => shutdown(host, request),
    async open(request, exclusive) {
      await runScript(host, request, 'open', { exclusive });
    },
    async close(request) {
      await runScript(host, request, 'close');
    },
    find: async (request) => find(host, request),
    grow: async (request, amount, options) => grow(host, request, amount, options),
    async dimensions(request) {
      const state = await find(host, request);
      if (state === null || state.path === '') return null;
      const command = ['blockdev', '--getsize64', state.path];
      const result = await runOrFail(host, `Can't read the size of ${state.path}`, command);
      return { bytes: Number(result.stdout.trim()), spindles: null };
    },
    async setInfo(request, info) {
      await runScript(host, request, 'setinfo', { metadata: metadata(info) });
    },
    async rename() {
      throw deviceFailure('Rename is not supported by the external storage interface');
    },
    async snapshot(request, name, size) {
      const { provider, name: volume } = volumeOf(request);
      const snapshotName = name === '' ? `${volume}.snap` : name;
      const snapshotSize = size ?? request.disk.size;
      const result = await runScript(host, request, 'snapshot', { snapshotName, snapshotSize });
      if (result === undefined) throw deviceFailure(`Provider '${provider}' can't take snapshots`);
      return [provider, snapshotName];
    },
  };
}
