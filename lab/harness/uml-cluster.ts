/** A cluster of lab nodes as scenarios want it: mirrors, volumes and small QEMU guests, three nodes of one group. */
import assert from 'node:assert/strict';
import type { ProcessResult } from '../../src/kit/process.ts';
import { type NodeName, UmlLab } from './uml.ts';

const domain = 'lab.example';
const bounds =
  'min:memory-size=64,cpu-count=1,disk-count=0,disk-size=16,nic-count=0,spindle-use=1/' +
  'max:memory-size=1024,cpu-count=4,disk-count=16,disk-size=20000,nic-count=8,spindle-use=12';
const guestParameters =
  'kvm:kernel_args=console=ttyS0,kvm_flag=disabled,vhost_net=False,root_path=/dev/vda,initrd_path=/boot/initrd-3-kvmU';

const commandTimeoutMs = 400_000;

/** The full name of a node or an instance. */
export const fullName = (short: string) => `${short}.${domain}`;

export class UmlCluster {
  readonly lab: UmlLab;
  readonly #nodes: number;

  constructor(name: string, nodes = 3) {
    this.lab = new UmlLab({ name });
    this.#nodes = nodes;
  }

  async up(): Promise<void> {
    await this.lab.up({ nodes: this.#nodes, fresh: true });
    await this.run(
      ...[
        'gnt-cluster',
        'init',
        '--vg-name',
        'xenvg',
        '--secondary-ip',
        '10.77.1.11',
        '--master-netdev',
        'br0',
      ],
      ...['--enabled-disk-templates', 'drbd,plain,file,sharedfile,diskless', '--enabled-hypervisors', 'kvm'],
      ...['-N', 'link=br0', '--hypervisor-parameters', guestParameters, '--ipolicy-bounds-specs', bounds],
      fullName('cluster'),
    );
    for (let number = 2; number <= this.#nodes; number += 1) await this.addNode(number);
  }

  addNode(number: number, ...more: readonly string[]): Promise<string> {
    const address = ['--secondary-ip', `10.77.1.1${number}`];
    return this.run('gnt-node', 'add', '--no-ssh-key-check', ...more, ...address, fullName(`node${number}`));
  }

  down(): Promise<void> {
    return this.lab.down({ wipe: true });
  }

  /** A command on the master, which has to succeed. @returns what it printed, both streams */
  async run(...argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tries(...argv);
    assert.equal(code, 0, `${argv.join(' ')}\n${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  }

  /** A command on the master, whatever comes of it. */
  tries(...argv: readonly string[]): Promise<ProcessResult> {
    return this.lab.run('node1', argv, { timeoutMs: commandTimeoutMs });
  }

  /** The command ends with exit code 1 and says this. */
  async refuses(words: RegExp, ...argv: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await this.tries(...argv);
    assert.equal(code, 1, `${argv.join(' ')}\n${stdout}${stderr}`);
    assert.match(`${stdout}${stderr}`, words);
  }

  /** A small guest with one disk of 64 MiB. */
  addInstance(name: string, template: string, nodes: string, ...more: readonly string[]): Promise<string> {
    const place = nodes.split(':').map(fullName).join(':');
    const disk = more.some((word) => word.includes('adopt=')) ? [] : ['--disk', '0:size=64M'];
    return this.run(
      ...['gnt-instance', 'add', '-t', template, '-o', 'busybox+default', '-B', 'memory=96M,vcpus=1'],
      ...[...disk, '-n', place, ...more, fullName(name)],
    );
  }

  /** One field of an instance. */
  async field(instance: string, field: string): Promise<string> {
    const line = await this.run('gnt-instance', 'list', '--no-headers', '-o', field, fullName(instance));
    return line.trim();
  }

  /** Names of the volumes in the volume group of a node. */
  async volumes(node: NodeName): Promise<string[]> {
    const text = await this.lab.output(node, ['lvs', '--noheadings', '-o', 'lv_name', 'xenvg']);
    return text.split(/\s+/).filter((word) => word !== '');
  }

  /** Mirrors of a node that exist, a line each. */
  async mirrors(node: NodeName): Promise<string[]> {
    const text = await this.lab.output(node, ['cat', '/proc/drbd']);
    return text.split('\n').filter((line) => /^ *\d+: cs:/.test(line) && !line.includes('Unconfigured'));
  }

  /** Nothing that `gnt-cluster verify` calls an error. */
  async isSound(): Promise<void> {
    const { stdout, stderr } = await this.tries('gnt-cluster', 'verify');
    const errors = `${stdout}${stderr}`.split('\n').filter((line) => /ERROR:/.test(line));
    assert.deepEqual(errors, []);
  }
}
