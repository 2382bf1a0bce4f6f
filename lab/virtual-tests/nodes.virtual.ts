/** Roles, storage, power and programs of nodes, in the words of Ganeti 3.0.2. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { follow } from '../harness/transcript.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const prerequisites = '! Failure: prerequisites not met for this operation:\n! error type:';

async function script(path: string, body: string): Promise<void> {
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
}

describe('nodes', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
  });
  after(() => lab.down());

  test('change their roles', async () => {
    await follow(
      lab,
      `
$ gnt-node modify --master-candidate=no node3
<time> Configuration data is not consistent: Not enough master candidates: actual 2, target 3
Modified node node3
 - master_candidate -> False
$ gnt-node modify --drained=yes node3
Modified node node3
 - drained -> True
$ gnt-node modify --drained=no node3
<time>  - INFO: Auto-promoting node to master candidate
Modified node node3
 - master_candidate -> True
 - drained -> False
$ gnt-node modify --offline=yes node1
${prerequisites} wrong_input, error details:
! The master role can be changed only via master-failover
? 1
$ gnt-node modify --node-parameters=spindle_count=4 node3
$ gnt-node modify --node-parameters=bogus=4 node3
! Parameter Error: Unknown parameter 'bogus'
? 1
$ gnt-node modify --node-parameters=exclusive_storage=yes node3
${prerequisites} wrong_input, error details:
! The following node parameters are global and cannot be customized at node level, please modify them at cluster or group level: exclusive_storage
? 1
$ gnt-node modify --secondary-ip=10.77.9.3 node3
${prerequisites} wrong_input, error details:
! Changing the secondary ip on a single-homed cluster requires the --force option to be passed, and the target node to be the master
? 1
$ gnt-node list --no-headers -o name,role,ndp/spindle_count
node1.virtual.example M 1
node2.virtual.example C 1
node3.virtual.example C 4
`,
    );
  });

  test('have watchers that rest together', async () => {
    const pauses = () =>
      Promise.all(
        ['node1', 'node2', 'node3'].map((node) =>
          readFile(lab.paths(node).watcherPause, 'utf8').catch(() => 'none'),
        ),
      );
    await lab.output('node1', ['gnt-cluster', 'watcher', 'pause', '1h']);
    const [until, ...others] = await pauses();
    assert.match(until!, /^\d+/);
    assert.deepEqual(others, [until, until]);
    await lab.output('node1', ['gnt-cluster', 'watcher', 'continue']);
    assert.deepEqual(await pauses(), ['none', 'none', 'none']);
  });

  test('keep the candidate pool full', async () => {
    await follow(
      lab,
      `
$ gnt-cluster modify -C 2
$ gnt-node modify --master-candidate=no node3
Modified node node3
 - master_candidate -> False
$ gnt-node modify --offline=yes --auto-promote node2
<time> Configuration data is not consistent: Not enough master candidates: actual 1, target 2
<time>  - INFO: Promoted nodes to master candidate role: node3.virtual.example
Modified node node2
 - master_candidate -> False
 - offline -> True
$ gnt-node modify -f --offline=no node2
<time>  - WARNING: Transitioning node from offline to online state without using re-add. Please make sure the node is healthy!
Modified node node2
 - offline -> False
$ gnt-cluster modify -C 10
<time>  - INFO: Promoted nodes to master candidate role: node2.virtual.example
$ gnt-node list --no-headers -o name,role
node1.virtual.example M
node2.virtual.example C
node3.virtual.example C
`,
    );
  });

  test('list their storage', async () => {
    await follow(
      lab,
      `
$ gnt-node volumes
Node PhysDev VG Name Size Instance
$ gnt-node list-storage
! Failure: prerequisites not met for this operation:
! Storage reporting for storage type 'diskless' is not supported. Please use the --storage-type option to specify one of the supported storage types (lvm-vg, sharedfile, lvm-pv, gluster, file) or set the default disk template to one that supports storage reporting.
? 1
$ gnt-node list-storage --storage-type=lvm-vg
! Failure: prerequisites not met for this operation:
! No disk template of storage type 'lvm-vg' is enabled in this cluster. Enabled disk templates are: diskless,file,sharedfile
? 1
$ gnt-node list-storage --no-headers --storage-type=file -o node,type,name,used,allocatable
node1.virtual.example file /srv/ganeti/file-storage 0M Y
node2.virtual.example file /srv/ganeti/file-storage 0M Y
node3.virtual.example file /srv/ganeti/file-storage 0M Y
$ gnt-node modify-storage --allocatable=no node1 file /srv/ganeti/file-storage
${prerequisites} wrong_input, error details:
! Storage units of type 'file' can not be modified
? 1
`,
    );
  });

  test('obey the programs of the site', async () => {
    const power = join(lab.directory, 'power');
    const told = join(lab.directory, 'told');
    await script(
      power,
      `case $1 in\npower-status) echo '{"powered": true}' ;;\nhealth) echo '[["PSU","OK"],["Fan","CRITICAL"]]' ;;\n*) echo "$@" >> '${told}' ;;\nesac`,
    );
    await follow(
      lab,
      `
$ gnt-node modify --node-parameters=oob_program=${power} node3
$ gnt-node power status node3.virtual.example
Node                  Status
node3.virtual.example powered
$ gnt-node health node3
<time>  - WARNING: Item 'Fan' on node 'node3.virtual.example' has status 'CRITICAL'
Node                  Status
node3.virtual.example PSU=OK
                      Fan=CRITICAL
$ gnt-node modify --offline=yes node3
Modified node node3
 - master_candidate -> False
 - offline -> True
$ gnt-node power -f off node3.virtual.example
Node                  Status
node3.virtual.example invoked
$ gnt-node modify -f --offline=no node3
${prerequisites} wrong_state, error details:
! Node node3.virtual.example needs to be turned on before its offline status can be reset
? 1
$ gnt-node power -f on node3.virtual.example
Node                  Status
node3.virtual.example invoked
`,
    );
    assert.equal(
      await readFile(told, 'utf8'),
      'power-off node3.virtual.example\npower-on node3.virtual.example\n',
    );
    await lab.output('node1', ['gnt-node', 'modify', '-f', '--offline=no', 'node3']);
  });

  test('run restricted commands, and nothing that others could have written', async () => {
    const folder = join(lab.root('node2'), 'etc/ganeti/restricted-commands');
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await script(join(folder, 'hello'), 'echo "hello$1 $(printenv GANETI_HOSTNAME || echo nobody)"');
    await script(join(folder, 'open'), 'echo no');
    await chmod(join(folder, 'open'), 0o777);
    const run = (command: string) =>
      lab.run('node1', ['gnt-node', 'restricted-command', '-M', command, 'node2']);
    const hello = await run('hello');
    assert.equal(hello.code, 0);
    assert.match(hello.stdout, /hello nobody/);
    const open = await run('open');
    assert.equal(open.code, 1);
    assert.match(open.stdout + open.stderr, /Executing command 'open' failed/);
  });

  test('give up their instances', async () => {
    for (const number of [1, 2]) {
      const add = `gnt-instance add -t sharedfile -s 16M -o noop --no-nics -n node1 inst${number}.virtual.example`;
      await lab.output('node1', add.split(' '));
    }
    const moved = await lab.output('node1', [
      'gnt-node',
      'migrate',
      '-f',
      '-n',
      'node2.virtual.example',
      'node1',
    ]);
    assert.match(moved, /All instances migrated successfully\.\n$/);
    await follow(
      lab,
      `
$ gnt-instance list --no-headers -o name,pnode,status
inst1.virtual.example node2.virtual.example running
inst2.virtual.example node2.virtual.example running
`,
    );
    const powerless = await lab.run('node1', ['gnt-node', 'powercycle', '-f', '--yes', 'node3']);
    assert.notEqual(powerless.code, 0);
  });
});
