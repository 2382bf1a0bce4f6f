import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createStorageDrivers } from '../catalog.ts';
import { storageContract } from '../contract.suite.ts';
import { createMachines } from '../machine.fixture.ts';
import { disk, request } from '../request.fixture.ts';

async function world(more: Parameters<typeof request>[1] = {}, id = ['xenvg', 'u1.disk0']) {
  const [machine] = createMachines(1);
  const driver = await createStorageDrivers(machine!).driver('plain');
  return { machine: machine!, driver, request: request(disk('plain', id), more) };
}
const fresh = { info: 'originstname+inst1.example.com', onPrimary: true, mustBeNew: true };

storageContract('plain', async () => {
  const { machine, driver, request: made } = await world();
  return {
    driver,
    request: made,
    snapshot: () => machine.snapshot(),
    setFault: (fault) => {
      machine.fault = fault;
    },
    turns: () => machine.commands.length,
    otherId: ['xenvg', 'u2.disk0'],
  };
});

describe('logical volumes', () => {
  test('the command lines are those of Ganeti, the tag in the first of them', async () => {
    const { machine, driver, request: made } = await world();
    await driver.create(made, fresh);
    await driver.assemble(made, true);
    await driver.grow(made, 32, { dryRun: true, backingStore: true });
    await driver.grow(made, 32, { dryRun: false, backingStore: true });
    await driver.remove(made);
    assert.deepEqual(
      machine.commands.filter((command) => !/^(lvs|pvs|vgs)/.test(command)),
      [
        'lvcreate -Wn -L128m -nu1.disk0 --addtag originstname+inst1.example.com -i1 xenvg /dev/sdb /dev/sdc',
        'lvchange -ay /dev/xenvg/u1.disk0',
        'lvextend -L +32768k --test --alloc contiguous /dev/xenvg/u1.disk0',
        'lvextend -L +32768k --alloc contiguous /dev/xenvg/u1.disk0',
        'lvremove -f xenvg/u1.disk0',
      ],
    );
  });

  test('a volume that is not ours is never taken over', async () => {
    const { machine, driver, request: made } = await world();
    await machine.run(['lvcreate', '-Wn', '-L128m', '-nu1.disk0', 'xenvg']);
    const before = machine.snapshot();
    await assert.rejects(driver.create(made, fresh), /exists already/);
    assert.deepEqual(machine.snapshot(), before);
  });

  test('what an earlier try of the same request has made is taken as made', async () => {
    const { machine, driver, request: made } = await world();
    machine.fault = (argv) => (argv[0] === 'lvcreate' ? 'after' : undefined);
    await assert.rejects(driver.create(made, fresh), /made to fail/);
    machine.fault = () => undefined;
    await driver.create(made, fresh);
    assert.equal(machine.lvm.volumes.size, 1);
  });

  test('a volume that is too small is not used', async () => {
    const { machine, driver, request: made } = await world();
    await machine.run(['lvcreate', '-Wn', '-L64m', '-nu1.disk0', 'xenvg']);
    await assert.rejects(driver.create(made, { ...fresh, mustBeNew: false }), /128 MiB are wanted/);
  });

  test('as many stripes as there are physical volumes, fewer when the free space is spread badly', async () => {
    const { machine, driver, request: made } = await world({ params: { stripes: 3 } });
    await machine.run(['lvcreate', '-Wn', '-L4064m', '-nother', 'xenvg', '/dev/sdb']);
    await driver.create(made, fresh);
    const tries = machine.commands.filter(
      (command) => command.startsWith('lvcreate') && command.includes('u1.disk0'),
    );
    assert.deepEqual(
      tries.map((command) => /-i\d/.exec(command)?.[0]),
      ['-i2', '-i1'],
    );
  });

  test('no room is said before anything is made', async () => {
    const { driver } = await world();
    const huge = request(disk('plain', ['xenvg', 'u1.disk0'], 9000));
    await assert.rejects(driver.create(huge, fresh), /Not enough free space: required 9000, available 8192/);
  });

  test('exclusive storage gives whole physical volumes', async () => {
    const { machine, driver } = await world();
    const exclusive = (spindles: number | null, name: string) =>
      request(disk('plain', ['xenvg', name], 1024, { spindles }), { exclusiveStorage: true });
    await driver.create(exclusive(1, 'u1.disk0'), fresh);
    assert.match(machine.commands.at(-1)!, /-i1 xenvg \/dev\/sdb$/);
    await assert.rejects(
      driver.create(exclusive(2, 'u2.disk0'), fresh),
      /Not enough empty PVs.*1 available, 2 needed/,
    );
    await assert.rejects(driver.create(exclusive(null, 'u3.disk0'), fresh), /Unspecified number of spindles/);
    assert.deepEqual(await driver.dimensions(exclusive(1, 'u1.disk0')), {
      bytes: 1024 * 1024 * 1024,
      spindles: 1,
    });
  });

  test('removing waits a little for those who still have it open', async () => {
    const { machine, driver, request: made } = await world();
    await driver.create(made, fresh);
    machine.lvm.at('/dev/xenvg/u1.disk0')!.openedBy = 'udev';
    const host = machine as { sleep: (milliseconds: number) => Promise<void> };
    host.sleep = async () => {
      delete machine.lvm.at('/dev/xenvg/u1.disk0')!.openedBy;
    };
    await driver.remove(made);
    assert.equal(machine.lvm.volumes.size, 0);
  });

  test('a snapshot replaces an older one of its name', async () => {
    const { machine, driver, request: made } = await world();
    await driver.create(made, fresh);
    assert.deepEqual(await driver.snapshot(made, 'u1.snap', null), ['xenvg', 'u1.snap']);
    assert.deepEqual(await driver.snapshot(made, 'u1.snap', 64), ['xenvg', 'u1.snap']);
    assert.equal(machine.lvm.volumes.get('xenvg/u1.snap')?.sizeMiB, 64);
  });

  test('new information takes the place of the old tags', async () => {
    const { machine, driver, request: made } = await world();
    await driver.create(made, fresh);
    await driver.setInfo(made, 'originstname+new name');
    assert.deepEqual([...machine.lvm.volumes.get('xenvg/u1.disk0')!.tags], ['originstname+new_name']);
  });

  for (const name of ['../etc', 'a/b', '-rf', 'snapshot', 'x_mimage_0', '']) {
    test(`"${name}" is no name for a volume`, async () => {
      const { machine, driver, request: made } = await world({}, ['xenvg', name]);
      await assert.rejects(driver.remove(made), /Invalid LVM name/);
      assert.deepEqual(machine.commands, []);
    });
  }
});
