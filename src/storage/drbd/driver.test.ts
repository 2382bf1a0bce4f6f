import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createStorageDrivers } from '../catalog.ts';
import { storageContract } from '../contract.suite.ts';
import { createMachines } from '../machine.fixture.ts';
import { mirrorRequests } from '../request.fixture.ts';

const template = 'drbd';
const fresh = { info: 'originstname+inst1.example.com', onPrimary: false, mustBeNew: true };

async function world() {
  const [first, second] = createMachines(2) as [
    ReturnType<typeof createMachines>[number],
    ReturnType<typeof createMachines>[number],
  ];
  const here = await createStorageDrivers(first).mirroring(template);
  const there = await createStorageDrivers(second).mirroring(template);
  const [mine, theirs] = mirrorRequests();
  return { first, second, here, there, mine, theirs };
}

/** A mirror whose first machine is primary, and that has been copied. */
async function readyWorld() {
  const made = await world();
  await made.here.create(made.mine, { ...fresh, onPrimary: true });
  await made.there.create(made.theirs, fresh);
  await made.first.sleep(10_000);
  return made;
}

storageContract(template, async () => {
  const { first, here, mine } = await world();
  return {
    driver: here,
    request: mine,
    snapshot: () => first.snapshot(),
    setFault: (fault) => {
      first.fault = fault;
    },
    turns: () => first.commands.length,
  };
});

describe('making a mirror', () => {
  test('the commands are those of Ganeti, in its order', async () => {
    const { first, here, mine } = await world();
    await here.create(mine, { ...fresh, onPrimary: true });
    const data = '/dev/xenvg/u1.disk0_data';
    const meta = '/dev/xenvg/u1.disk0_meta';
    assert.deepEqual(
      first.commands.filter((command) => !/^(lvs|pvs|vgs|lvcreate|drbdsetup show)/.test(command)),
      [
        `lvchange -ay ${data}`,
        `lvchange -ay ${meta}`,
        `blockdev --getsize ${meta}`,
        `dd if=/dev/zero of=${meta} bs=1048576 count=128 oflag=direct`,
        `drbdmeta --force /dev/drbd0 v08 ${meta} flex-external create-md`,
        'drbdsetup new-resource resource0',
        'drbdsetup new-minor resource0 0 0',
        `drbdmeta /dev/drbd0 v08 ${meta} flex-external apply-al`,
        `drbdsetup attach 0 ${data} ${meta} flexible --on-io-error=detach --size 128m`,
        'drbdsetup disk-options 0 --resync-rate 61440',
        'drbdsetup connect resource0 ipv4:10.0.1.1:11001 ipv4:10.0.1.2:11001 --protocol C --after-sb-0pri discard-zero-changes --after-sb-1pri consensus --cram-hmac-alg md5 --shared-secret <secret>',
        'drbdsetup primary 0 --force',
      ],
    );
  });

  test('the copy runs from the primary until both sides are alike', async () => {
    const { first, here, there, mine, theirs } = await world();
    await here.create(mine, { ...fresh, onPrimary: true });
    await there.create(theirs, fresh);
    const during = await there.find(theirs);
    assert.deepEqual([during?.localDisk, during?.syncPercent, during?.estimatedTime], ['sync', 0, 4]);
    assert.equal(during?.degraded, true);
    await first.sleep(10_000);
    for (const state of [await here.find(mine), await there.find(theirs)]) {
      assert.deepEqual([state?.localDisk, state?.syncPercent, state?.degraded], ['okay', null, false]);
      assert.equal(state?.details.connected, true);
    }
  });

  test('a minor that another disk has is not touched', async () => {
    const { first, here, mine } = await world();
    const [other] = mirrorRequests(128, [0, 0]);
    const children = other.disk.children!.map((child) => ({
      ...child,
      logical_id: ['xenvg', `u9.${String(child.logical_id?.[1]).slice(3)}`],
    }));
    const stranger = { ...other, disk: { ...other.disk, uuid: 'other', children } };
    await here.create(stranger, fresh);
    await assert.rejects(here.create(mine, fresh), /the minor is in use by other volumes/);
    await here.remove(mine);
    assert.equal((await here.find(stranger))?.path, '/dev/drbd0');
    assert.deepEqual([...first.lvm.volumes.keys()], ['xenvg/u9.disk0_data', 'xenvg/u9.disk0_meta']);
  });

  test('the secret is in no message', async () => {
    const { first, here, mine } = await world();
    first.fault = (argv) => (argv[1] === 'connect' ? 'before' : undefined);
    await assert.rejects(here.create(mine, fresh), (error: Error) => {
      assert.doesNotMatch(error.message, /secret-of-the-mirror/);
      assert.match(error.message, /--shared-secret <secret>/);
      return true;
    });
  });

  test('a kernel with another version of DRBD is refused in so many words', async () => {
    const { first, here, mine } = await world();
    first.files.set('/proc/drbd', 'version: 9.1.7 (api:2/proto:110-121)\n');
    await assert.rejects(here.find(mine), /DRBD 9.1.7 is not supported: the kernel module must be 8.4/);
  });
});

