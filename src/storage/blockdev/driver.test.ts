import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createStorageDrivers } from '../catalog.ts';
import { createMachines } from '../machine.fixture.ts';
import { disk, request } from '../request.fixture.ts';

const template = 'blockdev';
const path = '/dev/disk/by-id/scsi-1';

async function world(device = path) {
  const [machine] = createMachines(1);
  machine!.devices.set(path, 64 * 1024 * 1024);
  const driver = await createStorageDrivers(machine!).driver(template);
  return { machine: machine!, driver, request: request(disk(template, ['manual', device], 64)) };
}

describe('adopted block devices', () => {
  test('one that is there is used and left as it is', async () => {
    const { machine, driver, request: made } = await world();
    await driver.create(made, { info: 'x', onPrimary: true, mustBeNew: true });
    assert.deepEqual(await driver.assemble(made, true), { path, uri: null });
    assert.equal((await driver.find(made))?.major, 8);
    assert.deepEqual(await driver.dimensions(made), { bytes: 64 * 1024 * 1024, spindles: null });
    await driver.shutdown(made);
    await driver.remove(made);
    assert.deepEqual(machine.commands, [`blockdev --getsize64 ${path}`]);
    assert.ok(machine.devices.has(path));
  });

  test('one that is missing is not found and not made', async () => {
    const { driver, request: made } = await world('/dev/disk/by-id/other');
    assert.equal(await driver.find(made), null);
    assert.equal(await driver.dimensions(made), null);
    await assert.rejects(
      driver.create(made, { info: 'x', onPrimary: true, mustBeNew: true }),
      /is not a block device/,
    );
  });

  test('names that change over a restart, and paths that wander, are refused', async () => {
    for (const bad of ['/dev/sda', '/dev/disk/../sda', '/tmp/x']) {
      const { driver, request: made } = await world(bad);
      await assert.rejects(driver.find(made), /is not inside \/dev\/disk\//);
    }
  });

  test('it neither grows nor gets another name', async () => {
    const { driver, request: made } = await world();
    await assert.rejects(driver.grow(made, 1, { dryRun: false, backingStore: true }), /not supported/);
    await assert.rejects(driver.rename(made, ['manual', '/dev/disk/by-id/other']), /not supported/);
  });
});
