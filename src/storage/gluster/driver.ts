/**
 * Files on a Gluster volume. The volume is mounted on the node where it is needed, at the cluster's folder
 * for it, and stays mounted; each file is a disk. Hypervisors may open it over the network themselves.
 */
import { mkdir } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { posix } from 'node:path';
import type { DiskRequest, DriverContext, StorageDriver } from '../contract.ts';
import { createFileDriver } from '../file-device.ts';
import { deviceFailure, localPath, runOrFail, type StorageHost } from '../host.ts';
import { about } from './about.ts';
import { isMounted, type Volume, volumeOf } from './volume.ts';

const standardFolder = '/var/run/ganeti/gluster';

/** The cluster's folder for mounting (ssconf_gluster_storage_dir). */
async function mountFolder(host: StorageHost): Promise<string> {
  const text = await host.readText(posix.join(host.paths.dataDir, 'ssconf_gluster_storage_dir'));
  return text?.trim() || standardFolder;
}

async function ensureMounted(host: StorageHost, volume: Volume, folder: string): Promise<void> {
  const local = localPath(host.paths, folder);
  const mounted = async () => isMounted((await host.readText('/proc/self/mounts')) ?? '', local);
  if (await mounted()) return;
  await mkdir(local, { recursive: true, mode: 0o755 });
  const source = `${volume.host}:/${volume.name}`;
  const command = ['mount', '-t', 'glusterfs', '-o', `server-port=${volume.port}`, source, local];
  await runOrFail(host, `'${folder}': mount failure`, command);
  if (!(await mounted())) {
    throw deviceFailure(
      `'${folder}': mount failure: try running 'gluster volume info ${volume.name}' on ${volume.host} to ensure it exists, it is started and it is using the tcp transport`,
    );
  }
}

function checkRelative(path: string): void {
  if (posix.isAbsolute(path) || path.split('/').includes('..')) {
    throw deviceFailure(`'${path}' is not a path within a Gluster volume`);
  }
}

export function createDriver({ host }: DriverContext): StorageDriver {
  return createFileDriver(about, host, {
    async reach(request: DiskRequest, path: string) {
      checkRelative(path);
      const folder = await mountFolder(host);
      await ensureMounted(host, volumeOf(request.params), folder);
      return posix.join(folder, path);
    },
    uri(request, path) {
      if (request.params.access !== 'userspace') return null;
      const volume = volumeOf(request.params);
      const address = isIPv6(volume.host) ? `[${volume.host}]` : volume.host;
      return `gluster://${address}:${volume.port}/${volume.name}/${path}`;
    },
  });
}
