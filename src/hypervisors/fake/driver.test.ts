import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { aboutSuite, driverSuite } from '../contract.suite.ts';
import { guestFor } from '../guest.fixture.ts';
import { about } from './about.ts';
import { fakeDriver, parseGuestFile } from './driver.ts';

async function open() {
  const root = await mkdtemp(join(tmpdir(), 'gantry-fake-'));
  const node = (name: string) =>
    fakeDriver({ paths: pathsFor({ GANETI_ROOTDIR: join(root, name) }), log: silentLog });
  return {
    driver: node('node1'),
    other: node('node2'),
    address: '127.0.0.1',
    guest: guestFor(about),
    root,
    close: () => rm(root, { recursive: true }),
  };
}

aboutSuite(about);
driverSuite(about, open);

it('writes the file that Ganeti reads, and back', async () => {
  const world = await open();
  try {
    await world.driver.start(world.guest, { paused: false });
    const file = join(world.root, 'node1/var/run/ganeti/fake-hypervisor', world.guest.name);
    assert.equal(await readFile(file, 'utf8'), '0\n128\n2\n');
    await world.driver.balloon(world.guest, 96);
    assert.equal((await world.driver.info(world.guest.name, {}))?.memory, 96);
  } finally {
    await world.close();
  }
});

it('reads a file with missing lines as the least', () => {
  assert.deepEqual(parseGuestFile('a', ''), { name: 'a', memory: 0, vcpus: 1, state: 'running', time: 0 });
});
