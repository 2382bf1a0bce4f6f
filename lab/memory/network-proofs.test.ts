/** Networks: every change leaves nothing behind, and the rules and words are Ganeti's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupAdd } from '../../src/operations/group/add.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { networkAdd } from '../../src/operations/network/add.ts';
import { networkConnect, networkDisconnect } from '../../src/operations/network/connect.ts';
import { networkRemove } from '../../src/operations/network/remove.ts';
import { networkRename } from '../../src/operations/network/rename.ts';
import { networkSetParams } from '../../src/operations/network/set-params.ts';
import { provesUndo } from '../../src/operations/proves-undo.ts';
import { createMemoryCluster, type MemoryCluster, memoryWorld, nodeName, nodeUuid } from './cluster.ts';
import { preparedWorld, runOperation, runSeen } from './run.ts';

const net1 = { network_name: 'net1', network: '10.88.0.0/29', gateway: '10.88.0.1' };
const connect = { network_name: 'net1', group_name: 'default', network_mode: 'bridged', network_link: 'br0' };
const disconnect = { network_name: 'net1', group_name: 'default' };

function guest(name: string, nic: Record<string, unknown>): Record<string, unknown> {
  return {
    instance_name: name,
    mode: 'create',
    os_type: 'noop',
    pnode: nodeName(1),
    disk_template: 'diskless',
    disks: [],
    nics: [nic],
    name_check: false,
    ip_check: false,
  };
}

const networkOf = ({ world }: MemoryCluster, name = 'net1') => world.config.current.networks.byName(name)!;

test('networks come, change, are renamed and go, each taken back whole', async () => {
  const world = preparedWorld({}, [[networkAdd, net1]]);
  await provesUndo(networkAdd, { ...net1, tags: ['lan'], mac_prefix: 'AA:BB:CC' }, memoryWorld());
  await provesUndo(networkSetParams, { network_name: 'net1', gateway: '10.88.0.2' }, world);
  await provesUndo(networkRename, { network_name: 'net1', new_name: 'lan' }, world);
  await provesUndo(networkRemove, { network_name: 'net1' }, world);
  await provesUndo(networkConnect, connect, world);
});

test('a connection is cut and comes back', async () => {
  const connected = preparedWorld({}, [
    [networkAdd, net1],
    [networkConnect, connect],
  ]);
  await provesUndo(networkDisconnect, disconnect, connected);
});

test("a new network keeps its own, the gateway's, the nodes' and the given addresses from guests", async () => {
  const cluster = createMemoryCluster();
  const request = { network_name: 'lab', network: '192.0.2.0/24', gateway: '192.0.2.254' };
  const { said } = await runSeen(cluster, networkAdd, { ...request, add_reserved_ips: ['192.0.2.50'] });
  const { ext_reservations, reservations } = networkOf(cluster, 'lab');
  const taken = Array.from(ext_reservations!).flatMap((mark, index) => (mark === '1' ? [index] : []));
  assert.deepEqual(taken, [0, 1, 2, 3, 50, 100, 254, 255]);
  assert.ok(!reservations!.includes('1'));
  assert.ok(said.some((line) => line.endsWith(`Reserved IP address of node '${nodeName(1)}' (192.0.2.1)`)));
  assert.ok(said.some((line) => line.endsWith('Reserved cluster master IP address (192.0.2.100)')));
});

test('IPv6 data is kept beside the pool', async () => {
  const cluster = createMemoryCluster();
  const six = { network6: '2001:db8::/64', gateway6: '2001:db8::1' };
  const { hooks } = await runSeen(cluster, networkAdd, { ...net1, ...six, tags: ['a', 'b'] });
  assert.deepEqual(hooks[0]!.plan.env, {
    NETWORK_NAME: 'net1',
    NETWORK_SUBNET: '10.88.0.0/29',
    NETWORK_GATEWAY: '10.88.0.1',
    NETWORK_SUBNET6: '2001:db8::/64',
    NETWORK_GATEWAY6: '2001:db8::1',
    NETWORK_TAGS: 'a b',
  });
  await runOperation(cluster, networkSetParams, { network_name: 'net1', gateway6: '2001:db8::2' });
  assert.equal(networkOf(cluster).gateway6, '2001:db8::2');
});

test('reservations by hand come and go, with warnings where they cannot', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, networkAdd, net1);
  const set = (request: Record<string, unknown>) =>
    runSeen(cluster, networkSetParams, { network_name: 'net1', ...request });
  await set({ add_reserved_ips: ['10.88.0.3'] });
  assert.equal(networkOf(cluster).ext_reservations, '11010001');
  const again = await set({ add_reserved_ips: ['10.88.0.3', '10.88.0.4'] });
  assert.match(
    again.said.join(),
    /Cannot reserve IP address 10\.88\.0\.3: IP 10\.88\.0\.3 is already externally/,
  );
  const less = await set({ remove_reserved_ips: ['10.88.0.3', '10.88.0.5', '10.88.0.1'] });
  assert.match(less.said.join(), /Cannot release IP address 10\.88\.0\.5: IP 10\.88\.0\.5 is not externally/);
  assert.match(less.said.join(), /Cannot unreserve Gateway's IP/);
  await set({ gateway: '10.88.0.6', mac_prefix: 'aa:aa:01' });
  assert.equal(networkOf(cluster).ext_reservations, '10001011');
  assert.equal(networkOf(cluster).mac_prefix, 'aa:aa:01');
  await set({ mac_prefix: 'none' });
  assert.equal(networkOf(cluster).mac_prefix, null);
});

test('addresses that guests have stand against changes of the network', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, networkAdd, net1);
  await runOperation(cluster, networkConnect, connect);
  await runOperation(cluster, instanceCreate, guest('web1.memory.example', { network: 'net1', ip: 'pool' }));
  assert.equal(networkOf(cluster).reservations, '00100000');
  await assert.rejects(
    runOperation(cluster, networkSetParams, { network_name: 'net1', gateway: '10.88.0.2' }),
    /Gateway IP address '10\.88\.0\.2' is already reserved$/,
  );
  await assert.rejects(
    runOperation(cluster, networkRemove, { network_name: 'net1' }),
    /Network still connected$/,
  );
  await assert.rejects(
    runOperation(cluster, networkDisconnect, disconnect),
    /Conflicting IP addresses found; {2}remove\/modify the corresponding network interfaces$/,
  );
});

test('a network is not connected where a guest has one of its addresses from elsewhere', async () => {
  const cluster = createMemoryCluster();
  const nic = { ip: '10.88.0.3', mode: 'routed', link: '100' };
  await runOperation(cluster, instanceCreate, guest('web1.memory.example', nic));
  await runOperation(cluster, networkAdd, net1);
  await assert.rejects(runOperation(cluster, networkConnect, connect), /Conflicting IP addresses found/);
  await runOperation(cluster, networkConnect, { ...connect, conflicts_check: false });
  const { said, hooks } = await runSeen(cluster, networkConnect, connect);
  assert.match(said.join(), /Network 'net1' is already mapped to group 'default'/);
  assert.deepEqual(hooks[0]!.plan.preNodes, [1, 2, 3].map(nodeUuid));
  assert.equal(hooks[0]!.plan.env.GROUP_NETWORK_LINK, 'br0');
});

test('a group is told when a network is not connected to it', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, networkAdd, net1);
  await runOperation(cluster, groupAdd, { group_name: 'rack2' });
  const { said } = await runSeen(cluster, networkDisconnect, { ...disconnect, group_name: 'rack2' });
  assert.match(said.join(), /Network 'net1' is not mapped to group 'rack2'/);
});

const refusals: readonly [string, Record<string, unknown>, RegExp][] = [
  ['host bits', { network: '10.89.0.0/8' }, /^OpExecError: 10\.89\.0\.0\/8 has host bits set$/],
  [
    'a range that is too small',
    { network: '10.89.0.0/31' },
    /Cannot create IP address pool for network 'x': A network with only 2 host\(s\) is too small, please specify at least a \/30 network$/,
  ],
  [
    'a gateway outside',
    { network: '10.89.0.0/24', gateway: '10.90.0.1' },
    /10\.89\.0\.0\/24 does not contain 10\.90\.0\.1$/,
  ],
  ['a wrong prefix', { network: '10.92.0.0/24', mac_prefix: 'zz' }, /Invalid MAC address prefix 'zz'$/],
  [
    'a reservation outside',
    { network: '10.92.0.0/24', add_reserved_ips: ['10.9.0.1'] },
    /Cannot reserve IP address '10\.9\.0\.1': 10\.92\.0\.0\/24 does not contain 10\.9\.0\.1$/,
  ],
];
for (const [what, request, words] of refusals) {
  test(`a network refuses ${what}`, async () => {
    await assert.rejects(
      runOperation(createMemoryCluster(), networkAdd, { network_name: 'x', ...request }),
      words,
    );
  });
}

test('a name is given to one network', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, networkAdd, net1);
  const second = { network_name: 'net2', network: '10.89.0.0/29' };
  await runOperation(cluster, networkAdd, second);
  await assert.rejects(
    runOperation(cluster, networkAdd, net1),
    /'net1' already exists as a network \(UUID: /,
  );
  await assert.rejects(
    runOperation(cluster, networkRename, { network_name: 'net1', new_name: 'net2' }),
    /Desired new name 'net2' clashes with existing network \(UUID: /,
  );
});

test('a network of IPv6 alone connects guests and gives no IPv4 address', async () => {
  const net6 = { network_name: 'net1', network6: '2001:db8::/64', gateway6: '2001:db8::1' };
  await provesUndo(networkAdd, net6, memoryWorld());
  const prepared = [
    [networkAdd, net6],
    [networkConnect, connect],
  ] as const;
  await provesUndo(networkSetParams, { network_name: 'net1', gateway6: 'none' }, preparedWorld({}, prepared));
  const cluster = createMemoryCluster();
  for (const [operation, request] of prepared) await runOperation(cluster, operation, request);
  await runOperation(cluster, instanceCreate, guest('six1.memory.example', { network: 'net1' }));
  await assert.rejects(
    runOperation(cluster, instanceCreate, guest('six2.memory.example', { network: 'net1', ip: 'pool' })),
    /Unable to get a free IP/,
  );
  for (const [request, fault] of [
    [{ network6: 'none' }, /needs its IPv6 network/],
    [{ gateway: '10.88.0.1' }, /has no IPv4 gateway/],
  ] as const)
    await assert.rejects(
      runOperation(cluster, networkSetParams, { network_name: 'net1', ...request }),
      fault,
    );
  for (const [request, fault] of [
    [{}, /needs an IPv4 network, an IPv6 network, or both/],
    [{ network6: '2001:db8:1::/64', gateway: '10.0.0.1' }, /neither an IPv4 gateway/],
    [{ network: '10.0.0.0/24', gateway6: '2001:db8::1' }, /An IPv6 gateway needs an IPv6 network/],
  ] as const)
    await assert.rejects(runOperation(cluster, networkAdd, { network_name: 'net2', ...request }), fault);
});

test('a gateway that is taken away leaves its address to others', async () => {
  const cluster = createMemoryCluster();
  await runOperation(cluster, networkAdd, net1);
  assert.equal(networkOf(cluster).ext_reservations, '11000001');
  await runOperation(cluster, networkSetParams, { network_name: 'net1', gateway: 'none' });
  assert.deepEqual([networkOf(cluster).gateway, networkOf(cluster).ext_reservations], [null, '10000001']);
});
