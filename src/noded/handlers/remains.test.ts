import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeCall } from '../../noderpc/call.ts';
import { type MinorFacts, minorDown, minorFacts, remainsRemove } from '../../noderpc/calls/remains.ts';
import { createStorageDrivers } from '../../storage/catalog.ts';
import { createMachines } from '../../storage/machine.fixture.ts';
import { mirrorRequests } from '../../storage/request.fixture.ts';
import type { NodeContext } from '../context.ts';
import { remainsHandlers } from './remains.ts';

const mark = 'originstname+inst1.example.com';

function node() {
  const [machine] = createMachines(2);
  const storage = createStorageDrivers(machine!);
  const handlers = remainsHandlers({ host: machine!, storage } as unknown as NodeContext);
  const call = async <A, R>(definition: NodeCall<A, R>, argument: unknown): Promise<R> => {
    const handler = handlers.find((each) => each.call.name === definition.name)!;
    const context = { peer: 'test', signal: new AbortController().signal };
    return definition.result.parse(
      await handler.handle(definition.argument.parse(argument) as never, context),
    );
  };
  return { machine: machine!, storage, call };
}

test('a marked volume goes, once or twice; with another mark, or open, it stays', async () => {
  const { machine, call } = node();
  await machine.run(['lvcreate', '-Wn', '-L64m', '-nu1.disk0', '--addtag', mark, 'xenvg']);
  const volume = { vg: 'xenvg', name: 'u1.disk0', mark };
  await assert.rejects(
    call(remainsRemove, { ...volume, mark: 'originstname+other' }),
    /has another mark by now$/,
  );
  machine.lvm.at('/dev/xenvg/u1.disk0')!.openedBy = 'somebody';
  await assert.rejects(call(remainsRemove, volume), /in use$/);
  assert.equal(machine.lvm.volumes.size, 1);
  delete machine.lvm.at('/dev/xenvg/u1.disk0')!.openedBy;
  await call(remainsRemove, volume);
  assert.equal(machine.lvm.volumes.size, 0);
  await call(remainsRemove, volume);
  await assert.rejects(call(remainsRemove, { ...volume, name: '-all' }), /Invalid LVM name '-all'$/);
});

test('a mirror goes down while it is secondary and what it was, and its volumes stay', async () => {
  const { machine, storage, call } = node();
  const driver = await storage.mirroring(storage.mirroringTemplate);
  const [mine] = mirrorRequests();
  await driver.create(mine, { info: mark, onPrimary: true, mustBeNew: true });
  const [primary] = await call(minorFacts, {});
  await assert.rejects(call(minorDown, primary), /is not what it was$/);
  await driver.close(mine);
  const [secondary] = await call(minorFacts, {});
  assert.deepEqual([primary?.isPrimary, secondary?.isPrimary], [true, false]);
  await assert.rejects(
    call(minorDown, { ...secondary, dataDevice: '/dev/xenvg/other' } satisfies Partial<MinorFacts>),
    /DRBD minor 0 is not what it was$/,
  );
  await call(minorDown, secondary);
  assert.deepEqual(await call(minorFacts, {}), []);
  await call(minorDown, secondary);
  assert.equal(machine.lvm.volumes.size, 2);
});
