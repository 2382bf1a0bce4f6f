/** What can be typed wrongly is refused in Ganeti's words, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { follow } from '../harness/transcript.ts';
import { VirtualLab } from '../harness/virtual.ts';

let lab: VirtualLab;

const nodes = ['node1', 'node2', 'node3'] as const;
const prerequisites = '! Failure: prerequisites not met for this operation:\n! error type:';
const execution = '! Failure: command execution error:';

/** An OS definition whose create script gives up. */
async function installFailingOs(root: string): Promise<void> {
  const folder = join(root, 'srv/ganeti/os/failing');
  const scripts = { import: 'exit 0', export: 'exit 0', rename: 'exit 0', verify: 'exit 0' };
  const create = 'echo about to fail >&2\necho no space for a guest >&2\nexit 3';
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ganeti_api_version'), '20\n');
  await writeFile(join(folder, 'variants.list'), 'default\n');
  await writeFile(join(folder, 'parameters.list'), '');
  for (const [name, body] of Object.entries({ ...scripts, create }))
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

async function leavesNothing(): Promise<void> {
  await follow(lab, '$ gnt-instance list --no-headers\n$ gnt-debug locks\nName Mode Owner Pending');
  for (const node of nodes)
    assert.deepEqual(await readdir(join(lab.root(node), 'srv/ganeti/file-storage')), [], node);
}

describe('bad input', () => {
  before(async () => {
    lab = await VirtualLab.up({ nodes: nodes.length });
    for (const node of nodes) await installFailingOs(lab.root(node));
  });
  after(() => lab.down());

  test('options, names and sizes of a new instance', async () => {
    await follow(
      lab,
      `
$ gnt-instance add -t diskless -o noop -n node1 --no-nics
! Error: Command add expects 1 argument(s)
? 1
$ gnt-instance add -t diskless -o noop --no-nics -n nosuch web1.virtual.example
${prerequisites} unknown_entity, error details:
! Node 'nosuch' not known
? 1
$ gnt-instance add -t file -o noop -n node1 --no-nics web1.virtual.example
${prerequisites} wrong_input, error details:
! No disk information specified
? 1
$ gnt-instance add -t file -o noop -n node1 --no-nics -s 1M -B memory=lots web1.virtual.example
! Parameter Error: 'memory' (value lots) is not a valid size. error: Invalid format
? 1
$ gnt-instance add -t plain -o noop -n node1 --no-nics -s 1M web1.virtual.example
! Failure: prerequisites not met for this operation:
! Disk template 'plain' is not enabled in cluster. Enabled disk templates are: diskless,file,sharedfile
? 1
$ gnt-instance add -t diskless -o noop -n node1 --net 0:ip=300.1.1.1 web1.virtual.example
${prerequisites} wrong_input, error details:
! Invalid IP address '300.1.1.1'
? 1
$ gnt-instance add -t diskless -o noop -n node1 -H fake:bogus=1 --no-nics web1.virtual.example
! Parameter Error: Unknown parameter 'bogus'
? 1
`,
    );
    for (const [argument, complaint] of [
      [['--bogus', 'web1'], 'no such option: --bogus'],
      [['-t', 'nosuch', 'web1'], "option -t: invalid choice: 'nosuch'"],
      [['-t', 'file', '-s', '12Q', 'web1'], 'option -s: Unknown unit: Q'],
    ] as const) {
      const { code, stdout, stderr } = await lab.run('node1', ['gnt-instance', 'add', ...argument]);
      assert.deepEqual([code, stdout], [2, ''], complaint);
      assert.ok(stderr.includes(`gnt-instance: error: ${complaint}`), stderr);
    }
    await leavesNothing();
  });

  test('operating systems that are not there, and one that gives up', async () => {
    await follow(
      lab,
      `
$ gnt-instance add -t file -o nosuch -n node1 --no-nics -s 1M web1.virtual.example
${execution}
! OS Parameters validation failed on node node1.virtual.example: Directory for OS nosuch not found in search path
? 1
$ gnt-instance add -t file -o noop+variant -n node1 --no-nics -s 1M web1.virtual.example
${execution}
! OS Parameters validation failed on node node1.virtual.example: OS 'noop' does not support variants ('variant' passed)
? 1
`,
    );
    const add = ['gnt-instance', 'add', '-t', 'file', '-o', 'failing+default', '-n', 'node2', '--no-nics'];
    const failed = await lab.run('node1', [...add, '-s', '4M', 'web1.virtual.example']);
    assert.equal(failed.code, 1);
    assert.match(
      failed.stderr,
      /OS create script failed \(exited with exit code 3\), last lines in the log file:\nabout to fail\nno space for a guest\n/,
    );
    await leavesNothing();
  });

  test('instances, nodes, clusters and jobs that are not there, or are already', async () => {
    await follow(
      lab,
      `
$ gnt-instance startup web1
${prerequisites} wrong_input, error details:
! Selection filter does not match any instances
? 1
$ gnt-instance info web1
${prerequisites} unknown_entity, error details:
! Instance 'web1' not known
? 1
$ gnt-node add --no-ssh-key-check node2.virtual.example
! Node node2.virtual.example already in the cluster (as node2.virtual.example) - please retry with '--readd'
? 1
$ gnt-node remove node1.virtual.example
${prerequisites} wrong_input, error details:
! Node is the master node, failover to another node is required
? 1
$ gnt-cluster init again.virtual.example
${prerequisites} wrong_state, error details:
! Cluster is already initialised
? 1
$ gnt-job cancel 99999
Job <id> not found in queue
? 1
$ gnt-job cancel web1
${prerequisites} wrong_input, error details:
! Invalid job ID passed: invalid literal for int() with base 10: 'web1'
? 1
`,
    );
    await leavesNothing();
  });
});
