/** Which minor, ends and volumes a DRBD disk has on this node, read from the request. Pure. */
import type { Disk } from '../../model/objects/disk.ts';
import type { DiskRequest } from '../contract.ts';
import { deviceFailure } from '../host.ts';
import type { Ends } from './commands.ts';
import type { Shown } from './show.ts';

export interface MirrorDevice {
  readonly minor: number;
  readonly secret: string;
  /** undefined when the address of the other node isn't known: the device works without it. */
  readonly ends: Ends | undefined;
  /** Data volume and metadata volume; undefined for a device without storage of its own. */
  readonly children: readonly [Disk, Disk] | undefined;
  /** For messages: "drbd3 (disk/0 of inst1)". */
  readonly label: string;
}

/** @throws Failure BlockDeviceError for a disk that isn't a mirror between this node and another */
export function mirrorDevice(request: DiskRequest): MirrorDevice {
  const { disk, self, addresses } = request;
  const [nodeA, nodeB, port, minorA, minorB, secret] = disk.logical_id ?? [];
  if (
    disk.logical_id?.length !== 6 ||
    typeof port !== 'number' ||
    typeof minorA !== 'number' ||
    typeof minorB !== 'number' ||
    typeof secret !== 'string'
  ) {
    throw deviceFailure(`disk ${disk.iv_name} of ${request.owner}: its logical id is not that of a mirror`);
  }
  if (self !== nodeA && self !== nodeB) {
    throw deviceFailure(`disk ${disk.iv_name} of ${request.owner} is not on this node`);
  }
  const minor = self === nodeA ? minorA : minorB;
  const peer = String(self === nodeA ? nodeB : nodeA);
  const localIp = addresses[self];
  const remoteIp = addresses[peer];
  const ends =
    localIp === undefined || remoteIp === undefined
      ? undefined
      : { local: { ip: localIp, port }, remote: { ip: remoteIp, port } };
  if (ends !== undefined && ends.local.ip === ends.remote.ip) {
    throw deviceFailure(`disk ${disk.iv_name} of ${request.owner}: both ends have the address ${localIp}`);
  }
  const { children = [] } = disk;
  if (children.length !== 0 && children.length !== 2) {
    throw deviceFailure(
      `disk ${disk.iv_name} of ${request.owner} has ${children.length} volumes instead of two`,
    );
  }
  return {
    minor,
    secret,
    ends,
    children: children.length === 2 ? [children[0]!, children[1]!] : undefined,
    label: `drbd${minor} (${disk.iv_name} of ${request.owner})`,
  };
}

/** Is the connection of the running device the one that it should have? */
export function endsMatch(shown: Shown, ends: Ends): boolean {
  const same = (a: { ip: string; port: number } | undefined, b: { ip: string; port: number }) =>
    a?.ip === b.ip && a.port === b.port;
  return same(shown.local, ends.local) && same(shown.remote, ends.remote);
}

/**
 * Does the running minor belong to this disk? It is another's when it stands on other volumes, or, without
 * volumes, speaks on another port. An empty one is what an interrupted beginning has left.
 */
export function belongsTo(shown: Shown, dataDevice: string | undefined, device: MirrorDevice): boolean {
  if (shown.dataDevice !== undefined) return shown.dataDevice === dataDevice;
  if (shown.local !== undefined && device.ends !== undefined)
    return shown.local.port === device.ends.local.port;
  return true;
}
