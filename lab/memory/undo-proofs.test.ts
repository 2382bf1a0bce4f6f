/** Every operation with effects leaves nothing behind, whatever fails and wherever the master dies. */
import { test } from 'node:test';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceFailover } from '../../src/operations/instance/failover.ts';
import { instanceMigrate } from '../../src/operations/instance/migrate.ts';
import { instanceReboot } from '../../src/operations/instance/reboot.ts';
import { instanceRemove } from '../../src/operations/instance/remove.ts';
import { instanceShutdown } from '../../src/operations/instance/shutdown.ts';
import { instanceStartup } from '../../src/operations/instance/startup.ts';
import { nodeAdd } from '../../src/operations/node/add.ts';
import { nodeRemove } from '../../src/operations/node/remove.ts';
import { nodeSetParams } from '../../src/operations/node/set-params.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { memoryWorld, nodeName } from './cluster.ts';
import { running, stopped, web1 } from './web1.ts';

const create = {
  instance_name: 'new1.memory.example',
  mode: 'create',
  os_type: 'noop',
  pnode: nodeName(1),
  disks: [{ size: 1024 }, { size: 512 }],
  nics: [{}],
};

test('creating a mirrored instance leaves nothing behind', async () => {
  await provesUndo(instanceCreate, { ...create, disk_template: 'drbd', snode: nodeName(2) }, memoryWorld());
});

test('creating a plain instance that is not started leaves nothing behind', async () => {
  await provesUndo(instanceCreate, { ...create, disk_template: 'plain', start: false }, memoryWorld());
});

test('creating a diskless instance leaves nothing behind', async () => {
  await provesUndo(instanceCreate, { ...create, disk_template: 'diskless', disks: [] }, memoryWorld());
});

test('a startup is taken back whole', async () => {
  await provesUndo(instanceStartup, web1, memoryWorld({ instances: [stopped] }));
});

test('a shutdown is taken back until the guest has ended', async () => {
  await provesUndo(instanceShutdown, web1, memoryWorld({ instances: [running] }));
});

for (const type of ['soft', 'hard', 'full']) {
  test(`a ${type} reboot is taken back whole`, async () => {
    await provesUndo(instanceReboot, { ...web1, reboot_type: type }, memoryWorld({ instances: [running] }));
  });
}

test('a removal is taken back until data goes', async () => {
  await provesUndo(instanceRemove, web1, memoryWorld({ instances: [running] }));
});

test('a failover is taken back whole', async () => {
  await provesUndo(instanceFailover, web1, memoryWorld({ instances: [running] }));
});

test('a migration is taken back until the guest has arrived, and completed from then on', async () => {
  await provesUndo(instanceMigrate, web1, memoryWorld({ instances: [running] }), { orCompleted: true });
});

test('adding a node leaves nothing behind on it', async () => {
  const joining = { name: 'localhost', ip: '127.0.0.1' };
  const request = { node_name: 'localhost', secondary_ip: '192.0.3.9' };
  await provesUndo(nodeAdd, request, memoryWorld({ joining }));
  await provesUndo(nodeAdd, { ...request, node_setup: true }, memoryWorld({ joining }));
});

test('removing a node is taken back until it has left', async () => {
  await provesUndo(nodeRemove, { node_name: nodeName(3) }, memoryWorld());
});

test('setting a node offline is taken back whole', async () => {
  await provesUndo(nodeSetParams, { node_name: nodeName(3), offline: true }, memoryWorld());
});
