/** What may be asked of an instance's disks: options of a new one, of one to attach, of one that changes. */
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { nodesOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { filledNode } from '../../../model/params/fill.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import type { DiskRequest } from '../plan-disks.ts';
import { templateOf } from '../relocation.ts';
import type { Told } from './nics.ts';

/** Does any node of the instance keep physical volumes for one disk each? */
export function hasExclusiveStorage(configuration: Configuration, nodes: readonly string[]): boolean {
  return nodes.some((uuid) => {
    const node = configuration.nodes.get(uuid);
    if (node === undefined) return false;
    const group = configuration.nodegroups.get(node.group);
    return filledNode(configuration.cluster, group, node).exclusive_storage === true;
  });
}

/** @param required a disk has to say how many spindles it takes */
export function requireSpindles(request: DiskRequest, exclusive: boolean, required: boolean): void {
  const given = request.spindles !== undefined;
  if (!exclusive && given) {
    throw prerequisiteFailure(
      'Spindles in instance disks cannot be specified when exclusive storage is not active',
      ErrorCode.invalid,
    );
  }
  if (exclusive && required && !given) {
    throw prerequisiteFailure(
      'You must specify spindles in instance disks when exclusive storage is active',
      ErrorCode.invalid,
    );
  }
}

/** The template of a disk to be added. */
export function templateOfNew(
  configuration: Configuration,
  instance: Instance,
  request: DiskRequest,
): string {
  const asked = request.dev_type;
  const template = asked === undefined ? templateOf(configuration, instance) : String(asked);
  if (storageAbout(template).empty) {
    throw prerequisiteFailure('Must specify disk type on diskless instance', ErrorCode.invalid);
  }
  if (request.size === undefined)
    throw prerequisiteFailure("Required disk parameter 'size' missing", ErrorCode.invalid);
  return template;
}

function unattached(configuration: Configuration, disk: Disk): Disk {
  const owner = configuration.instances.values().find((instance) => instance.disks.includes(disk.uuid));
  if (owner !== undefined) {
    throw executionFailure(`Disk ${disk.uuid} is already attached to instance ${owner.name}`);
  }
  return disk;
}

/** The disk that is to be attached, by its uuid or its name. @throws Failure OpPrereqError, OpExecError */
export function diskToAttach(configuration: Configuration, instance: Instance, request: DiskRequest): Disk {
  const keys = Object.keys(request);
  if (keys.length !== 1 || !(keys[0] === 'uuid' || keys[0] === 'name')) {
    throw prerequisiteFailure(
      'Only one argument is permitted in attach op, either name or uuid',
      ErrorCode.invalid,
    );
  }
  const uuid = request.uuid === undefined ? undefined : String(request.uuid);
  const all = configuration.disks.values();
  const named = all.filter((disk) => disk.name === request.name);
  const free = named.find(
    (disk) => !configuration.instances.values().some((i) => i.disks.includes(disk.uuid)),
  );
  const disk = uuid === undefined ? (free ?? named[0]) : configuration.disks.get(uuid);
  if (disk === undefined) {
    throw prerequisiteFailure(
      uuid === undefined
        ? `No disk was found with this name: ${String(request.name)}`
        : `No disk was found with this UUID: ${uuid}`,
      ErrorCode.invalid,
    );
  }
  const template = templateOf(configuration, instance);
  if (disk.dev_type !== template && !storageAbout(template).empty) {
    throw prerequisiteFailure(
      `Instance has '${template}' template while disk has '${disk.dev_type}' template`,
      ErrorCode.invalid,
    );
  }
  const nodes = nodesOf(configuration, instance);
  const names = (uuids: readonly string[]) =>
    uuids.map((node) => configuration.nodes.get(node)?.name ?? node).join(', ');
  if (disk.nodes.length > 0 && !nodes.every((node) => disk.nodes.includes(node))) {
    throw prerequisiteFailure(
      `Disk nodes are ${names(disk.nodes)} while the instance's nodes are ${names(nodes)}`,
      ErrorCode.invalid,
    );
  }
  return unattached(configuration, disk);
}

const noneOr = (value: string | number) =>
  String(value).toLowerCase() === 'none' ? undefined : String(value);

/** A disk with its changed name, mode or parameters. @throws Failure OpPrereqError, TypeEnforcementError */
export function modifiedDisk(disk: Disk, index: number, options: DiskRequest): { disk: Disk; told: Told[] } {
  const free = storageAbout(disk.dev_type).providers === true;
  const told: Told[] = [];
  let after: Disk = disk;
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (key === 'size') {
      throw prerequisiteFailure('Disk size change not possible, use grow-disk', ErrorCode.invalid);
    }
    if (key === 'mode') {
      if (value !== 'rw' && value !== 'ro')
        throw prerequisiteFailure(`Invalid disk access mode '${value}'`, ErrorCode.invalid);
      after = { ...after, mode: value };
      told.push([`disk.mode/${index}`, value]);
    } else if (key === 'name') {
      after = { ...after, name: noneOr(value) };
      told.push([`disk.name/${index}`, after.name ?? null]);
    } else if (!free || key === 'access' || key === 'provider') {
      throw prerequisiteFailure(
        free ? `Disk '${key}' parameter change is not possible` : `Unknown parameter '${key}'`,
        ErrorCode.invalid,
      );
    } else {
      const { [key]: _, ...rest } = after.params ?? {};
      const params = String(value).toLowerCase() === 'default' ? rest : { ...rest, [key]: String(value) };
      after = { ...after, params };
      told.push([`disk.params:${key}/${index}`, value]);
    }
  }
  return { disk: after, told };
}