describe('who may write', () => {
  test('a second primary is refused outside of a migration', async () => {
    const { there, theirs } = await readyWorld();
    await assert.rejects(there.open(theirs, true), /the other node is primary/);
    await assert.rejects(there.assemble(theirs, true), /the other node is primary/);
  });

  test('a migration: both sides primary, then the other one alone', async () => {
    const { here, there, mine, theirs } = await readyWorld();
    const both = (work: (driver: typeof here, request: typeof mine) => Promise<void>) =>
      Promise.all([work(here, mine), work(there, theirs)]);
    await both((driver, request) => driver.disconnectNet(request));
    assert.equal((await here.find(mine))?.details.connection, 'StandAlone');
    await both((driver, request) => driver.attachNet(request, true));
    await there.open(theirs, false);
    assert.deepEqual((await here.find(mine))?.details.peerRole, 'Primary');
    await here.close(mine);
    await both((driver, request) => driver.disconnectNet(request));
    await both((driver, request) => driver.attachNet(request, false));
    const state = await there.find(theirs);
    assert.deepEqual([state?.details.localRole, state?.details.peerRole], ['Primary', 'Secondary']);
    await assert.rejects(here.open(mine, true), /the other node is primary/);
  });

  test('a side whose copy is not finished may not write alone', async () => {
    const { second, here, there, mine, theirs } = await world();
    await here.create(mine, { ...fresh, onPrimary: true });
    await there.create(theirs, fresh);
    second.drbd.loseConnection();
    await assert.rejects(there.open(theirs, true), /neither side in reach has up to date data/);
  });

  test('a failover after the primary has died', async () => {
    const { second, there, theirs } = await readyWorld();
    second.drbd.loseConnection();
    await there.shutdown(theirs);
    const device = await there.assemble(theirs, true);
    assert.equal(device.path, '/dev/drbd0');
    const state = await there.find(theirs);
    assert.deepEqual(
      [state?.details.localRole, state?.degraded, state?.localDisk],
      ['Primary', true, 'okay'],
    );
  });

  test('a side that was left alone in the middle of a migration takes the other one back', async () => {
    const { second, here, there, mine, theirs } = await readyWorld();
    await Promise.all([here.disconnectNet(mine), there.disconnectNet(theirs)]);
    await Promise.all([here.attachNet(mine, true), there.attachNet(theirs, true)]);
    await there.open(theirs, false);
    second.drbd.loseConnection();
    await here.shutdown(mine);
    await there.assemble(theirs, true);
    second.drbd.restoreConnection();
    await here.assemble(mine, false);
    const state = await there.find(theirs);
    assert.deepEqual(
      [state?.details.localRole, state?.details.peerRole, state?.details.connected],
      ['Primary', 'Secondary', true],
    );
  });

  test('two sides that both write stay allowed to', async () => {
    const { here, there, mine, theirs } = await readyWorld();
    await Promise.all([here.disconnectNet(mine), there.disconnectNet(theirs)]);
    await Promise.all([here.attachNet(mine, true), there.attachNet(theirs, true)]);
    await there.open(theirs, false);
    await there.assemble(theirs, true);
    await here.close(mine);
    await here.open(mine, false);
  });

  test('a split brain is named, with the way out', async () => {
    const { first, second, here, there, mine, theirs } = await readyWorld();
    first.drbd.loseConnection();
    second.drbd.loseConnection();
    await there.open(theirs, true);
    first.drbd.write(0);
    second.drbd.write(0);
    first.drbd.restoreConnection();
    second.drbd.restoreConnection();
    for (const state of [await here.find(mine), await there.find(theirs)]) {
      assert.equal(state?.degraded, true);
      assert.match(
        String(state?.details.trouble),
        /^drbd0 \(disk\/0 of inst1.example.com\): split brain.*gnt-instance replace-disks -s inst1.example.com/,
      );
    }
    const meeting = Promise.all([here.attachNet(mine, true), there.attachNet(theirs, true)]);
    await assert.rejects(meeting, /split brain.*gnt-instance replace-disks -s/);
  });

  test('a side is not waited for that is known to be gone, and is looked for all the same', async () => {
    const { first, here, mine } = await readyWorld();
    await here.disconnectNet(mine);
    first.drbd.loseConnection();
    const signal = AbortSignal.abort();
    await assert.rejects(here.attachNet(mine, false, signal), /nobody waits any more for the other side/);
    assert.equal((await here.find(mine))?.details.trouble, undefined);
  });
});

