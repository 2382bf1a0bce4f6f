/**
 * The path that everyone walks: a cluster is made, nodes join, an instance lives and moves and goes. What the
 * commands print is held to the wording of Ganeti 3.0.2 on such a cluster, with names put for what varies.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { recorded } from '../harness/recorded.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;
const instance = 'inst1.virtual.example';
const notInitialised = 'Cluster not initialized or this machine is not part of a cluster';

interface Expected {
  readonly stdout?: string;
  readonly stderr?: string;
  readonly code?: number;
}

async function says(command: string, { stdout = '', stderr = '', code = 0 }: Expected): Promise<void> {
  const result = await lab.run('node1', command.split(' '));
  assert.deepEqual(
    [recorded(result.stdout, lab.directory), recorded(result.stderr, lab.directory), result.code],
    [stdout, stderr, code],
    command,
  );
}

const prerequisite = (type: string, text: string): Expected => ({
  code: 1,
  stderr: `Failure: prerequisites not met for this operation:\nerror type: ${type}, error details:\n${text}\n`,
});

const created = `<time> * disk 0, size 16M
<time> * creating instance disks...
<time> adding instance ${instance} to cluster config
<time> adding disks to cluster config
<time>  - INFO: Waiting for instance ${instance} to sync disks
<time>  - INFO: Instance ${instance}'s disks are in sync
<time>  - INFO: Waiting for instance ${instance} to sync disks
<time>  - INFO: Instance ${instance}'s disks are in sync
<time> * running the instance OS create scripts...
<time> * starting instance...
`;

const migrated = `<time> Migrating instance ${instance}
<time> * checking disk consistency between source and target
<time> * closing instance disks on node node2.virtual.example
<time> * opening instance disks on node node1.virtual.example in shared mode
<time> * opening instance disks on node node2.virtual.example in shared mode
<time> * preparing node2.virtual.example to accept the instance
<time> * migrating instance to node2.virtual.example
<time> * starting memory transfer
<time> * memory transfer complete
<time> * closing instance disks on node node1.virtual.example
<time> * opening instance disks on node node2.virtual.example in exclusive mode
<time> * done
`;

const failedOver = `<time> Failover instance ${instance}
<time> * checking disk consistency between source and target
<time> * shutting down instance on source node
<time> * closing instance disks on node node2.virtual.example
<time> * deactivating the instance's disks on source node
<time> * activating the instance's disks on target node node3.virtual.example
<time> * starting the instance on the target node node3.virtual.example
`;

const information = `- Instance name: ${instance}
  UUID: <uuid>
  Serial number: 3
  Creation time: <date>
  Modification time: <date>
  State: configured to be up, actual state is up
  Nodes: 
    - primary: node1.virtual.example
      group: default (UUID <uuid>)
    - secondaries: 
  Operating system: noop
  Operating system parameters: 
  Allocated network port: None
  Hypervisor: fake
  Hypervisor parameters: 
  Back-end parameters: 
    always_failover: default (False)
    auto_balance: default (True)
    maxmem: 64
    memory: default (64)
    minmem: 64
    spindle_use: default (1)
    vcpus: 1
  NICs: 
  Disk template: sharedfile
  Disks: 
    - disk/0: sharedfile, size 16M
      access mode: rw
      logical_id: ['loop', '/srv/ganeti/shared-file-storage/${instance}/<uuid>.sharedfile.disk0']
      on primary: <folder>/node1/srv/ganeti/shared-file-storage/${instance}/<uuid>.sharedfile.disk0 (N/A:N/A)
      name: None
      UUID: <uuid>
`;

const waitingFor: Expected = { stdout: `Waiting for job <id> for ${instance} ...\n` };

function listed(status: string, memory: string, node: string): Expected {
  const width = Math.max('Status'.length, status.length);
  return {
    stdout:
      `Instance              Hypervisor OS   Primary_node          ${'Status'.padEnd(width)} Memory\n` +
      `${instance} fake       noop ${node}.virtual.example ${status.padEnd(width)} ${memory.padStart(6)}\n`,
  };
}

describe('a virtual cluster from its making to its end', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3, init: false });
  });
  after(() => lab.down());

  test('is made and taken into use', async () => {
    await says('gnt-node list', prerequisite('wrong_input', notInitialised));
    const result = await lab.run(
      'node1',
      (
        'gnt-cluster init --no-etc-hosts --no-ssh-init --master-netdev=lo --enabled-hypervisors=fake' +
        ' --enabled-disk-templates=diskless,file,sharedfile --nic-parameters mode=routed,link=100' +
        ' --ipolicy-bounds-specs min:disk-size=1,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=1' +
        '/max:disk-size=1048576,cpu-count=8,disk-count=16,memory-size=32768,nic-count=8,spindle-use=12' +
        ' cluster.virtual.example'
      ).split(' '),
    );
    assert.deepEqual([result.stdout, result.stderr, result.code], ['', '', 0]);
    await says(
      'gnt-cluster init --no-etc-hosts --no-ssh-init --master-netdev=lo --enabled-hypervisors=fake cluster',
      prerequisite('wrong_state', 'Cluster is already initialised'),
    );
    await says('gnt-cluster getmaster', { stdout: 'node1.virtual.example\n' });
    await says('gnt-cluster master-ping', {});
  });

  test('takes nodes in', async () => {
    for (const node of ['node2', 'node3']) {
      await says(`gnt-node add --no-ssh-key-check ${node}.virtual.example`, {
        stdout: '<time>  - INFO: Node will be a master candidate\n',
      });
    }
    await says('gnt-node list --no-headers -o name,role,pip', {
      stdout: [1, 2, 3]
        .map(
          (each) => `node${each}.virtual.example ${each === 1 ? 'M' : 'C'} 127.${lab.network}.0.1${each}\n`,
        )
        .join(''),
    });
  });

  test('creates an instance and tells of it', async () => {
    await says(
      `gnt-instance add -t sharedfile -o noop --disk 0:size=16M -B memory=64M,vcpus=1 --no-nics -n node1 ${instance}`,
      { stdout: created },
    );
    await says(
      `gnt-instance add -t diskless -o noop --no-nics -n node1 ${instance}`,
      prerequisite('already_exists', `Instance '${instance}' is already in the cluster`),
    );
    await says('gnt-instance list', listed('running', '64M', 'node1'));
    await says('gnt-instance info inst1', { stdout: information });
    await says('gnt-instance info nosuch', prerequisite('unknown_entity', "Instance 'nosuch' not known"));
  });

  test('stops, starts and reboots it', async () => {
    await says('gnt-instance shutdown inst1', waitingFor);
    await says('gnt-instance list', listed('ADMIN_down', '-', 'node1'));
    await says('gnt-instance startup inst1', waitingFor);
    await says('gnt-instance reboot inst1', waitingFor);
    await says('gnt-instance list', listed('running', '64M', 'node1'));
    await says(
      'gnt-instance shutdown nosuch',
      prerequisite('wrong_input', 'Selection filter does not match any instances'),
    );
  });

  test('moves it', async () => {
    await says('gnt-instance migrate -f -n node2 inst1', { stdout: migrated });
    await says('gnt-instance list', listed('running', '64M', 'node2'));
    await says(
      `gnt-instance migrate -f -n node2 inst1`,
      prerequisite(
        'wrong_state',
        `Cannot migrate instance ${instance} to its primary (node2.virtual.example)`,
      ),
    );
    await says('gnt-instance failover -f -n node3 inst1', { stdout: failedOver });
    await says('gnt-instance list', listed('running', '64M', 'node3'));
  });

  test('removes it without a trace', async () => {
    await says('gnt-instance remove -f inst1', {});
    await says('gnt-instance list', { stdout: 'Instance Hypervisor OS Primary_node Status Memory\n' });
    assert.equal(
      await lab.output('node1', ['find', `${lab.directory}/shared-file-storage`, '-type', 'f']),
      '',
    );
    await says('gnt-instance remove -f inst1', prerequisite('unknown_entity', "Instance 'inst1' not known"));
  });

  test('keeps every job in its list and every candidate in step', async () => {
    await says('gnt-job list --no-headers -o status,summary', {
      stdout: `success CLUSTER_POST_INIT
success NODE_ADD(node2.virtual.example)
success NODE_ADD(node3.virtual.example)
success INSTANCE_CREATE(${instance})
error   INSTANCE_CREATE(${instance})
success INSTANCE_QUERY_DATA
error   INSTANCE_QUERY_DATA
success INSTANCE_SHUTDOWN(${instance})
success INSTANCE_STARTUP(${instance})
success INSTANCE_REBOOT(${instance})
success INSTANCE_MIGRATE(inst1)
error   INSTANCE_MIGRATE(inst1)
success INSTANCE_FAILOVER(inst1)
success INSTANCE_REMOVE(inst1)
error   INSTANCE_REMOVE(inst1)
`,
    });
    assert.doesNotMatch(await lab.log('node1', 'master-daemon'), /can't be brought in step|Unhandled/);
  });
});
