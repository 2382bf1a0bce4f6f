/**
 * What holds for the driver of every template: the promises of contract.ts, above all that a change may be
 * asked again and that `remove` is right wherever `create` has stopped. A driver's test gives it a world.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DiskRequest, StorageDriver } from './contract.ts';
import type { Fault } from './machine.fixture.ts';

export interface StorageWorld {
  readonly driver: StorageDriver;
  /** A disk that isn't there yet. */
  readonly request: DiskRequest;
  /** What there is, for comparison; without what time alone changes. */
  readonly snapshot: () => unknown;
  /** Makes commands fail, where the driver runs commands. */
  readonly setFault?: (fault: (argv: readonly string[], turn: number) => Fault) => void;
  /** Commands that have been run so far. */
  readonly turns?: () => number;
  /** Where the disk could be renamed to. */
  readonly otherId?: NonNullable<DiskRequest['disk']['logical_id']>;
  readonly tearDown?: () => void;
}

const createOptions = { info: 'originstname+inst1.example.com', onPrimary: true, mustBeNew: true };
const mebibyte = 1024 * 1024;
const noFault = () => undefined;

async function inWorld(
  setUp: () => Promise<StorageWorld>,
  check: (world: StorageWorld) => Promise<void>,
): Promise<void> {
  const world = await setUp();
  try {
    await check(world);
  } finally {
    world.tearDown?.();
  }
}

function lifeTests(setUp: () => Promise<StorageWorld>): void {
  test('a disk that was never made is not found, and taking it away changes nothing', () =>
    inWorld(setUp, async ({ driver, request, snapshot }) => {
      const before = snapshot();
      assert.equal(await driver.find(request), null);
      await driver.shutdown(request);
      await driver.remove(request);
      assert.deepEqual(snapshot(), before);
    }));

  test('a disk is made, found, used and taken away without a trace', () =>
    inWorld(setUp, async ({ driver, request, snapshot }) => {
      const before = snapshot();
      await driver.create(request, createOptions);
      const { path } = await driver.assemble(request, true);
      assert.ok(path.startsWith('/'), path);
      const state = await driver.find(request);
      assert.equal(state?.path, path);
      const dimensions = await driver.dimensions(request);
      assert.ok(dimensions!.bytes >= request.disk.size * mebibyte);
      await driver.setInfo(request, 'originstname+inst1.example.com');
      await driver.open(request, true);
      await driver.close(request);
      await driver.shutdown(request);
      await driver.remove(request);
      assert.equal(await driver.find(request), null);
      assert.deepEqual(snapshot(), before);
    }));

  test('every change may be asked twice', () =>
    inWorld(setUp, async ({ driver, request, snapshot }) => {
      const before = snapshot();
      const twice = async (work: () => Promise<unknown>) => {
        await work();
        const once = snapshot();
        await work();
        assert.deepEqual(snapshot(), once);
      };
      await twice(() => driver.create(request, { ...createOptions, mustBeNew: false }));
      await twice(() => driver.assemble(request, true));
      await twice(() => driver.open(request, true));
      await twice(() => driver.close(request));
      await twice(() => driver.shutdown(request));
      await twice(() => driver.remove(request));
      assert.deepEqual(snapshot(), before);
    }));
}

function growthTests(setUp: () => Promise<StorageWorld>): void {
  test('a trial of growing changes nothing; growing twice by one request grows once', () =>
    inWorld(setUp, async ({ driver, request, snapshot }) => {
      if (!driver.about.growable) {
        await assert.rejects(driver.grow(request, 64, { dryRun: false, backingStore: true }));
        return;
      }
      await driver.create(request, createOptions);
      await driver.assemble(request, true);
      const grow = (dryRun: boolean, backingStore: boolean) =>
        driver.grow(request, 64, { dryRun, backingStore });
      const small = snapshot();
      await grow(true, true);
      assert.deepEqual(snapshot(), small);
      await grow(false, true);
      await grow(false, false);
      const large = snapshot();
      assert.notDeepEqual(large, small);
      assert.ok((await driver.dimensions(request))!.bytes >= (request.disk.size + 64) * mebibyte);
      await grow(false, true);
      await grow(false, false);
      assert.deepEqual(snapshot(), large);
    }));
}

function failureTests(setUp: () => Promise<StorageWorld>): void {
  for (const kind of ['before', 'after'] as const) {
    test(`whichever command of making it fails, ${kind} it takes hold, removing leaves nothing`, () =>
      inWorld(setUp, async (world) => {
        const { driver, request, snapshot, setFault, turns } = world;
        if (setFault === undefined || turns === undefined) return;
        const before = snapshot();
        for (let failing = 0; ; failing += 1) {
          const start = turns();
          setFault((_, turn) => (turn - start === failing ? kind : undefined));
          const failed = await driver.create(request, createOptions).then(
            () => false,
            () => true,
          );
          setFault(noFault);
          const reached = turns() - start > failing;
          await driver.remove(request);
          await driver.remove(request);
          assert.deepEqual(snapshot(), before, `after failing command ${failing}`);
          if (!reached) {
            assert.equal(failed, false);
            assert.ok(failing > 0);
            break;
          }
        }
      }));
  }
}

/** Runs the whole contract; call it from the driver's own test file. */
export function storageContract(name: string, setUp: () => Promise<StorageWorld>): void {
  describe(`the contract of storage drivers: ${name}`, () => {
    lifeTests(setUp);
    growthTests(setUp);
    failureTests(setUp);
    test('renaming twice is fine, and the disk is found under its new name', () =>
      inWorld(setUp, async ({ driver, request, otherId, snapshot }) => {
        if (otherId === undefined) {
          await assert.rejects(driver.rename(request, request.disk.logical_id));
          return;
        }
        await driver.create(request, createOptions);
        await driver.rename(request, otherId);
        const renamed = snapshot();
        await driver.rename(request, otherId);
        assert.deepEqual(snapshot(), renamed);
        assert.equal(await driver.find(request), null);
        const elsewhere = { ...request, disk: { ...request.disk, logical_id: otherId } };
        await driver.assemble(elsewhere, true);
        assert.notEqual(await driver.find(elsewhere), null);
      }));
  });
}
