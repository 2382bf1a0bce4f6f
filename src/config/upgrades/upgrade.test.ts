/** Every config.data that Ganeti's own tests have, read, checked, and written for older versions. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Configuration, parseConfiguration, serialiseConfiguration } from '../../model/configuration.ts';
import { verifyConfiguration } from '../rules.ts';
import { sampleConfiguration } from '../sample.ts';
import { type DowngradeTarget, downgradeConfiguration, downgradeTargets } from './downgrade.ts';
import type { Raw } from './raw.ts';
import { upgradeConfiguration } from './upgrade.ts';

const folder = join(import.meta.dirname, 'testdata');
const files = readdirSync(folder).filter((name) => /^cluster_config_.*\.json$/.test(name));
const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Raw;
const upgraded = (name: string) => parseConfiguration(upgradeConfiguration(read(name)).data);
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const written = (configuration: Configuration) => plain(serialiseConfiguration(configuration)) as Raw;

test('there is a file of each version from 2.7 to 3.1', () => {
  assert.equal(files.length, 12);
});

for (const name of files) {
  test(`${name} becomes a configuration that keeps every rule`, () => {
    const configuration = upgraded(name);
    assert.deepEqual(verifyConfiguration(configuration), []);
    assert.deepEqual(
      [configuration.instances.size, configuration.nodes.size, configuration.disks.size],
      [3, 3, 3],
    );
    assert.equal(configuration.nodes.get(configuration.cluster.master_node)?.name, 'node1.example.com');
    const mirrored = configuration.instances.byName('instance1.example.com')!;
    const disk = configuration.disks.get(mirrored.disks[0]!)!;
    assert.deepEqual(
      new Set(disk.nodes.map((uuid) => configuration.nodes.get(uuid)?.name)),
      new Set(['node1.example.com', 'node3.example.com']),
    );
    assert.deepEqual(disk.logical_id?.slice(2), [32100, 0, 0, 'd3c3fd475fcbaf5fd177fb245ac43b71247ada38']);
    assert.equal(disk.iv_name, 'disk/0');
    assert.deepEqual(
      disk.children?.map((child) => child.dev_type),
      ['plain', 'plain'],
    );
    assert.equal(configuration.networks.size, 1);
    assert.ok(configuration.cluster.enabled_disk_templates.includes('drbd'));
  });

  test(`${name} read twice gives the same, and what is written is read as it is`, () => {
    const first = written(upgraded(name));
    assert.deepEqual(written(upgraded(name)), first);
    const again = upgradeConfiguration(structuredClone(first));
    assert.equal(again.from, undefined);
    assert.deepEqual(again.notes, []);
    assert.deepEqual(written(parseConfiguration(again.data)), first);
  });
}

test('a policy of one range becomes one of a list, and what a group lacks comes from the cluster', () => {
  const { cluster } = upgraded('cluster_config_2.7.json');
  assert.equal(cluster.ipolicy.minmax.length, 1);
  const [range] = cluster.ipolicy.minmax;
  assert.deepEqual(Object.keys(range!).sort(), ['max', 'min']);
  assert.equal(range!.max['memory-size'], 32768);
});

test('parameters that have gone are left out and told', () => {
  const { data, notes } = upgradeConfiguration(read('cluster_config_3.1.json'));
  assert.ok(notes.some((note) => note.includes('xen-pvm') && note.includes('xen_cmd')));
  assert.equal(JSON.stringify(data).includes('xen_cmd'), false);
});

test("versions that can't be read are refused with their number", () => {
  for (const version of [2_060_000, 3_030_000, 9, undefined, 'x']) {
    assert.throws(() => upgradeConfiguration({ version, cluster: {} }), { name: 'ConfigVersionMismatch' });
  }
  assert.throws(() => upgradeConfiguration([]), { name: 'ConfigurationError' });
});

test('3.2 is read as it is', () => {
  const { data, from } = upgradeConfiguration({ ...read('cluster_config_3.1.json'), version: 3_020_000 });
  assert.equal(from, 3_020_000);
  assert.deepEqual(verifyConfiguration(parseConfiguration(data)), []);
});

test('down and up again is the same configuration', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...files.map((name) => upgraded(name)), sampleConfiguration()),
      fc.constantFrom<DowngradeTarget>(...downgradeTargets),
      fc.array(fc.string({ minLength: 1, maxLength: 8 }), { maxLength: 3 }),
      (configuration, target, tags) => {
        const start = upgradeConfiguration(
          written({ ...configuration, cluster: { ...configuration.cluster, tags } }),
        );
        const before = written(parseConfiguration(start.data));
        const down = downgradeConfiguration(before, target);
        assert.equal(down.version, target);
        assert.deepEqual(written(parseConfiguration(upgradeConfiguration(down).data)), before);
      },
    ),
    { numRuns: 40 },
  );
});

test("what an older version can't understand is named, and nothing is written", () => {
  const configuration = sampleConfiguration();
  const [instance] = [...configuration.instances];
  const nics = [{ ...instance!.nics[0]!, nicparams: { mode: 'ext' } }];
  const data = written({ ...configuration, instances: configuration.instances.with({ ...instance!, nics }) });
  assert.throws(() => downgradeConfiguration(data, 3_000_000), {
    name: 'OpPrereqError',
    message: `Ganeti 3.0 does not know NIC mode ext of instance ${instance!.name}; change that first`,
  });
});
