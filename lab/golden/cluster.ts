/**
 * Three nodes as the transcripts were recorded on: node1..3.gnt.test at 10.77.0.11 and up, with eth0, br0 and br1, in
 * a network namespace that ends with this process. Commands see their node's files where Ganeti's are.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ProcessResult, runChecked, runProcess } from '../../src/kit/process.ts';

const program = resolve(import.meta.dirname, '..', 'virtual');
const domain = 'gnt.test';
const prefix = '10.77.0';
const nodes = ['node1', 'node2', 'node3'];

function hosts(): string {
  const count = (length: number) => Array.from({ length }, (_, index) => index + 1);
  return [
    '127.0.0.1 localhost',
    `${prefix}.1 cluster.${domain} cluster`,
    ...count(9).map((n) => `${prefix}.${10 + n} node${n}.${domain} node${n}`),
    ...count(250).map((n) => `10.77.1.${n} inst${n}.${domain} inst${n}`),
    '',
  ].join('\n');
}

const links: readonly (readonly string[])[] = [
  ['link', 'set', 'lo', 'up'],
  ['link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'wire'],
  ['link', 'add', 'br0', 'type', 'bridge'],
  ['link', 'add', 'br1', 'type', 'bridge'],
  ...['wire', 'eth0', 'br0', 'br1'].map((name) => ['link', 'set', name, 'up']),
  ...nodes.map((_, index) => ['addr', 'add', `${prefix}.${11 + index}/24`, 'dev', 'eth0']),
];

export class GoldenCluster {
  readonly #folder = mkdtempSync(join(tmpdir(), 'gantry-golden-'));
  readonly #environment: Readonly<Record<string, string>>;

  private constructor() {
    this.#environment = {
      GANTRY_VIRTUAL_DIR: this.#folder,
      GANTRY_VIRTUAL_PREFIX: prefix,
      GANTRY_VIRTUAL_DOMAIN: domain,
      LC_ALL: 'C.UTF-8',
    };
    process.once('exit', () => {
      spawnSync(program, ['down', '--wipe'], { env: { ...process.env, ...this.#environment } });
    });
  }

  /** In the network namespace that the process runs in, which must be nobody else's. */
  static async up(): Promise<GoldenCluster> {
    for (const argv of links) await runChecked(['ip', ...argv]);
    return await GoldenCluster.again();
  }

  /** Another cluster, after the one before has gone down. */
  static async again(): Promise<GoldenCluster> {
    const cluster = new GoldenCluster();
    await cluster.#virtual('up', '-n', String(nodes.length));
    for (const node of nodes) cluster.#furnish(cluster.#root(node));
    return cluster;
  }

  #root(node: string): string {
    return join(this.#folder, node);
  }

  #furnish(root: string): void {
    writeFileSync(join(root, 'etc/hosts'), hosts());
    // At first it wasn't shared between the recorded nodes, and failovers failed for it: see `share`.
    const shared = join(root, 'srv/ganeti/shared-file-storage');
    rmSync(shared);
    mkdirSync(shared);
    const os = join(import.meta.dirname, 'os');
    rmSync(join(root, 'srv/ganeti/os/noop'), { recursive: true, force: true });
    mkdirSync(join(root, 'usr/share/ganeti/os'), { recursive: true });
    cpSync(join(os, 'noop'), join(root, 'usr/share/ganeti/os/noop'), { recursive: true });
    cpSync(join(os, 'testos'), join(root, 'srv/ganeti/os/testos'), { recursive: true });
  }

  /** From here on shared file storage is one for all nodes. */
  share(): void {
    const one = join(this.#folder, 'shared-file-storage');
    mkdirSync(one, { recursive: true });
    for (const node of nodes) {
      const place = join(this.#root(node), 'srv/ganeti/shared-file-storage');
      rmSync(place, { recursive: true });
      symlinkSync(one, place);
    }
  }

  #virtual(...argv: string[]): Promise<ProcessResult> {
    return runProcess([program, ...argv], { env: this.#environment, timeoutMs: 120_000 });
  }

  kill = (node: string) => this.#virtual('kill', node);
  start = (node: string) => this.#virtual('start', node);

  /** A line at the node's shell. What it prints names files as the node sees them. */
  async type(node: string, line: string): Promise<ProcessResult> {
    const root = this.#root(node);
    const here = line
      // SSH is between machines, and these nodes share one.
      .replace(/^gnt-cluster init (?=.*nic-parameters link=br0 cluster)/, '$&--no-ssh-init --no-etc-hosts ')
      // What upstream can do since, and asks since.
      .replace(/^gnt-network rename net1 netX$/, 'gnt-network')
      .replace(/^gnt-instance rename --no-name-check inst4.*$/, 'false')
      .replace(/^gnt-instance modify(?=.*--net )/, '$& --no-hotplug')
      // Upstream has turned these checks off since: see `gnt-instance add --help`.
      .replace(/ --no-ip-check\b/, '')
      .replace(/^gnt-(?:instance (?:add|rename)|backup import)(?= )(?!.* --no-name-check)/, '$& --name-check')
      .replace(/ --no-name-check\b/, '')
      .replaceAll('/usr/lib/ganeti/daemon-util', 'daemon-util')
      .replaceAll(/(?<![\w/.])\/(?=(?:var|srv|etc)\/)/g, `${root}/`);
    const seen = await this.#virtual('run', node, 'sh', '-c', here);
    const asSeenThere = (text: string) =>
      nodes.reduce((so, name) => so.replaceAll(this.#root(name), ''), text);
    return { ...seen, stdout: asSeenThere(seen.stdout), stderr: asSeenThere(seen.stderr) };
  }

  async down(): Promise<void> {
    await this.#virtual('down', '--wipe');
  }
}
