/** What gnt-cluster repair removes, what it leaves and why, and that half of it can be taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterRepair } from '../../src/operations/cluster/repair.ts';
import { networkAdd } from '../../src/operations/network/add.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { createMemoryCluster, type MemoryCluster, memoryInstance, nodeName, nodeUuid } from './cluster.ts';
import { runOperation, runSeen } from './run.ts';

const web1 = memoryInstance('web1.memory.example');
const id = (name: string, vg = 'xenvg') => JSON.stringify([vg, name]);
const mark = 'originstname+gone.memory.example';

function volume(cluster: MemoryCluster, name: string, options: { mark?: string; open?: boolean } = {}): void {
  const machine = cluster.nodes.machine(nodeUuid(3));
  machine.volumes.set(id(name), 512);
  if (options.mark !== undefined) machine.info.set(id(name), options.mark);
  if (options.open) machine.open.add(id(name));
}

function ghost(cluster: MemoryCluster, minor: number, name: string | null, isPrimary = false): void {
  const path = (part: string) => (name === null ? null : `/dev/xenvg/${name}_${part}`);
  const facts = { minor, isPrimary, dataDevice: path('data'), metaDevice: path('meta') };
  cluster.nodes.machine(nodeUuid(3)).ghosts.set(minor, facts);
}

/** A cluster with everything that can be left over. */
async function littered(): Promise<MemoryCluster> {
  const cluster = createMemoryCluster({ instances: [web1], cluster: { reserved_lvs: ['xenvg/root.*'] } });
  await runOperation(cluster, networkAdd, { network_name: 'net1', network: '10.88.0.0/29' });
  await cluster.world.config.change('litter', (draft) => {
    const network = draft.networks.byName('net1')!;
    draft.put('networks', { ...network, reservations: '00010000' });
    draft.changeCluster({ highest_used_port: 11003, tcpudp_port_pool: [11001] });
  });
  volume(cluster, 'old.disk0', { mark });
  volume(cluster, 'pair.disk0_data', { mark, open: true });
  volume(cluster, 'pair.disk0_meta', { mark, open: true });
  ghost(cluster, 4, 'pair.disk0');
  return cluster;
}

const node3 = nodeName(3);
const remains = [
  [`mirror ${node3} 4`, 'DRBD minor 4 on xenvg/pair.disk0_data'],
  [`volume ${node3} xenvg/old.disk0`, '512 MiB, made for gone.memory.example'],
  [`volume ${node3} xenvg/pair.disk0_data`, '512 MiB, made for gone.memory.example'],
  [`volume ${node3} xenvg/pair.disk0_meta`, '512 MiB, made for gone.memory.example'],
  ['address net1 10.88.0.3', 'reserved for an interface that no instance has'],
  ['port 11002', 'neither used nor free'],
  ['port 11003', 'neither used nor free'],
];

test('a dry run tells what is left over and changes nothing; then it goes', async () => {
  const cluster = await littered();
  const before = cluster.snapshot();
  assert.deepEqual(await runOperation(cluster, clusterRepair, { dry_run: true }), { remains, left: [] });
  assert.deepEqual(cluster.snapshot(), before);
  assert.deepEqual(await runOperation(cluster, clusterRepair, {}), { remains, left: [] });
  const machine = cluster.nodes.machine(nodeUuid(3));
  assert.deepEqual([machine.volumes.size, machine.ghosts.size], [0, 0]);
  const { current } = cluster.world.config;
  assert.equal(current.networks.byName('net1')!.reservations, '00000000');
  assert.deepEqual([...current.cluster.tcpudp_port_pool].sort(), [11001, 11002, 11003]);
  assert.deepEqual(await runOperation(cluster, clusterRepair, {}), { remains: [], left: [] });
  assert.equal(cluster.nodes.machine(nodeUuid(1)).volumes.size, 2, "an instance's volumes stay");
});

test('exactly what was shown goes, as far as it is still left over', async () => {
  const cluster = await littered();
  const only = [`volume ${node3} xenvg/old.disk0`, `volume ${node3} xenvg/older.disk0`];
  const { result, said } = await runSeen(cluster, clusterRepair, { only });
  assert.deepEqual(result, { remains: [remains[1]], left: [] });
  assert.match(said.join(), /volume .* xenvg\/older\.disk0 is no longer left over/);
  assert.equal(cluster.nodes.machine(nodeUuid(3)).volumes.size, 2);
});

test('what may be somebody’s is left, with the reason', async () => {
  const cluster = createMemoryCluster({
    instances: [web1],
    cluster: { reserved_lvs: ['xenvg/root.*'], highest_used_port: 11000 },
  });
  const machine = cluster.nodes.machine(nodeUuid(3));
  volume(cluster, 'root1');
  volume(cluster, 'backup');
  volume(cluster, 'busy', { mark, open: true });
  volume(cluster, 'wanted', { mark });
  volume(cluster, 'own_data', { open: true });
  machine.volumes.set(id('other', 'othervg'), 512);
  ghost(cluster, 5, 'web1.memory.example.disk0', true);
  ghost(cluster, 6, null);
  ghost(cluster, 7, 'own');
  ghost(cluster, 8, 'elsewhere');
  cluster.world.config.reservations.reserveVolume('job 9', 'xenvg/wanted');
  const before = cluster.snapshot();
  assert.deepEqual(await runOperation(cluster, clusterRepair, {}), {
    remains: [],
    left: [
      [`mirror ${node3} 5`, 'it is primary: somebody may be using it'],
      [`mirror ${node3} 6`, 'it stands on no volume that says whose it was'],
      [`mirror ${node3} 7`, 'of its volume: it has no mark of an instance'],
      [`mirror ${node3} 8`, 'it stands on /dev/xenvg/elsewhere_data, which is not left over'],
      [`volume ${node3} xenvg/backup`, 'it has no mark of an instance'],
      [`volume ${node3} xenvg/busy`, 'it is in use'],
      [`volume ${node3} xenvg/wanted`, 'a job or a stranded step has reserved it'],
      [`volume ${node3} xenvg/own_data`, 'it has no mark of an instance'],
    ],
  });
  assert.deepEqual(cluster.snapshot(), before);
});

test('a node that is offline or silent keeps everything, and what fails is told', async () => {
  const cluster = await littered();
  const machine = cluster.nodes.machine(nodeUuid(3));
  machine.reachable = false;
  const { result, said } = await runSeen(cluster, clusterRepair, {});
  assert.deepEqual(result, { remains: remains.slice(4), left: [] });
  assert.match(said.join(), /doesn't tell what it has, so nothing of it is removed/);
  machine.reachable = true;
  // Somebody else has it open now.
  machine.open.add(id('pair.disk0_meta'));
  machine.ghosts.clear();
  assert.deepEqual(await runOperation(cluster, clusterRepair, {}), {
    remains: [remains[1]],
    left: [
      [`volume ${node3} xenvg/pair.disk0_data`, 'it is in use'],
      [`volume ${node3} xenvg/pair.disk0_meta`, 'it is in use'],
    ],
  });
});

test('addresses and ports are taken again when the job is unwound before anything has gone', async () => {
  const fresh = async () => {
    const cluster = createMemoryCluster();
    await runOperation(cluster, networkAdd, { network_name: 'net1', network: '10.88.0.0/29' });
    await cluster.world.config.change('litter', (draft) => {
      draft.put('networks', { ...draft.networks.byName('net1')!, reservations: '00010000' });
      draft.changeCluster({ highest_used_port: 11003, tcpudp_port_pool: [11001] });
    });
    return cluster;
  };
  await provesUndo(clusterRepair, {}, { fresh });
});
