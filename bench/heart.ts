/**
 * What every command stands on, held to its targets: jobs, commits, listings, memory and start of the master
 * daemon. Run by hand:
 *
 *     node bench/heart.ts [--no-ganeti] [--instances 10000] [--nodes 200] [--only jobs,commits,large,small]
 *
 * Jobs also run on real Ganeti (ganeti/real) in the same run, where it can be had. Targets are for 2 processors
 * that do nothing else; exits 1 when one is missed, and says what load there was.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { VirtualLab } from '../lab/harness/virtual.ts';
import { messageOf } from '../src/kit/failure.ts';
import { runChecked } from '../src/kit/process.ts';
import { ganetiCluster, memoryOf } from './clusters.ts';
import { latencies, throughput } from './heart/jobs.ts';
import { enlarge } from './heart/large.ts';
import { at, type Figure, isMet, line, median } from './heart/measured.ts';

const { values: options } = parseArgs({
  options: {
    'no-ganeti': { type: 'boolean', default: false },
    instances: { type: 'string', default: '10000' },
    nodes: { type: 'string', default: '200' },
    only: { type: 'string', default: 'jobs,commits,large,small' },
  },
});
const parts = options.only.split(',');
const figures: Figure[] = [];
const report = (figure: Figure) => {
  figures.push(figure);
  console.log(line(figure));
};
const lower = (limit: number) => ({ limit, better: 'lower' as const });
const load = () => `load ${loadavg()[0]!.toFixed(1)} on ${navigator.hardwareConcurrency} processors`;

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Real Ganeti's jobs: few, since each takes half a second. */
async function jobsOfGaneti(): Promise<{ perSecond: number; p50: number } | undefined> {
  if (options['no-ganeti']) return undefined;
  try {
    const cluster = await ganetiCluster();
    try {
      const socket = await cluster.socket();
      return { p50: median(await latencies(socket, 10)), perSecond: await throughput(socket, 30, 16) };
    } finally {
      await cluster.down();
    }
  } catch (error) {
    console.log(`real Ganeti can't run here: ${messageOf(error)}`);
    return undefined;
  }
}

/** Milliseconds of a processor that each daemon, and this process as client, has used. */
function processorTimes(lab: VirtualLab): Map<string, number> {
  // proc(5): utime and stime, in hundredths of a second.
  const of = (pid: number) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  };
  const times = new Map([['masterd', of(lab.daemonPid('node1', 'ganeti-masterd')!)]]);
  for (const node of ['node1', 'node2', 'node3'])
    times.set(`noded of ${node}`, of(lab.daemonPid(node, 'ganeti-noded')!));
  return times.set('client', of(process.pid));
}

async function jobs(): Promise<void> {
  const ganeti = await jobsOfGaneti();
  const lab = await VirtualLab.up({ nodes: 3 });
  try {
    const socket = lab.paths('node1').querySocket;
    await throughput(socket, 500, 8);
    const times = await latencies(socket, 300);
    report({
      name: 'no-op job, submit to done, p50',
      unit: 'ms',
      value: median(times),
      target: lower(20),
      detail: `p99 ${at(times, 0.99).toFixed(1)} ms`,
      ...(ganeti && { ganeti: ganeti.p50 }),
    });
    const before = processorTimes(lab);
    const perSecond = await throughput(socket, 3000, 16);
    const after = processorTimes(lab);
    const used = [...after].map(
      ([name, time]) => `${name} ${((time - before.get(name)!) / 3000).toFixed(2)}`,
    );
    report({
      name: 'no-op jobs, 16 clients, two candidates',
      unit: '/s',
      value: perSecond,
      detail: `ms of a processor each: ${used.join(', ')}`,
      target: { limit: 500, better: 'higher' },
      ...(ganeti && { ganeti: ganeti.perSecond }),
    });
  } finally {
    await lab.down();
  }
}

