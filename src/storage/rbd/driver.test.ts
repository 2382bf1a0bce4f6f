import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createStorageDrivers } from '../catalog.ts';
import { storageContract } from '../contract.suite.ts';
import { createMachines } from '../machine.fixture.ts';
import { disk, request } from '../request.fixture.ts';
import { mappedInJson, mappedInTable } from './mapped.ts';

const template = 'rbd';

/** A pool in memory that answers as the `rbd` program does. */
function createPool() {
  const images = new Map<string, { sizeMiB: number; device?: string }>();
  const none = { code: 2, stdout: '', stderr: 'rbd: error opening image: (2) No such file or directory\n' };
  const said = (stdout = '') => ({ code: 0, stdout, stderr: '' });
  const run = ([, verb, ...words]: readonly string[]) => {
    const at = words.indexOf('-p');
    const name = words[at + 2] ?? '';
    const image = images.get(name);
    const size = Number(words[words.indexOf('--size') + 1]);
    if (verb === 'showmapped') {
      const rows = [...images].filter(([, { device }]) => device !== undefined);
      return said(JSON.stringify(rows.map(([key, { device }]) => ({ pool: 'rbd', name: key, device }))));
    }
    if (verb === 'unmap') {
      for (const one of images.values()) if (one.device === words[0]) delete one.device;
      return said();
    }
    if (verb === 'create') {
      images.set(name, { sizeMiB: size });
      return said();
    }
    if (image === undefined) return none;
    if (verb === 'info') return said(JSON.stringify({ name, size: image.sizeMiB * 1024 * 1024 }));
    if (verb === 'map') image.device = '/dev/rbd7';
    if (verb === 'resize') image.sizeMiB = size;
    if (verb === 'rm') images.delete(name);
    if (verb === 'rename') {
      images.delete(name);
      images.set(words.at(-1)!, image);
    }
    return said();
  };
  return { images, run };
}

async function world(params: Record<string, string> = {}) {
  const [machine] = createMachines(1);
  const pool = createPool();
  machine!.programs.set('rbd', pool.run);
  machine!.devices.set('/dev/rbd7', 0);
  const driver = await createStorageDrivers(machine!).driver(template);
  const made = request(disk(template, ['rbd', 'u1.rbd.disk0']));
  return { machine: machine!, pool, driver, request: { ...made, params: { ...made.params, ...params } } };
}
const fresh = { info: 'x', onPrimary: true, mustBeNew: true };

storageContract(template, async () => {
  const { machine, pool, driver, request: made } = await world();
  return {
    driver,
    request: made,
    snapshot: () => structuredClone([...pool.images]),
    setFault: (fault) => {
      machine.fault = fault;
    },
    turns: () => machine.commands.length,
    otherId: ['rbd', 'u2.rbd.disk0'],
  };
});

describe('RBD images', () => {
  test('the commands are those of Ganeti', async () => {
    const { machine, driver, request: made } = await world();
    await driver.create(made, fresh);
    await driver.assemble(made, true);
    await driver.grow(made, 64, { dryRun: false, backingStore: true });
    await driver.remove(made);
    assert.deepEqual(
      machine.commands.filter((command) => !/ (info|showmapped) /.test(command)),
      [
        'rbd create -p rbd u1.rbd.disk0 --size 128',
        'rbd map -p rbd u1.rbd.disk0',
        'rbd resize -p rbd u1.rbd.disk0 --size 192',
        'rbd unmap /dev/rbd7',
        'rbd rm -p rbd u1.rbd.disk0',
      ],
    );
  });

  test('a user and userspace access stand in commands and URI', async () => {
    const { machine, driver, request: made } = await world({ access: 'userspace', 'user-id': 'gnt' });
    await driver.create(made, fresh);
    const device = await driver.assemble(made, true);
    assert.deepEqual(device, { path: '/dev/rbd7', uri: 'rbd:rbd/u1.rbd.disk0:id=gnt' });
    assert.ok(machine.commands.every((command) => command.endsWith(' --id gnt')));
  });

  test('a cluster that does not answer is no empty pool', async () => {
    const { machine, driver, request: made } = await world();
    machine.programs.set('rbd', () => ({ code: 110, stdout: '', stderr: 'Connection timed out' }));
    await assert.rejects(driver.remove(made), /Can't look at the image/);
  });

  test('names that could be options or paths are refused', async () => {
    const { driver, request: made } = await world({ pool: '--help' });
    await assert.rejects(driver.remove(made), /is not a name for an RBD pool/);
  });
});

describe('rbd showmapped', () => {
  const sample = (name: string) => readFileSync(join(import.meta.dirname, 'samples', name), 'utf8');
  const image = { pool: 'rbd', name: 'd7ab910a-4933-4ffe-88d0-faf2ce31390a.rbd.disk0' };

  test('the device of the image, in both formats', () => {
    assert.equal(mappedInJson(sample('json_output_ok.txt'), image), '/dev/rbd3');
    assert.equal(mappedInTable(sample('plain_output_new_ok.txt'), image), '/dev/rbd3');
  });

  test('none when it is not mapped', () => {
    assert.equal(mappedInJson(sample('json_output_no_matches.txt'), image), undefined);
    assert.equal(mappedInJson(sample('json_output_empty.txt'), image), undefined);
    assert.equal(mappedInTable(sample('plain_output_new_no_matches.txt'), image), undefined);
    assert.equal(mappedInTable(sample('plain_output_new_empty.txt'), image), undefined);
  });

  test('twice is an error, and so is text of another shape', () => {
    assert.throws(
      () => mappedInJson(sample('json_output_extra_matches.txt'), image),
      /mapped more than once/,
    );
    assert.throws(
      () => mappedInTable(sample('plain_output_new_extra_matches.txt'), image),
      /mapped more than once/,
    );
    assert.throws(() => mappedInJson(sample('output_invalid.txt'), image), /Unable to parse JSON/);
    assert.throws(() => mappedInTable(sample('output_invalid.txt'), image), /expected 5 fields/);
  });
});
