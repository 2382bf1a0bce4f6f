/**
 * What every hypervisor driver must do, whichever it is. A driver's test file calls this with a world in
 * which guests can run; drivers that need rights or hardware run it in the lab.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Guest, HypervisorAbout, HypervisorDriver } from './contract.ts';
import { parameterFault } from './parameters.ts';

export interface DriverWorld {
  readonly driver: HypervisorDriver;
  readonly guest: Guest;
  /** A second node that can take the guest over, where guests can move. */
  readonly other?: HypervisorDriver;
  /** Address of the second node. */
  readonly address?: string;
  close(): Promise<void>;
}

async function within(open: () => Promise<DriverWorld>, work: (world: DriverWorld) => Promise<void>) {
  const world = await open();
  try {
    await work(world);
  } finally {
    await world.close();
  }
}

const names = async (driver: HypervisorDriver, guest: Guest) =>
  (await driver.list(guest.hvparams)).map((running) => running.name);

async function completed(driver: HypervisorDriver, guest: Guest): Promise<void> {
  for (;;) {
    const progress = await driver.migrationStatus(guest);
    if (progress.status === 'completed') return;
    assert.ok(['active', 'postcopy'].includes(progress.status), progress.message ?? progress.status);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export function aboutSuite(about: HypervisorAbout): void {
  describe(`${about.name}: its data`, () => {
    it('has defaults of the right type', () => {
      for (const [name, { type, default: value }] of Object.entries(about.params)) {
        const fits =
          type === 'bool'
            ? typeof value === 'boolean'
            : type === 'int' || type === 'size' || type === 'float'
              ? typeof value === 'number'
              : typeof value === 'string' || (type === 'maybe-string' && value === null);
        assert.ok(fits, `${name} has the default ${JSON.stringify(value)}`);
      }
    });
    it('explains every parameter', () => {
      for (const [name, { doc }] of Object.entries(about.params)) assert.ok(doc, name);
    });
    it('accepts its own defaults', () => {
      const defaults = Object.fromEntries(Object.entries(about.params).map(([n, d]) => [n, d.default]));
      assert.equal(parameterFault(about, defaults), undefined);
    });
    it('refuses a parameter it does not have', () => {
      const fault = parameterFault(about, { nonsense: 1 });
      assert.equal(fault, "Parameter 'nonsense' is not supported");
    });
  });
}

export function driverSuite(
  about: HypervisorAbout,
  open: () => Promise<DriverWorld>,
  /** What can't be tried: this machine lacks it, or the hypervisor does. */
  can: { readonly migration?: boolean; readonly verify?: boolean; readonly reboot?: boolean } = {},
): void {
  describe(`${about.name}: the driver`, () => {
    it('says what hinders it, or nothing', { skip: can.verify === false }, () =>
      within(open, async ({ driver, guest }) => {
        assert.equal(await driver.verify(guest.hvparams), undefined);
      }),
    );

    it('starts a guest, and starting it again changes nothing', () =>
      within(open, async ({ driver, guest }) => {
        assert.equal(await driver.info(guest.name, guest.hvparams), null);
        await driver.start(guest, { paused: false });
        const first = await driver.info(guest.name, guest.hvparams);
        assert.equal(first?.name, guest.name);
        if (about.ballooning) assert.equal(first?.vcpus, guest.beparams.vcpus);
        assert.equal(first?.state, 'running');
        await driver.start(guest, { paused: false });
        assert.deepEqual(await names(driver, guest), [guest.name]);
      }));

    it('stops a guest, and stopping it again is fine', () =>
      within(open, async ({ driver, guest }) => {
        await driver.start(guest, { paused: false });
        await driver.stop(guest, 0);
        await driver.cleanUp(guest);
        assert.equal(await driver.info(guest.name, guest.hvparams), null);
        assert.deepEqual(await names(driver, guest), []);
        await driver.stop(guest, 0);
        await driver.cleanUp(guest);
      }));

    it('starts a guest again that was stopped', () =>
      within(open, async ({ driver, guest }) => {
        await driver.start(guest, { paused: false });
        await driver.stop(guest, 0);
        await driver.cleanUp(guest);
        await driver.start(guest, { paused: false });
        assert.deepEqual(await names(driver, guest), [guest.name]);
      }));

    it('reboots a running guest', { skip: can.reboot === false }, () =>
      within(open, async ({ driver, guest }) => {
        await driver.start(guest, { paused: false });
        await driver.reboot(guest);
        assert.equal((await driver.info(guest.name, guest.hvparams))?.state, 'running');
      }),
    );

    it('knows its host', () =>
      within(open, async ({ driver, guest }) => {
        const facts = await driver.hostFacts(guest.hvparams);
        assert.ok(facts.memoryTotal > 0 && facts.cpuTotal > 0);
        assert.ok(facts.memoryFree <= facts.memoryTotal);
      }));

    it('refuses names that lead out of its folder', () =>
      within(open, async ({ driver, guest }) => {
        for (const name of ['../x', 'a/b', '', '.', '-rf']) {
          await assert.rejects(async () => driver.start({ ...guest, name }, { paused: false }));
        }
      }));

    if (about.ballooning) ballooning(open);
    if (!about.migration) refusals(open);
    else if (can.migration !== false) migration(open);
  });
}

function ballooning(open: () => Promise<DriverWorld>): void {
  it('changes the memory of a running guest', () =>
    within(open, async ({ driver, guest }) => {
      await driver.start(guest, { paused: false });
      const wanted = Number(guest.beparams.minmem);
      await driver.balloon(guest, wanted);
      await assert.doesNotReject(driver.info(guest.name, guest.hvparams));
    }));
}

function migration(open: () => Promise<DriverWorld>): void {
  it('moves a running guest to another node', () =>
    within(open, async ({ driver, guest, other, address }) => {
      assert.ok(other !== undefined && address !== undefined);
      await driver.start(guest, { paused: false });
      await driver.migratable(guest);
      const info = await driver.migrationInfo(guest);
      await other.accept(guest, info, address);
      await driver.migrate(guest, address, true);
      await completed(driver, guest);
      await driver.finalizeSource(guest, true, true);
      await other.finalizeTarget(guest, info, true);
      assert.equal(await driver.info(guest.name, guest.hvparams), null);
      assert.equal((await other.info(guest.name, guest.hvparams))?.state, 'running');
    }));

  it('keeps the guest where it was when the move is called off', () =>
    within(open, async ({ driver, guest, other, address }) => {
      assert.ok(other !== undefined && address !== undefined);
      await driver.start(guest, { paused: false });
      const info = await driver.migrationInfo(guest);
      await other.accept(guest, info, address);
      await driver.cancelMigration(guest);
      await other.finalizeTarget(guest, info, false);
      await driver.finalizeSource(guest, false, true);
      assert.equal((await driver.info(guest.name, guest.hvparams))?.state, 'running');
      assert.equal(await other.info(guest.name, guest.hvparams), null);
    }));

  it('refuses to move a guest that does not run', () =>
    within(open, async ({ driver, guest }) => {
      await assert.rejects(driver.migratable(guest), { message: `Instance ${guest.name} is not running` });
    }));
}

function refusals(open: () => Promise<DriverWorld>): void {
  it('says that it moves no guests', () =>
    within(open, async ({ driver, guest }) => {
      await assert.rejects(driver.migrate(guest, '127.0.0.1', true), /not supported/i);
    }));
}
