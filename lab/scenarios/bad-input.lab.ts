/**
 * Bad input and bad luck on real nodes: each must end with exit code 1, say why in Ganeti's words, and leave
 * nothing behind: no volume, mirror, configuration entry, lock, tap, link, process, and no trace on a host that
 * did not become a node.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProcessResult } from '../../src/kit/process.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'bad' });
const prerequisites = 'Failure: prerequisites not met for this operation:\nerror type: ';
const execution = 'Failure: command execution error:\n';
const name = 'test1.lab.example';
const mirror = ['-t', 'drbd', '-n', 'node1.lab.example:node2.lab.example'];

const bounds =
  'min:memory-size=64,cpu-count=1,disk-count=0,disk-size=16,nic-count=0,spindle-use=1/' +
  'max:memory-size=1024,cpu-count=4,disk-count=16,disk-size=20000,nic-count=8,spindle-use=12';

interface InitChoices {
  readonly vg?: string;
  readonly secondary?: string;
  readonly cluster?: string;
  readonly device?: string;
}

function init(choices: InitChoices = {}): string[] {
  const { vg = 'xenvg', secondary = '10.77.1.11', cluster = 'cluster.lab.example', device = 'br0' } = choices;
  return [
    ...['gnt-cluster', 'init', '--vg-name', vg, '--secondary-ip', secondary, '--master-netdev', device],
    ...['--enabled-disk-templates', 'drbd,plain,diskless', '--enabled-hypervisors', 'kvm', '-N', 'link=br0'],
    '--hypervisor-parameters',
    'kvm:kernel_args=console=ttyS0,kvm_flag=disabled,vhost_net=False,root_path=/dev/vda,initrd_path=/boot/initrd-3-kvmU',
    ...['--ipolicy-bounds-specs', bounds, cluster],
  ];
}

function add(...more: string[]): string[] {
  const common = ['gnt-instance', 'add', '-o', 'busybox+default', '-B', 'memory=96M,vcpus=1'];
  return [...common, ...more, name];
}

const addNode = (node: string, ...more: string[]) => {
  const target = `${node}.lab.example`;
  return ['gnt-node', 'add', '--no-ssh-key-check', ...more, target];
};

/** The command ends with this code, and its last words contain all of these. */
async function fails(argv: readonly string[], ...words: readonly string[]): Promise<ProcessResult> {
  const result = await lab.run('node1', argv, { timeoutMs: 300_000 });
  assert.equal(result.code, 1, `${argv.join(' ')}\n${result.stdout}\n${result.stderr}`);
  for (const word of words) {
    assert.ok(result.stderr.includes(word), `${argv.join(' ')} says\n${result.stderr}\ninstead of\n${word}`);
  }
  return result;
}

/** Everything that an instance could leave on a node. */
const instanceTraces = `
lvs --noheadings -o lv_name xenvg
grep '^ *[0-9]*: cs:' /proc/drbd 2>/dev/null | grep -v Unconfigured || :
ls -A /var/run/ganeti/instance-disks 2>/dev/null || :
ls /sys/class/net | grep -i tap || :
pgrep -a qemu || :
find /var/run/ganeti/kvm-hypervisor -type f -o -type s 2>/dev/null || :`;

async function leavesNothing(): Promise<void> {
  for (const node of ['node1', 'node2', 'node3'])
    assert.equal(await lab.script(node, instanceTraces), '', node);
  assert.equal(await lab.output('node1', ['gnt-instance', 'list', '--no-headers', '-o', 'name']), '');
  const config = await lab.output('node1', ['cat', '/var/lib/ganeti/config.data']);
  assert.ok(!config.includes(name), 'the configuration still knows the instance');
  const locks = await lab.output('node1', ['gnt-debug', 'locks', '--no-headers', '-o', 'name,owner,pending']);
  const held = locks
    .split('\n')
    .filter((line) => line !== '' && !/^\S+\s+(None|-)\s+(None|-)\s*$/.test(line));
  assert.deepEqual(held, []);
}

/** A host on which nothing of a cluster is. */
async function isNoNode(node: string): Promise<void> {
  const traces = await lab.script(
    node,
    'find /var/lib/ganeti -type f; pgrep -a -f "dist/noded[.]js|gantry-supervis[e]" || :; find /var/run/ganeti -name "*.pid" 2>/dev/null || :',
  );
  assert.equal(traces, '', node);
}

/** Until a command of the node has printed this. */
const until = (node: string, argv: readonly string[], text: string) =>
  lab.waitFor(node, argv, (output) => (output.includes(text) ? true : undefined), 90_000);

