/** Node groups and tags as administrators use them, in the words of Ganeti 3.0.2, with the hooks that see them. */
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { follow } from '../harness/transcript.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const prerequisites = '! Failure: prerequisites not met for this operation:\n! error type:';

/** A hook on a node: appends what it is told to a file. */
async function installHook(hook: string, phase: 'pre' | 'post', body: string): Promise<void> {
  const folder = join(lab.root('node1'), `etc/ganeti/hooks/${hook}-${phase}.d`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '10-test'), `#!/bin/sh\n${body}\n`);
  await chmod(join(folder, '10-test'), 0o755);
}

describe('node groups and tags', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
  });
  after(() => lab.down());

  test('groups come, change their names and go', async () => {
    await follow(
      lab,
      `
$ gnt-group add rack2
$ gnt-group add rack2
${prerequisites} already_exists, error details:
! Desired group name 'rack2' already exists as a node group (UUID: <uuid>)
? 1
$ gnt-group add --alloc-policy=last_resort rack3
$ gnt-group add --node-parameters=bogus=1 rack4
! Parameter Error: Unknown parameter 'bogus'
? 1
$ gnt-group list --no-headers -o name,node_cnt,alloc_policy
default 3 preferred
rack2   0 preferred
rack3   0 last_resort
$ gnt-group rename rack3 rack4
$ gnt-group rename nosuch rack4
${prerequisites} unknown_entity, error details:
! Node group 'nosuch' not found
? 1
$ gnt-group rename rack4 rack2
${prerequisites} already_exists, error details:
! Desired new name 'rack2' clashes with existing node group (UUID: <uuid>)
? 1
$ gnt-group remove rack4
$ gnt-group remove default
${prerequisites} wrong_state, error details:
! Group 'default' not empty, has the following nodes: <uuid>, <uuid>, <uuid>
? 1
`,
    );
  });

  test('settings of a group are its own', async () => {
    await follow(
      lab,
      `
$ gnt-group modify --alloc-policy=unallocable rack2
$ gnt-group modify --disk-parameters=drbd:metavg=x rack2
Modified node group rack2
 - diskparams -> {'drbd': {'metavg': 'x'}}
$ gnt-group modify --node-parameters=spindle_count=3 rack2
Modified node group rack2
 - ndparams -> {'spindle_count': 3}
$ gnt-group modify --ipolicy-vcpu-ratio=8 rack2
$ gnt-group list --no-headers -o alloc_policy,ndp/spindle_count,custom_ipolicy rack2
unallocable 3 {'vcpu-ratio': 8}
`,
    );
  });

  test('nodes change their group', async () => {
    await follow(
      lab,
      `
$ gnt-group assign-nodes rack2 node2.virtual.example node3
$ gnt-group assign-nodes rack2 nosuch
${prerequisites} unknown_entity, error details:
! Node 'nosuch' not known
? 1
$ gnt-node list --no-headers -o name,group
node1.virtual.example default
node2.virtual.example rack2
node3.virtual.example rack2
$ gnt-cluster verify-disks
Submitted jobs <id>
Waiting for job <id> ...
Waiting for job <id> ...
No disks need to be activated.
No disks need to be activated.
$ gnt-group assign-nodes default node2 node3
$ gnt-group remove rack2
`,
    );
  });

  test('every kind of object has tags', async () => {
    await follow(
      lab,
      `
$ gnt-instance add -t diskless -o noop --no-nics --no-start -n node1 inst1.virtual.example
<time> * creating instance disks...
<time> adding instance inst1.virtual.example to cluster config
<time> adding disks to cluster config
$ gnt-cluster add-tags c1 c2
$ gnt-group add-tags default rack:7
$ gnt-node add-tags node2 ssd
$ gnt-instance add-tags inst1 web prod
$ gnt-instance add-tags inst1 web
$ gnt-instance add-tags inst1 'bad tag'
! Failure: invalid tag(s) given:
! Tag contains invalid characters
? 1
$ gnt-instance list-tags inst1
prod
web
$ gnt-cluster search-tags '^(c|p|r)'
/cluster c1
/cluster c2
/instances/inst1.virtual.example prod
/nodegroup/default rack:7
$ gnt-instance remove-tags inst1 prod
$ gnt-instance remove-tags inst1 prod
${prerequisites} unknown_entity, error details:
! Tag(s) 'prod' not found
? 1
$ gnt-node remove-tags node2 ssd
$ gnt-node list-tags node2
$ gnt-instance remove -f inst1
`,
    );
  });

  test('hooks see a new group, and one that fails stops it', async () => {
    const seen = join(lab.directory, 'hook-environment');
    await installHook('group-add', 'pre', `env | grep '^GANETI' | sort > ${seen}.pre`);
    await installHook('group-add', 'post', `env | grep '^GANETI' | sort > ${seen}.post`);
    await follow(lab, '$ gnt-group add seen');
    const before = await readFile(`${seen}.pre`, 'utf8');
    for (const line of [
      'GANETI_CLUSTER=cluster.virtual.example',
      'GANETI_GROUP_NAME=seen',
      'GANETI_HOOKS_PATH=group-add',
      'GANETI_HOOKS_PHASE=pre',
      'GANETI_MASTER=node1.virtual.example',
      'GANETI_OBJECT_TYPE=GROUP',
      'GANETI_OP_CODE=OP_GROUP_ADD',
    ])
      assert.ok(before.split('\n').includes(line), `${line} is missing in:\n${before}`);
    assert.match(await readFile(`${seen}.post`, 'utf8'), /^GANETI_POST_GROUP_NAME=seen$/m);
    await installHook('group-remove', 'pre', 'echo not today; exit 3');
    const refused = await lab.run('node1', ['gnt-group', 'remove', 'seen']);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout + refused.stderr, /not today/);
    assert.match(await lab.output('node1', ['gnt-group', 'list', '--no-headers', '-o', 'name']), /^seen$/m);
  });
});
