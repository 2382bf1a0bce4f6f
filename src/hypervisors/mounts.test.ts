import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mountsWithin, parseMountPoints, processesWithin } from './mounts.ts';

const sample = `21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:5 / /run/ganeti/chroot-hypervisor/inst1 rw - ext4 /dev/drbd0 rw
31 30 0:6 / /run/ganeti/chroot-hypervisor/inst1/proc rw - proc proc rw
32 30 0:7 / /run/ganeti/chroot-hypervisor/inst1/a\\040b/c rw - tmpfs tmpfs rw
33 21 0:8 / /run/ganeti/chroot-hypervisor/inst10 rw - ext4 /dev/drbd1 rw
`;

it('mounts of an instance are found, the deepest first, and not those of its neighbours', () => {
  const folder = '/run/ganeti/chroot-hypervisor/inst1';
  assert.deepEqual(mountsWithin(parseMountPoints(sample), folder), [
    `${folder}/a b/c`,
    `${folder}/proc`,
    folder,
  ]);
});

it('this process works in its own folder', async () => {
  assert.ok((await processesWithin(process.cwd())).includes(process.pid));
  assert.deepEqual(await processesWithin('/no/such/folder'), []);
});