/** In a process of its own, as bench/config.ts prints it. */
function commits(): void {
  const output = execFileSync(
    process.execPath,
    [resolve(import.meta.dirname, 'config.ts'), options.instances],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [, p50, p99] = /commits alone +p50 ([\d.]+) ms, p99 ([\d.]+) ms/.exec(output)!;
  report({
    name: `commit at ${options.instances} instances, p50`,
    unit: 'ms',
    value: Number(p50),
    target: lower(5),
  });
  report({
    name: `commit at ${options.instances} instances, p99`,
    unit: 'ms',
    value: Number(p99),
    target: lower(50),
  });
}

const staticFields = 'name,uuid,pnode,snodes,os,hypervisor,disk_template,be/memory,be/vcpus,tags,admin_state';

async function listing(lab: VirtualLab, fields: readonly string[], runs: number): Promise<number[]> {
  // As a shell on the node would run it.
  const program = resolve(import.meta.dirname, '..', 'bin', 'gnt-instance');
  const env = lab.nodeEnvironment('node1');
  const times: number[] = [];
  for (let run = 0; run <= runs; run += 1)
    times.push(await millisecondsOf(() => runChecked([program, 'list', ...fields], { env })));
  return times.slice(1);
}

async function large(): Promise<void> {
  const [nodes, instances] = [Number(options.nodes), Number(options.instances)];
  const lab = await VirtualLab.up({ nodes: 3 });
  try {
    await enlarge(lab, nodes, instances);
    const starts: number[] = [];
    for (let run = 0; run < 3; run += 1) {
      if (run > 0) await lab.output('node1', ['daemon-util', 'stop', 'ganeti-masterd']);
      starts.push(
        await millisecondsOf(async () => {
          await lab.output('node1', ['daemon-util', 'start', 'ganeti-masterd']);
          await lab.waitForMaster('node1');
        }),
      );
    }
    const size = `${instances} instances, ${nodes} nodes`;
    report({ name: `start, ${size}`, unit: 'ms', value: median(starts), target: lower(3000) });
    const times = await listing(lab, ['--no-headers', '-o', staticFields], 5);
    report({
      name: `list of ${instances}, static fields`,
      unit: 'ms',
      value: median(times),
      target: lower(1000),
    });
    const socket = lab.paths('node1').querySocket;
    const noops = await latencies(socket, 100);
    const perSecond = await throughput(socket, 1000, 16);
    report({ name: `no-op job, ${instances} instances, p50`, unit: 'ms', value: median(noops) });
    report({ name: `no-op jobs, ${instances} instances`, unit: '/s', value: perSecond });
    await listing(lab, [], 1);
    const pid = lab.daemonPid('node1', 'ganeti-masterd')!;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]);
    report({
      name: `memory of masterd, ${size}`,
      unit: 'MiB',
      value: kilobytes('VmRSS') / 1024,
      target: lower(400),
      detail: `highest ${(kilobytes('VmHWM') / 1024).toFixed(0)} MiB`,
    });
    console.log(`  of node1 in all ${(await memoryOf(lab.root('node1'))).resident.toFixed(0)} MiB`);
  } finally {
    await lab.down();
  }
}

/** 200 instances that three nodes with daemons have: the usual listing, which asks the nodes. */
async function small(): Promise<void> {
  const lab = await VirtualLab.up({ nodes: 3 });
  try {
    const client = await lab.luxi('node1');
    const create = (index: number) => [
      {
        OP_ID: 'OP_INSTANCE_CREATE',
        instance_name: `inst${index}.virtual.example`,
        mode: 'create',
        disk_template: 'diskless',
        disks: [],
        nics: [],
        os_type: 'noop',
        pnode: lab.hostName((index % 3) + 1),
        hypervisor: 'fake',
        beparams: { memory: 16 },
        name_check: false,
        ip_check: false,
      },
    ];
    const ids = (await client.call('SubmitManyJobs', [
      Array.from({ length: 200 }, (_, index) => create(index + 1)),
    ])) as [boolean, number][];
    for (const [, id] of ids) {
      const end = await lab.waitForJob('node1', id);
      if (end !== 'success') throw new Error(`job ${id} ended as ${end}`);
    }
    const live = await listing(lab, [], 15);
    report({ name: 'list of 200 instances, as usual', unit: 'ms', value: median(live), target: lower(120) });
    const fixed = await listing(lab, ['-o', staticFields], 15);
    report({
      name: 'list of 200 instances, static fields',
      unit: 'ms',
      value: median(fixed),
      target: lower(120),
    });
    const none = await listing(lab, ['--help'], 15);
    report({ name: 'start of the command alone (--help)', unit: 'ms', value: median(none) });
  } finally {
    await lab.down();
  }
}

const runs: Readonly<Record<string, () => Promise<void> | void>> = { jobs, commits, large, small };
console.log(`before: ${load()}`);
for (const part of parts) await runs[part]!();
console.log(`after: ${load()}`);
process.exitCode = figures.every(isMet) ? 0 : 1;