describe('changing a mirror', () => {
  test('its volumes are exchanged while the guest writes on', async () => {
    const { first, here, mine } = await readyWorld();
    const old = mine.disk.children!.map((child) => ({ ...mine, disk: child }));
    const renamed = mine.disk.children!.map((child) => ({
      ...child,
      logical_id: ['xenvg', `u2.${String(child.logical_id?.[1]).slice(3)}`],
    }));
    const plain = await createStorageDrivers(first).driver('plain');
    const fresh2 = renamed.map((child) => ({ ...mine, disk: child, params: { stripes: 1 } }));
    for (const child of fresh2) await plain.create(child, { ...fresh, onPrimary: true });
    await here.removeChildren(mine, old);
    await here.removeChildren(mine, old);
    assert.equal((await here.find(mine))?.localDisk, 'faulty');
    const changed = { ...mine, disk: { ...mine.disk, children: renamed } };
    await here.addChildren(changed, fresh2);
    await here.addChildren(changed, fresh2);
    for (const child of old) await plain.remove(child);
    assert.equal(first.lvm.volumes.size, 2);
    assert.equal((await here.find(changed))?.path, '/dev/drbd0');
  });

  test('volumes of a side that stands alone are exchanged, and filled by the other', async () => {
    const { first, second, here, there, mine, theirs } = await readyWorld();
    await here.disconnectNet(mine);
    await there.disconnectNet(theirs);
    const children = theirs.disk.children!.map((child) => ({ ...theirs, disk: child }));
    await there.removeChildren(theirs, children);
    assert.equal(await there.find(theirs), null, 'nothing is left that is configured');
    await there.removeChildren(theirs, children);
    const plain = await createStorageDrivers(second).driver('plain');
    for (const child of children) await plain.remove(child);
    for (const child of children) await plain.create(child, { ...fresh, onPrimary: true });
    await there.addChildren(theirs, children);
    await there.addChildren(theirs, children);
    await Promise.all([here.attachNet(mine, false), there.attachNet(theirs, false)]);
    await first.sleep(600_000);
    const state = await there.find(theirs);
    assert.deepEqual([state?.localDisk, state?.details.connected], ['okay', true]);
  });

  test('broken volumes are worked around by way of the other node', async () => {
    const { second, there, theirs } = await readyWorld();
    await there.shutdown(theirs);
    second.fault = (argv) => (argv[0] === 'lvchange' ? 'before' : undefined);
    await there.assemble(theirs, false);
    const state = await there.find(theirs);
    assert.deepEqual([state?.localDisk, state?.details.connected], ['faulty', true]);
  });

  test('the copying can be halted and taken up again, each twice', async () => {
    const { first, here, there, mine, theirs } = await world();
    await here.create(mine, { ...fresh, onPrimary: true });
    await there.create(theirs, fresh);
    await here.pauseResumeSync(mine, true);
    await here.pauseResumeSync(mine, true);
    await first.sleep(10_000);
    assert.equal((await here.find(mine))?.syncPercent, 0);
    await here.pauseResumeSync(mine, false);
    await here.pauseResumeSync(mine, false);
    await first.sleep(10_000);
    assert.equal((await here.find(mine))?.syncPercent, null);
  });

  test('minors in use and the helper are told', async () => {
    const { here } = await readyWorld();
    assert.deepEqual(await here.usedMinors(), [0]);
    assert.deepEqual(await here.minorFacts(), [
      {
        minor: 0,
        isPrimary: true,
        dataDevice: '/dev/xenvg/u1.disk0_data',
        metaDevice: '/dev/xenvg/u1.disk0_meta',
      },
    ]);
    assert.equal(await here.usermodeHelper(), '/bin/true');
    assert.equal(await here.version(), '8.4.11 (api:1/proto:86-101)');
  });
});
