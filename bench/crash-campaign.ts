/**
 * The master daemon is killed at random instants under a mixed load, on a virtual cluster of real daemons:
 *
 *     node bench/crash-campaign.ts [--rounds 50] [--seed 1]
 *
 * A round: jobs are submitted, the daemon gets kill -9 somewhere in the first second (in one round of five once
 * more while it starts), it is started again, and when nothing runs any more everything is checked: no
 * acknowledged job is lost or has another end than was told, what was told to be done is there, the
 * configuration is valid, nothing half done is left (files of disks, guests), no create script ran twice.
 * Exits 1 with the faults when there is one, and names the seed that brings the same load again.
 */
import { chmod, cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { VirtualLab } from '../lab/harness/virtual.ts';
import { sleep } from '../src/kit/clock.ts';
import { connectLuxi, type LuxiClient } from '../src/luxi/client.ts';
import { check, faultsInLog } from './crash/checks.ts';
import { type Acknowledged, type Known, Load, osName } from './crash/load.ts';
import { Chance } from './crash/random.ts';

const nodeCount = 3;
const daemon = 'ganeti-masterd';

/** An OS definition whose create script notes for which instance it ran. */
async function addOs(lab: VirtualLab, log: string): Promise<void> {
  for (let number = 1; number <= nodeCount; number += 1) {
    const folder = join(lab.root(number), 'srv/ganeti/os');
    await cp(join(folder, 'noop'), join(folder, osName), { recursive: true });
    const script = join(folder, osName, 'create');
    await writeFile(script, `#!/bin/sh\necho "$INSTANCE_NAME" >>'${log}'\n`);
    await chmod(script, 0o755);
  }
}

class Campaign {
  readonly #lab: VirtualLab;
  readonly #chance: Chance;
  readonly #load: Load;
  readonly #nodes: readonly string[];
  readonly #createLog: string;
  #known: readonly Known[] = [];
  #logFrom = 0;
  readonly totals = { killed: 0, jobs: 0, interrupted: 0, told: 0, toStart: 0, removedAgain: 0 };

  constructor(lab: VirtualLab, chance: Chance, createLog: string) {
    this.#lab = lab;
    this.#chance = chance;
    this.#createLog = createLog;
    this.#nodes = Array.from({ length: nodeCount }, (_, index) => lab.hostName(index + 1));
    this.#load = new Load(lab.paths('node1').querySocket, chance, this.#nodes);
  }

  async #killTwice(): Promise<void> {
    // In some rounds late enough for folding and forgetting of the journal to be under way.
    await sleep(this.#chance.fraction() * (this.#chance.below(5) === 0 ? 4000 : 1000));
    if (this.#chance.below(5) === 0) {
      this.#lab.killDaemon('node1', daemon);
      this.totals.killed += 1;
      // The supervisor brings the next one up, which unwinds what the first one has left.
      await sleep(300 + this.#chance.fraction() * 600);
    }
    if (this.#lab.daemonPid('node1', daemon) !== undefined) {
      this.#lab.killDaemon('node1', daemon);
      this.totals.killed += 1;
    }
    await this.#lab.output('node1', ['daemon-util', 'start', daemon]);
    await this.#lab.waitForMaster('node1');
  }

  /** @returns what is wrong */
  async round(): Promise<string[]> {
    const stop = new AbortController();
    const before = this.#load.acknowledged.length;
    const work = Promise.all([
      this.#load.submit(this.#known, 6 + this.#chance.below(10)),
      this.#load.submit(this.#known, 6 + this.#chance.below(10)),
      this.#load.watch(stop.signal),
    ]);
    await this.#killTwice();
    stop.abort();
    await work;
    const jobs = this.#load.acknowledged;
    this.totals.jobs += jobs.length - before;
    this.totals.told += jobs.filter(({ end }, index) => index >= before && end !== undefined).length;
    const client = await connectLuxi(this.#lab.paths('node1').querySocket);
    try {
      const ends = await this.#settle(client);
      const checked = () =>
        check(this.#lab, client, { jobs, nodes: this.#nodes, createLog: this.#createLog });
      let found = await checked();
      for (const name of found.halfRemoved) jobs.push(await this.#removeAgain(client, name));
      if (found.halfRemoved.length > 0 && found.faults.length === 0) found = await checked();
      this.#known = found.known;
      this.totals.toStart += found.toStart;
      const { faults, end } = await faultsInLog(this.#lab, 'node1', this.#logFrom);
      this.#logFrom = end;
      await this.#forget(client, found.tags);
      return [...ends, ...found.faults, ...faults];
    } finally {
      client.close();
    }
  }

  async #removeAgain(client: LuxiClient, name: string): Promise<Acknowledged> {
    const opcode = { OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name };
    const id = (await client.call('SubmitJob', [[opcode]])) as number;
    this.totals.removedAgain += 1;
    return { id, kind: 'remove', name, scripted: false, end: await this.#lab.waitForJob('node1', id) };
  }

  /** Waits until no job is open. */
  async #settle(client: LuxiClient): Promise<string[]> {
    for (let waited = 0; waited < 600; waited += 1) {
      const { open, faults } = await this.#load.note(client);
      if (faults.length > 0) return [...faults];
      if (open === 0) return [];
      await sleep(50);
    }
    return ['jobs are still open after 30 s'];
  }

  /** What was checked is cleared away, so that a thousand rounds don't slow down. */
  async #forget(client: LuxiClient, tags: readonly string[]): Promise<void> {
    const errors = this.#load.acknowledged.filter(({ end }) => end === 'error').map(({ id }) => id);
    if (errors.length > 0) {
      const rows = (await client.call('QueryJobs', [errors, ['opresult']])) as unknown[][];
      this.totals.interrupted += rows.filter((row) =>
        JSON.stringify(row).includes('interrupted by a restart'),
      ).length;
    }
    if (tags.length > 20) {
      const id = (await client.call('SubmitJob', [
        [{ OP_ID: 'OP_TAGS_DEL', kind: 'cluster', name: null, tags: [...tags] }],
      ])) as number;
      await this.#lab.waitForJob('node1', id);
    }
    await client.call('AutoArchiveJobs', [-1, 10]);
    this.#load.acknowledged.length = 0;
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { rounds: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
  });
  const rounds = Number(values.rounds);
  const lab = await VirtualLab.up({ nodes: nodeCount });
  const createLog = join(lab.directory, 'created');
  await addOs(lab, createLog);
  const campaign = new Campaign(lab, new Chance(Number(values.seed)), createLog);
  const begun = performance.now();
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const faults = await campaign.round();
      if (faults.length > 0) {
        console.log(`round ${round} with seed ${values.seed}:\n  ${faults.join('\n  ')}`);
        console.log(
          `the last of the log:\n${(await lab.log('node1', 'master-daemon')).split('\n').slice(-40).join('\n')}`,
        );
        return 1;
      }
      if (round % 25 === 0) console.log(`round ${round}: ${JSON.stringify(campaign.totals)}`);
    }
  } finally {
    await lab.down();
  }
  const { killed, jobs, interrupted, told, toStart, removedAgain } = campaign.totals;
  console.log(
    `${killed} kills in ${((performance.now() - begun) / 1000).toFixed(0)} s under ${jobs} acknowledged jobs, ${told} of which had` +
      ` ended before, ${interrupted} were interrupted and undone; ${removedAgain} interrupted removals were asked for again;` +
      ` ${toStart} times an instance was left for the watcher` +
      ' to start. Nothing lost, nothing left over, nothing done twice.',
  );
  return 0;
}

process.exitCode = await main();
