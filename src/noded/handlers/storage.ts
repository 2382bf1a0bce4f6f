/** Node calls about storage units: what there is, allocation on physical volumes, repair of volume groups. */
import { lstat, opendir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../kit/failure.ts';
import { describeFailure } from '../../kit/process.ts';
import * as calls from '../../noderpc/calls/storage.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { acceptedPath } from '../../storage/file-storage-paths.ts';
import type { StorageHost } from '../../storage/host.ts';
import { listLogicalVolumes, listPhysicalVolumes, listVolumeGroups } from '../../storage/lvm.ts';
import type { NodeContext } from '../context.ts';

type Unit = calls.StorageUnit;

function storageFailure(message: string, cause?: unknown): Failure {
  return new Failure('StorageError', [message], { cause });
}

const mebibyte = 1024 * 1024;

/** Bytes of all files below a folder; links are not followed. */
async function folderSize(folder: string): Promise<number> {
  let total = 0;
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) total += await folderSize(path);
    else total += (await lstat(path).catch(() => undefined))?.size ?? 0;
  }
  return total;
}

/** A folder that this node allows for file storage, and the file system that it is on. */
async function folderUnit(host: StorageHost, path: string, withUsed: boolean): Promise<Unit> {
  const local = await acceptedPath(host, path, true);
  const { bsize, bavail, blocks } = await statfs(local);
  const used = withUsed ? Math.round((await folderSize(local)) / mebibyte) : null;
  return {
    name: path,
    size: Math.floor((blocks * bsize) / mebibyte),
    free: Math.floor((bavail * bsize) / mebibyte),
    used,
    allocatable: true,
  };
}

async function volumeGroups(host: StorageHost): Promise<Unit[]> {
  return (await listVolumeGroups(host)).map(({ name, size, free }) => ({
    name,
    size: Math.round(size),
    free: Math.round(free),
    used: Math.round(size) - Math.round(free),
    allocatable: true,
  }));
}

async function physicalVolumes(host: StorageHost): Promise<Unit[]> {
  return (await listPhysicalVolumes(host, [], false)).map(({ name, size, free, attributes }) => ({
    name,
    size: Math.round(size),
    free: Math.round(free),
    used: Math.round(size - free),
    allocatable: attributes.startsWith('a'),
  }));
}

async function unitsOf(
  host: StorageHost,
  type: string,
  { folder, name, withUsed }: { folder: string | null; name: string | null; withUsed: boolean },
): Promise<Unit[]> {
  const wanted = (units: Unit[]) => units.filter((unit) => name === null || unit.name === name);
  if (type === 'lvm-vg') return wanted(await volumeGroups(host));
  if (type === 'lvm-pv') return wanted(await physicalVolumes(host));
  if (folder === null) throw storageFailure(`Unknown storage type: '${type}'`);
  return [await folderUnit(host, name ?? folder, withUsed)];
}

/** The device of a physical volume or the name of a group as LVM takes it, which must not look like an option. */
function requireUnitName(name: string): void {
  if (!/^[a-zA-Z0-9/_.+][a-zA-Z0-9/_.+:-]*$/.test(name))
    throw storageFailure(`'${name}' is not a name of a storage unit`);
}

async function setAllocatable(host: StorageHost, name: string, allocatable: boolean): Promise<void> {
  const result = await host.run(['pvchange', '--allocatable', allocatable ? 'y' : 'n', name]);
  if (result.code !== 0)
    throw storageFailure(`Failed to modify physical volume, pvchange output: ${describeFailure(result)}`);
}

/** LVM answers in words; a group that isn't whole yet after the first try is repaired by force. */
async function removeMissing(host: StorageHost, name: string): Promise<void> {
  const first = await host.run(['vgreduce', '--removemissing', name]);
  let said = first.stdout + first.stderr;
  if (
    !said.includes('Wrote out consistent volume group') ||
    said.includes('vgreduce --removemissing --force')
  ) {
    const second = await host.run(['vgreduce', '--removemissing', '--force', name]);
    said += `\n${second.stdout}${second.stderr}`;
  }
  const check = await host.run(['vgs', '--noheadings', '--nosuffix', name]);
  const shown = check.stdout + check.stderr;
  if (check.code !== 0 || shown.includes("Couldn't find device with uuid")) {
    throw storageFailure(
      `Volume group '${name}' still not consistent, 'vgreduce' output: '${said.trim()}', 'vgs' output: '${shown.trim()}'`,
    );
  }
}

/** node_volumes, storage_list, storage_modify and storage_execute. */
export function storageHandlers({ host }: NodeContext): NodeHandler[] {
  return [
    answers(calls.nodeVolumes, async () => {
      const volumes = await listLogicalVolumes(host, []);
      return volumes.flatMap(({ name, vg, sizeKiB, physicalVolumes: devices }) =>
        devices.map((device) => ({ name, vg, size: sizeKiB / 1024, device })),
      );
    }),
    answers(calls.storageList, ({ type, ...wish }) => unitsOf(host, type, wish)),
    answers(calls.storageModify, async ({ type, name, allocatable }) => {
      requireUnitName(name);
      if (type !== 'lvm-pv') throw storageFailure(`Storage units of type '${type}' can not be modified`);
      await setAllocatable(host, name, allocatable);
      return null;
    }),
    answers(calls.storageRepair, async ({ type, name }) => {
      requireUnitName(name);
      if (type !== 'lvm-vg') throw storageFailure(`Storage units of type '${type}' can not be repaired`);
      await removeMissing(host, name);
      return null;
    }),
  ];
}
