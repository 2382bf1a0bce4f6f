/**
 * Images of a Ceph cluster on a node: made and removed in the pool, mapped to a block device where they are
 * used. With userspace access the hypervisor opens the image by its URI; the device is still there for the
 * scripts that install a guest.
 */
import { describeFailure } from '../../kit/process.ts';
import type { DiskRequest, DriverContext, StorageDriver } from '../contract.ts';
import { deviceFailure, runOrFail, type StorageHost } from '../host.ts';
import { about } from './about.ts';
import { type Image, mappedInJson, mappedInTable, sizeInInfo } from './mapped.ts';

const mebibyte = 1024 * 1024;
const validName = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;

interface Access extends Image {
  /** Ceph user, empty for the default one. */
  readonly user: string;
}

/** @throws Failure BlockDeviceError for names that can't be an image's */
function imageOf(request: DiskRequest, logicalId = request.disk.logical_id): Access {
  const pool = String(request.params.pool ?? 'rbd');
  const name = logicalId?.[1];
  const user = String(request.params['user-id'] ?? '');
  for (const part of [pool, name, ...(user === '' ? [] : [user])]) {
    if (typeof part !== 'string' || !validName.test(part)) {
      throw deviceFailure(`'${String(part)}' is not a name for an RBD pool, image or user`);
    }
  }
  return { pool, name: String(name), user };
}

function rbd({ user }: Access, ...args: readonly string[]): string[] {
  return ['rbd', ...args, ...(user === '' ? [] : ['--id', user])];
}

/** Bytes of the image, or undefined when there is none (rbd ends with ENOENT, 2). */
async function sizeOf(host: StorageHost, image: Access): Promise<number | undefined> {
  const result = await host.run(rbd(image, 'info', '-p', image.pool, image.name, '--format', 'json'));
  if (result.code === 0) return sizeInInfo(result.stdout);
  if (result.code === 2) return undefined;
  throw deviceFailure(`Can't look at the image ${image.pool}/${image.name}: ${describeFailure(result)}`);
}

async function mappedDevice(host: StorageHost, image: Access): Promise<string | undefined> {
  const json = await host.run(rbd(image, 'showmapped', '--format', 'json'));
  if (json.code === 0) return mappedInJson(json.stdout, image);
  const table = await runOrFail(host, 'rbd showmapped failed', rbd(image, 'showmapped', '-p', image.pool));
  return mappedInTable(table.stdout, image);
}

async function map(host: StorageHost, image: Access): Promise<string> {
  const before = await mappedDevice(host, image);
  if (before !== undefined) return before;
  await runOrFail(host, 'rbd map failed', rbd(image, 'map', '-p', image.pool, image.name));
  const device = await mappedDevice(host, image);
  if (device === undefined) {
    throw deviceFailure(
      `rbd map succeeded, but could not find the rbd block device in output of showmapped, for volume: ${image.name}`,
    );
  }
  return device;
}

async function unmap(host: StorageHost, image: Access): Promise<void> {
  const device = await mappedDevice(host, image);
  if (device !== undefined) await runOrFail(host, 'rbd unmap failed', rbd(image, 'unmap', device));
}

async function create(host: StorageHost, request: DiskRequest, mustBeNew: boolean): Promise<void> {
  const image = imageOf(request);
  const bytes = await sizeOf(host, image);
  if (bytes === undefined) {
    const size = String(request.disk.size);
    await runOrFail(
      host,
      'rbd creation failed',
      rbd(image, 'create', '-p', image.pool, image.name, '--size', size),
    );
    return;
  }
  if (mustBeNew) throw deviceFailure(`The image ${image.pool}/${image.name} exists already`);
  if (bytes < request.disk.size * mebibyte) {
    throw deviceFailure(`The image ${image.pool}/${image.name} exists with another size (${bytes} bytes)`);
  }
}

async function remove(host: StorageHost, image: Access): Promise<void> {
  if ((await sizeOf(host, image)) === undefined) return;
  await unmap(host, image);
  await runOrFail(
    host,
    "Can't remove Volume from cluster with rbd rm",
    rbd(image, 'rm', '-p', image.pool, image.name),
  );
}

async function grow(
  host: StorageHost,
  request: DiskRequest,
  amount: number,
  options: { readonly dryRun: boolean; readonly backingStore: boolean },
): Promise<void> {
  if (!options.backingStore) return;
  const image = imageOf(request);
  const bytes = await sizeOf(host, image);
  if (bytes === undefined) throw deviceFailure(`There is no image ${image.pool}/${image.name}`);
  const wanted = request.disk.size + amount;
  if (options.dryRun || bytes >= wanted * mebibyte) return;
  const command = rbd(image, 'resize', '-p', image.pool, image.name, '--size', String(wanted));
  await runOrFail(host, 'rbd resize failed', command);
}

async function rename(host: StorageHost, from: Access, to: Access): Promise<void> {
  if (from.name === to.name) return;
  if ((await sizeOf(host, from)) === undefined && (await sizeOf(host, to)) !== undefined) return;
  await unmap(host, from);
  await runOrFail(host, 'rbd rename failed', rbd(from, 'rename', '-p', from.pool, from.name, to.name));
}

function uriOf(request: DiskRequest): string | null {
  if (request.params.access !== 'userspace') return null;
  const { pool, name, user } = imageOf(request);
  return `rbd:${pool}/${name}${user === '' ? '' : `:id=${user}`}`;
}

export function createDriver({ host }: DriverContext): StorageDriver {
  const nothing = async () => {};
  return {
    about,
    create: async (request, { mustBeNew }) => create(host, request, mustBeNew),
    remove: async (request) => remove(host, imageOf(request)),
    async assemble(request) {
      return { path: await map(host, imageOf(request)), uri: uriOf(request) };
    },
    shutdown: async (request) => unmap(host, imageOf(request)),
    open: nothing,
    close: nothing,
    async find(request) {
      const path = await mappedDevice(host, imageOf(request));
      if (path === undefined) return null;
      const numbers = await host.blockDevice(path);
      return {
        ...{ path, major: numbers?.major ?? null, minor: numbers?.minor ?? null },
        ...{ syncPercent: null, estimatedTime: null, degraded: false, localDisk: 'okay', details: {} },
      };
    },
    grow: async (request, amount, options) => grow(host, request, amount, options),
    async dimensions(request) {
      const bytes = await sizeOf(host, imageOf(request));
      return bytes === undefined ? null : { bytes, spindles: null };
    },
    setInfo: nothing,
    rename: async (request, logicalId) => rename(host, imageOf(request), imageOf(request, logicalId)),
    async snapshot() {
      throw deviceFailure(`snapshots are not possible with the disk template '${about.name}'`);
    },
  };
}
