/** Networks with their address pools, in the words of Ganeti 3.0.2; addresses are given once, whoever asks. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { follow } from '../harness/transcript.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const prerequisites = '! Failure: prerequisites not met for this operation:\n! error type:';
const execution = '! Failure: command execution error:';
const guest = 'gnt-instance add -t diskless -o noop -n node1 --no-start';

const add = (name: string, nic: string) => [...guest.split(' '), '--net', nic, `${name}.virtual.example`];

describe('networks', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 2 });
  });
  after(() => lab.down());

  test('are made with a gateway, reservations and IPv6, and refused with reasons', async () => {
    await follow(
      lab,
      `
$ gnt-network add --network=10.88.0.0/29 --gateway=10.88.0.1 --tags=lan net1
$ gnt-network add --network=10.88.0.0/24 net1
${prerequisites} already_exists, error details:
! Desired network name 'net1' already exists as a network (UUID: <uuid>)
? 1
$ gnt-network add --network=bogus net2
${prerequisites} wrong_input, error details:
! Parameter 'OP_NETWORK_ADD.network' fails validation
? 1
$ gnt-network add --network=10.89.0.0/8 net2
${execution}
! 10.89.0.0/8 has host bits set
? 1
$ gnt-network add --network=10.89.0.0/31 net2
${execution}
! Cannot create IP address pool for network 'net2': A network with only 2 host(s) is too small, please specify at least a /30 network
? 1
$ gnt-network add --network=10.89.0.0/24 --gateway=10.90.0.1 net2
${execution}
! Cannot create IP address pool for network 'net2': 10.89.0.0/24 does not contain 10.90.0.1
? 1
$ gnt-network add --network=10.92.0.0/24 --mac-prefix=zz net4
${prerequisites} wrong_input, error details:
! Invalid MAC address prefix 'zz'
? 1
$ gnt-network add --network=10.89.0.0/29 --gateway=10.89.0.1 --add-reserved-ips=10.89.0.2,10.89.0.3 --mac-prefix=aa:bb:cc --network6=2001:db8::/64 --gateway6=2001:db8::1 net2
$ gnt-network info net2
Network name: net2
UUID: <uuid>
Serial number: 1
  Subnet: 10.89.0.0/29
  Gateway: 10.89.0.1
  IPv6 Subnet: 2001:db8::/64
  IPv6 Gateway: 2001:db8::1
  Mac Prefix: aa:bb:cc
  Size: 8
  Free: 3 (37.50%)
  Usage map:
        0 XXXX...X                                                         63
         (X) used    (.) free
  externally reserved IPs:
    10.89.0.0, 10.89.0.1, 10.89.0.2, 10.89.0.3, 10.89.0.7
  not connected to any node group
  not used by any instances
`,
    );
  });

  test('keep the addresses of nodes and of the cluster from guests', async () => {
    const network = `127.${lab.network}.0`;
    await follow(
      lab,
      `
$ gnt-network add --network=${network}.0/24 own
<time>  - INFO: Reserved IP address of node 'node1.virtual.example' (${network}.11)
<time>  - INFO: Reserved IP address of node 'node2.virtual.example' (${network}.12)
<time>  - INFO: Reserved cluster master IP address (${network}.100)
$ gnt-network remove own
`,
    );
  });

  test('are connected to groups, and give addresses to guests', async () => {
    await follow(
      lab,
      `
$ gnt-network connect --nic-parameters=mode=routed,link=100 net1 default
$ gnt-network connect --nic-parameters=mode=routed,link=100 net1 default
<time>  - WARNING: Network 'net1' is already mapped to group 'default'
$ gnt-network connect --nic-parameters=mode=routed,link=100 net1 nosuch
${prerequisites} unknown_entity, error details:
! Node group 'nosuch' not found
? 1
$ gnt-network list --no-headers -o name,group_list,tags
net1 default (routed, 100, ) lan
net2                         
`,
    );
    await lab.output('node1', add('inst1', '0:network=net1,ip=10.88.0.4'));
    const second = await lab.run('node1', add('inst2', '0:network=net1,ip=10.88.0.4'));
    assert.equal(second.code, 1);
    assert.match(second.stderr, /error type: resource_not_unique.*\n.*10\.88\.0\.4/);
  });

  test('give every address once, whoever asks at the same time', async () => {
    const names = ['web1', 'web2', 'web3', 'web4', 'web5'];
    const results = await Promise.all(
      names.map((name) => lab.run('node1', add(name, '0:network=net1,ip=pool'))),
    );
    assert.equal(results.filter(({ code }) => code === 0).length, 4, 'four addresses were free');
    assert.match(results.map(({ stderr }) => stderr).join(), /Unable to get a free IP for NIC/);
    const addresses = await lab.output('node1', ['gnt-instance', 'list', '--no-headers', '-o', 'nic.ips']);
    assert.deepEqual(
      addresses
        .trim()
        .split('\n')
        .map((line) => line.trim())
        .sort(),
      ['10.88.0.2', '10.88.0.3', '10.88.0.4', '10.88.0.5', '10.88.0.6'],
    );
    for (const name of names) await lab.run('node1', ['gnt-instance', 'remove', '-f', name]);
    await follow(lab, '$ gnt-network list --no-headers -o free_count,map net1\n4 XX..X..X');
  });

  test('change, and say what stands against it', async () => {
    await follow(
      lab,
      `
$ gnt-network modify --gateway=10.88.0.4 net1
${prerequisites} wrong_state, error details:
! Gateway IP address '10.88.0.4' is already reserved
? 1
$ gnt-network modify --gateway=10.88.0.6 net1
$ gnt-network modify --add-reserved-ips=10.88.0.5 net1
$ gnt-network modify --add-reserved-ips=10.88.0.5 net1
<time>  - WARNING: Cannot reserve IP address 10.88.0.5: IP 10.88.0.5 is already externally reserved
$ gnt-network modify --remove-reserved-ips=10.88.0.5 net1
$ gnt-network modify --remove-reserved-ips=10.88.0.3 net1
<time>  - WARNING: Cannot release IP address 10.88.0.3: IP 10.88.0.3 is not externally reserved
$ gnt-network modify --mac-prefix=AA:AA:01 net1
$ gnt-network list --no-headers -o gateway,mac_prefix,map net1
10.88.0.6 aa:aa:01 X...X.XX
$ gnt-network disconnect net1 default
<time>  - WARNING: IP addresses from network 'net1', which is about to disconnect from node group 'default', are in use: inst1.virtual.example: nic0/10.88.0.4
${prerequisites} wrong_state, error details:
! Conflicting IP addresses found;  remove/modify the corresponding network interfaces
? 1
$ gnt-network remove net1
<time>  - WARNING: Network 'net1' is connected to the following node groups: default
${prerequisites} wrong_state, error details:
! Network still connected
? 1
`,
    );
  });

  test('are renamed, disconnected and removed', async () => {
    await follow(
      lab,
      `
$ gnt-network rename net1 lan
$ gnt-network rename lan net2
${prerequisites} already_exists, error details:
! Desired new name 'net2' clashes with existing network (UUID: <uuid>)
? 1
$ gnt-instance remove -f inst1
$ gnt-network disconnect net2
<time>  - WARNING: Network 'net2' is not mapped to group 'default'
$ gnt-network disconnect lan default
$ gnt-network remove lan
$ gnt-network remove net2
$ gnt-network remove nosuch
${prerequisites} unknown_entity, error details:
! Network 'nosuch' not found
? 1
$ gnt-network list --no-headers
`,
    );
  });
});
