/** The cluster's own settings, name, address and files, in the words of Ganeti 3.0.2. */
import assert from 'node:assert/strict';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { follow } from '../harness/transcript.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const prerequisites = '! Failure: prerequisites not met for this operation:\n! error type:';
const execution = '! Failure: command execution error:';

/** Waits until a file of a node says what it should. */
async function waitForText(node: string, path: string, wanted: string): Promise<void> {
  const file = join(lab.root(node), path);
  const probe = async () =>
    (await readFile(file, 'utf8').catch(() => '')).trim() === wanted ? true : undefined;
  assert.ok(await pollUntil(probe, { everyMs: 25, timeoutMs: 10_000 }), `${file} does not say '${wanted}'`);
}

async function information(): Promise<string> {
  return await lab.output('node1', ['gnt-cluster', 'info']);
}

describe('the settings of a cluster', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
  });
  after(() => lab.down());

  test('change, each refused where it must be', async () => {
    await follow(
      lab,
      `
$ gnt-cluster modify
! Please give at least one of the parameters.
? 1
$ gnt-cluster modify -B memory=192
$ gnt-cluster modify -B bogus=1
! Parameter Error: Unknown parameter 'bogus'
? 1
$ gnt-cluster modify -H kvm:kernel_path=/x
${execution}
! Hypervisor parameter validation failed on node node1.virtual.example: Parameter 'kernel_path' fails validation: not found or not a file (current value: '/x')
? 1
$ gnt-cluster modify --max-running-jobs=30
$ gnt-cluster modify --nic-parameters=link=br1
$ gnt-cluster modify --nic-parameters=mode=bogus
! Corrupt configuration file: Invalid NIC mode 'bogus'
! Aborting.
? 2
$ gnt-cluster modify --ipolicy-spindle-ratio=16
$ gnt-cluster modify --ipolicy-disk-templates=diskless,plain
${prerequisites} wrong_input, error details:
! The following disk templates are allowed by the ipolicy, but not enabled on the cluster: plain
? 1
$ gnt-cluster modify --ipolicy-disk-templates=bogus
${prerequisites} wrong_input, error details:
! Invalid instance policy: Invalid disk template(s) bogus
? 1
$ gnt-cluster modify --enabled-disk-templates=diskless,file,sharedfile,plain
${prerequisites} wrong_input, error details:
! Please specify a volume group when enabling lvm-based disk-templates.
? 1
$ gnt-cluster modify --default-iallocator=nosuch
${prerequisites} wrong_input, error details:
! Invalid default iallocator script 'nosuch' specified
? 1
$ gnt-cluster modify --default-iallocator=hail
$ gnt-cluster modify --uid-pool=5000-6000
$ gnt-cluster modify --remove-uids=5000-6000
$ gnt-cluster modify --mac-prefix=aa:00:01
$ gnt-cluster modify --mac-prefix=bogus
${prerequisites} wrong_input, error details:
! Invalid MAC address prefix 'bogus'
? 1
$ gnt-cluster modify --master-netmask=99
${prerequisites} wrong_input, error details:
! CIDR netmask (99) not valid
? 1
$ gnt-cluster modify --compression-tools=gzip,none
${prerequisites} wrong_input, error details:
! none is a reserved value used for no compression, and cannot be used as the name of a tool
? 1
$ gnt-cluster modify --dry-run -C 5
<time>  - INFO: dry-run mode requested, not actually executing the operation
`,
    );
    const told = await information();
    for (const line of [
      '  maximal number of jobs running simultaneously: 30',
      '  mac prefix: aa:00:01',
      '  candidate pool size: 10',
      '  spindle-ratio: 16',
      '    maxmem: 192',
      '    link: br1',
    ])
      assert.ok(told.split('\n').includes(line), `'${line}' is missing in:\n${told}`);
  });

  test('stay as they were when the master dies in the middle, and serve after it', async () => {
    const pid = lab.killDaemon('node1', 'ganeti-masterd');
    await lab.waitForDaemon('node1', 'ganeti-masterd', pid);
    await lab.waitForMaster('node1');
    assert.match(await information(), /^ {2}mac prefix: aa:00:01$/m);
  });

  test('hide operating systems and keep them from new instances', async () => {
    await follow(
      lab,
      `
$ gnt-os list --no-headers
noop
$ gnt-os modify --hidden=no noop
<time> OS noop not found in hidden OS list, ignoring
$ gnt-os modify --hidden=yes noop
$ gnt-os list --no-headers
$ gnt-os modify --hidden=no noop
$ gnt-os modify -H kvm:kernel_path=/x noop
${execution}
! Hypervisor parameter validation failed on node node1.virtual.example: Parameter 'kernel_path' fails validation: not found or not a file (current value: '/x')
? 1
`,
    );
  });

  test('reach every node, with the files that all share', async () => {
    const path = 'var/lib/ganeti/rapi/users';
    await writeFile(join(lab.root('node1'), path), 'someone secret write\n', { mode: 0o640 });
    await follow(lab, '$ gnt-cluster redist-conf');
    for (const node of ['node2', 'node3']) await waitForText(node, path, 'someone secret write');
  });

  test('correct recorded sizes of disks', async () => {
    const add =
      'gnt-instance add -t sharedfile -s 16M -o noop --no-nics --no-start -n node1 inst1.virtual.example';
    await lab.output('node1', add.split(' '));
    await follow(lab, '$ gnt-cluster repair-disk-sizes');
    const folder = `${lab.directory}/shared-file-storage/inst1.virtual.example`;
    const [file = ''] = (await lab.output('node1', ['find', folder, '-type', 'f'])).trim().split('\n');
    await truncate(file, 32 * 2 ** 20);
    await follow(
      lab,
      `
$ gnt-cluster repair-disk-sizes
<time>  - INFO: Disk 0 of instance inst1.virtual.example has mismatched size, correcting: recorded 16, actual 32
$ gnt-instance list --no-headers -o name,disk.sizes
inst1.virtual.example 32
$ gnt-cluster verify-disks
Submitted jobs <id>
Waiting for job <id> ...
No disks need to be activated.
`,
    );
  });

  test('lose what is reserved for nobody, once it has been shown', async () => {
    await lab.output('node1', ['gnt-network', 'add', '--network', '10.88.0.0/29', 'net1']);
    await lab.output('node1', ['gnt-cluster', 'repair', '-f']);
    // A cluster that was taken over with such a fault: the rules of Gantry's own commits allow none.
    await lab.output('node1', ['daemon-util', 'stop', 'ganeti-masterd']);
    const file = lab.paths('node1').configFile;
    const data = JSON.parse(await readFile(file, 'utf8')) as {
      serial_no: number;
      networks: Record<string, { reservations: string }>;
    };
    for (const network of Object.values(data.networks)) network.reservations = '00010000';
    data.serial_no += 1000;
    await writeFile(file, JSON.stringify(data));
    await lab.output('node1', ['daemon-util', 'start', 'ganeti-masterd']);
    await follow(
      lab,
      `
$ gnt-cluster repair --dry-run
<time>  - INFO: dry-run mode requested, not actually executing the operation
Left over, and nobody's:
  address net1 10.88.0.3: reserved for an interface that no instance has
$ gnt-cluster repair -f
<time>  - INFO: dry-run mode requested, not actually executing the operation
Left over, and nobody's:
  address net1 10.88.0.3: reserved for an interface that no instance has
Removed 1 of 1.
$ gnt-cluster repair
<time>  - INFO: dry-run mode requested, not actually executing the operation
There is nothing to remove.
$ gnt-network remove net1
`,
    );
  });

  test('name the cluster', async () => {
    await follow(
      lab,
      `
$ gnt-cluster rename -f cluster.virtual.example
${prerequisites} wrong_input, error details:
! Neither the name nor the IP address of the cluster has changed
? 1
$ gnt-cluster rename -f web1.virtual.example
Cluster renamed from 'cluster.virtual.example' to 'web1.virtual.example'
$ gnt-cluster deactivate-master-ip --yes
$ gnt-cluster activate-master-ip
$ gnt-cluster master-ping
`,
    );
    for (const node of ['node2', 'node3'])
      await waitForText(node, 'var/lib/ganeti/ssconf_cluster_name', 'web1.virtual.example');
    assert.match(await information(), /^Cluster name: web1\.virtual\.example$/m);
  });
});
