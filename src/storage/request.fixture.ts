/** Requests for disks as a master would send them. For tests. */
import type { Disk } from '../model/objects/disk.ts';
import { defaultsOf } from '../model/params/family.ts';
import { storageAbout } from './catalog.ts';
import type { DiskRequest } from './contract.ts';

export function disk(
  template: string,
  logicalId: Disk['logical_id'],
  size = 128,
  more: Partial<Disk> = {},
): Disk {
  return {
    uuid: `${template}-${String(logicalId?.[1])}`,
    ...{ serial_no: 1, ctime: 0, mtime: 0, dev_type: template, logical_id: logicalId },
    ...{ iv_name: 'disk/0', size, mode: 'rw', nodes: ['node1'], ...more },
  };
}

export function request(of: Disk, more: Partial<DiskRequest> = {}): DiskRequest {
  return {
    ...{ disk: of, params: defaultsOf(storageAbout(of.dev_type).params) },
    ...{ owner: 'inst1.example.com', ownerUuid: 'i1', index: 0, self: 'node1' },
    ...{ addresses: { node1: '10.0.1.1', node2: '10.0.1.2' }, exclusiveStorage: false, ...more },
  };
}

/** The same mirror seen from both of its nodes. */
export function mirrorRequests(
  size = 128,
  minors: readonly [number, number] = [0, 0],
): [DiskRequest, DiskRequest] {
  const children = [
    disk('plain', ['xenvg', 'u1.disk0_data'], size),
    disk('plain', ['xenvg', 'u1.disk0_meta'], 128),
  ];
  const logicalId = ['node1', 'node2', 11001, ...minors, 'secret-of-the-mirror'];
  const mirror = disk('drbd', logicalId, size, { children, nodes: ['node1', 'node2'] });
  return [request(mirror), request(mirror, { self: 'node2' })];
}
