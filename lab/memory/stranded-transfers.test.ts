/**
 * A node is cut off in the middle of an export, a move or the addition of a node: what is left of transfers, snapshots,
 * keys and switches goes when it answers again, but for what is somebody's by then.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { backupExport } from '../../src/operations/backup/export.ts';
import { backupPrepare } from '../../src/operations/backup/prepare.ts';
import { instanceMove } from '../../src/operations/instance/move.ts';
import { instanceStartup } from '../../src/operations/instance/startup.ts';
import { nodeAdd } from '../../src/operations/node/add.ts';
import { joiningKey } from '../../src/operations/node/joining.ts';
import { createMemoryCluster, type MemoryOptions, memoryInstance, nodeName } from './cluster.ts';
import { CutOff } from './cut-off.ts';
import { web1 } from './web1.ts';

const running = { instances: [memoryInstance(web1.instance_name)] };
const plain = { instances: [memoryInstance(web1.instance_name, { mirrored: false })] };
const toNode3 = { ...web1, target_node: nodeName(3) };

const folder = mkdtempSync(join(tmpdir(), 'gantry-stranded-'));
const clusterDomainSecret = join(folder, 'secret');
writeFileSync(clusterDomainSecret, 'the secret of both clusters\n');
after(() => rmSync(folder, { recursive: true }));

const cutOff = (options: MemoryOptions) => {
  const cluster = createMemoryCluster(options);
  const paths = { ...cluster.world.paths, clusterDomainSecret };
  return new CutOff({ ...cluster, world: { ...cluster.world, paths } });
};

/** A guest that was stopped for the job, and isn't started again by it, is what the watcher starts: no rule does. */
const asWatcherDoes = async (cut: CutOff) => {
  if (!cut.machine(1).guests.has(web1.instance_name)) await cut.run(instanceStartup, web1);
};

describe('an export', () => {
  for (const [call, number, steps] of [
    ['export_begin', 3, ['begin-export']],
    ['import_start', 3, ['begin-export', 'start-import']],
    ['finalize_export', 3, ['begin-export', 'finalize-export']],
    ['blockdev_snapshot', 1, ['stop-instance', 'take-snapshot']],
    ['export_start', 1, ['start-export', 'take-snapshot']],
  ] as const) {
    test(`whose node is cut off at ${call} is taken back when it answers, the one before stays`, async () => {
      const cut = cutOff(running);
      await cut.run(backupExport, toNode3);
      const before = await cut.strand(backupExport, toNode3, cut.atCall(cut.machine(number), call));
      for (const step of steps) assert.ok(cut.stranded().includes(step), `${step} is not stranded`);
      await cut.comeBack();
      await asWatcherDoes(cut);
      assert.deepEqual(cut.cluster.snapshot(), before);
    });
  }

  test('that was made again meanwhile is not touched', async () => {
    const cut = cutOff(running);
    await cut.strand(backupExport, toNode3, cut.atCall(cut.machine(3), 'finalize_export'));
    cut.machine(3).reachable = true;
    await cut.run(backupExport, toNode3);
    const made = cut.cluster.snapshot();
    assert.deepEqual([...cut.machine(3).transfers.exports.keys()], [web1.instance_name]);
    await cut.round();
    assert.deepEqual(cut.steps.list(), []);
    assert.deepEqual(cut.cluster.snapshot(), made);
  });

  test('leaves the volume of a snapshot to the instance that has it by then', async () => {
    const cut = cutOff(running);
    await cut.strand(backupExport, toNode3, cut.atCall(cut.machine(1), 'blockdev_snapshot'));
    const entry = cut.ledger.stranded().find(({ step }) => step === 'take-snapshot')!;
    const { disk } = (entry.input as { snapshot: { disk: { logical_id: [string, string] } } }).snapshot;
    const taker = memoryInstance('taker1.memory.example', { mirrored: false, state: 'down' });
    await cut.cluster.world.config.change('taken', (draft) => {
      draft.put('disks', { ...taker.disks[0]!, logical_id: disk.logical_id });
      draft.put('instances', { ...taker.instance, nics: [] });
    });
    await cut.comeBack();
    assert.ok(cut.machine(1).volumes.has(JSON.stringify(disk.logical_id)));
  });

  test('to another cluster that was never prepared keeps no key', async () => {
    const cut = cutOff(running);
    const remote = { ...web1, mode: 'remote' };
    const before = await cut.strand(backupPrepare, remote, cut.atCall(cut.machine(1), 'x509_cert_create'));
    assert.deepEqual(cut.stranded(), ['create-key']);
    assert.equal(cut.machine(1).transfers.keys.size, 1);
    await cut.comeBack();
    assert.deepEqual(cut.cluster.snapshot(), before);
  });
});

describe('a move', () => {
  for (const [call, number, step] of [
    ['import_start', 3, 'start-import'],
    ['export_start', 1, 'start-export'],
  ] as const) {
    test(`whose node is cut off at ${call} is taken back when it answers`, async () => {
      const cut = cutOff(plain);
      const before = await cut.strand(instanceMove, toNode3, cut.atCall(cut.machine(number), call));
      assert.ok(cut.stranded().includes(step));
      await cut.comeBack();
      await asWatcherDoes(cut);
      assert.deepEqual(cut.cluster.snapshot(), before);
    });
  }
});

describe('the switch of a node that was cut off when it joined', () => {
  const joining = { name: 'localhost', ip: '127.0.0.1' };
  const key = joiningKey(joining.name, joining.ip);
  const ndparams = { ovs: true, ovs_link: 'eth1' };
  const request = { node_name: joining.name, secondary_ip: '192.0.3.9' };
  const stranded = async () => {
    const cut = cutOff({ joining });
    const machine = cut.cluster.nodes.machine(key);
    machine.switches.set('switch1', new Set(['tap0']));
    const world = cut.atCall(machine, 'node_configure_ovs');
    const before = await cut.strand(nodeAdd, { ...request, ndparams }, world);
    assert.ok(cut.stranded().includes('configure-switch'));
    return { cut, before, ports: () => [...machine.switches.get('switch1')!] };
  };
  /** It joins in another way meanwhile, before anything is tried again. */
  const join = async (cut: CutOff, settings: object) => {
    const machine = cut.cluster.nodes.machine(key);
    machine.reachable = true;
    machine.member = true;
    await cut.run(nodeAdd, { ...request, ...settings });
    await cut.round();
    assert.deepEqual(cut.steps.list(), []);
    assert.equal(machine.member, true, 'who has joined is not thrown out');
  };

  test('loses what came to it, and keeps what was there', async () => {
    const { cut, before, ports } = await stranded();
    assert.deepEqual(ports(), ['tap0', 'eth1']);
    await cut.comeBack();
    assert.deepEqual(ports(), ['tap0']);
    assert.deepEqual(cut.cluster.snapshot(), before);
  });

  test('stays when the node has joined by then, and its parameters ask for it', async () => {
    const { cut, ports } = await stranded();
    await join(cut, { ndparams });
    assert.deepEqual(ports(), ['tap0', 'eth1']);
  });

  test('loses it when the node has joined by then without one', async () => {
    const { cut, ports } = await stranded();
    await join(cut, {});
    assert.deepEqual(ports(), ['tap0']);
  });
});