describe('bad input on real nodes', () => {
  before(async () => {
    await lab.up({ nodes: 3, fresh: true });
  });
  after(() => lab.down({ wipe: true }));

  test('of gnt-cluster init', async () => {
    await fails(
      init({ vg: 'nosuch' }),
      `${prerequisites}wrong_input`,
      "Error: volume group 'nosuch' missing",
    );
    await fails(
      init({ secondary: '10.77.1.77' }),
      `${prerequisites}environment_error`,
      'You gave 10.77.1.77 as secondary IP, but it does not belong to this host.',
    );
    await fails(init({ secondary: '300.1.1.1' }), 'has to be a valid IPv4 address');
    await fails(init({ device: 'nosuch0' }), 'Invalid master netdev given (nosuch0)');
    await isNoNode('node1');
    await lab.output('node1', init());
    await fails(init(), `${prerequisites}wrong_state`, 'Cluster is already initialised');
  });

  test('of gnt-node add', async () => {
    const secondary = ['--secondary-ip', '10.77.1.12'];
    await fails(
      addNode('node2', '--secondary-ip', '10.77.1.99'),
      execution,
      "Node claims it doesn't have the secondary ip you gave (10.77.1.99) - please fix and re-run this command",
    );
    await isNoNode('node2');
    await fails(addNode('node2'), "The master has a secondary ip but the new node doesn't have one");
    await isNoNode('node2');
    await fails(addNode('node2', ...secondary, '-g', 'nosuch'), `${prerequisites}unknown_entity`);
    await isNoNode('node2');
    await fails(addNode('nosuch'), `${prerequisites}resolver_error`, 'does not resolve');
    await fails(
      addNode('node1', ...secondary),
      "already in the cluster (as node1.lab.example) - please retry with '--readd'",
    );
    await lab.output('node2', ['vgrename', 'xenvg', 'other']);
    await fails(addNode('node2', ...secondary), execution, "volume group 'xenvg' missing");
    await lab.output('node2', ['vgrename', 'other', 'xenvg']);
    await isNoNode('node2');
    await lab.output('node2', ['date', '-s', '+1 hour']);
    await fails(addNode('node2', ...secondary), execution, "clock differs from the master's by 3600 s");
    await lab.output('node2', ['date', '-s', '-1 hour']);
    await isNoNode('node2');
  });

  test('of gnt-node add for a node of another cluster, which stays what it is', async () => {
    await lab.script('node3', 'echo 10.77.0.101 cluster2.lab.example >>/etc/hosts');
    await lab.output('node3', init({ secondary: '10.77.1.13', cluster: 'cluster2.lab.example' }));
    await fails(
      addNode('node3', '--secondary-ip', '10.77.1.13'),
      execution,
      "another cluster ('cluster2.lab.example')",
    );
    assert.match(await lab.output('node3', ['gnt-node', 'list', '--no-headers', '-o', 'name']), /^node3/);
    await lab.output('node3', ['gnt-cluster', 'destroy', '--yes-do-it']);
    await isNoNode('node3');
    assert.doesNotMatch(await lab.output('node3', ['ip', 'addr']), /10\.77\.0\.101/);
    for (const number of [2, 3])
      await lab.output('node1', addNode(`node${number}`, '--secondary-ip', `10.77.1.1${number}`));
  });

  test('an OS script that fails', async () => {
    await fails(
      add(...mirror, '--disk', '0:size=64M', '-O', 'fail=create'),
      execution,
      'OS create script failed (exited with exit code 1), last lines in the log file:\n',
      'create fails because the OS parameter fail=create asks for it',
    );
    await leavesNothing();
  });

  test('QEMU that does not start', async () => {
    const disk = ['--disk', '0:size=64M'];
    await fails(
      add(...mirror, ...disk, '-H', 'kvm:machine_version=nonsense'),
      `${prerequisites}wrong_input`,
      'Unsupported machine version: nonsense',
    );
    await fails(
      add(...mirror, ...disk, '-H', 'kvm:kernel_path=/etc/passwd'),
      execution,
      'qemu: linux kernel too old to load a ram disk',
    );
    await leavesNothing();
  });

  test('a full volume group, known before or found out on the way', async () => {
    await fails(
      add('-t', 'plain', '-n', 'node3.lab.example', '--disk', '0:size=18000M', '--disk', '1:size=18000M'),
      `${prerequisites}insufficient_resources`,
      'Not enough disk space on target node node3.lab.example vg xenvg: required 36000 MiB, available ',
    );
    await lab.script(
      'node2',
      `mkdir -p /etc/ganeti/hooks/instance-add-pre.d
      cd /etc/ganeti/hooks/instance-add-pre.d
      printf '#!/bin/sh\\nlvcreate -qqy -Wn -n filler -l 99%%FREE xenvg\\n' >fill
      chmod 755 fill`,
    );
    await fails(
      add(...mirror, '--disk', '0:size=512M'),
      execution,
      "Can't create block device disk/0 (drbd, 512M): Node node2.lab.example: Not enough free space: required 512",
    );
    await lab.script('node2', 'rm -r /etc/ganeti/hooks; lvremove -qqy xenvg/filler');
    await leavesNothing();
  });

  test('a job that is cancelled while disks sync', async () => {
    const submitted = await lab.run('node1', add('--submit', ...mirror, '--disk', '0:size=4096M'));
    const job = /^JobID: (\d+)$/m.exec(submitted.stderr)?.[1];
    assert.ok(job !== undefined, submitted.stderr);
    await until('node1', ['cat', '/proc/drbd'], "sync'ed");
    await lab.run('node1', ['gnt-job', 'cancel', job]);
    await until('node1', ['gnt-job', 'list', '--no-headers', '-o', 'id,status', job], 'canceled');
    await leavesNothing();
  });
});
