/**
 * What a durable commit costs, and a start, at several sizes of the cluster. Run by hand:
 *
 *     node bench/config.ts [instances…]      (100 1000 10000 without arguments)
 *
 * Targets at 10,000 instances: commit p50 ≤ 5 ms and p99 ≤ 50 ms, not growing with the number of
 * instances; start ≤ 3 s. Exits 1 when one is missed. "alone" is one commit after the other, "together"
 * 32 at a time; config.data is folded in the background meanwhile.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConfigFile, type OpenStore, openStore } from '../src/config/open.ts';
import { sampleConfiguration } from '../src/config/sample.ts';
import { silentLog } from '../src/kit/log.ts';
import type { Instance } from '../src/model/objects/instance.ts';

interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p99: at(0.99), worst: sorted.at(-1)! };
}

const show = ({ p50, p99, worst }: Spread) =>
  `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, worst ${worst.toFixed(1)} ms`;

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const begun = performance.now();
  const result = await work();
  return [performance.now() - begun, result];
}

/** Turns an instance on or off: the commit that jobs make most. */
function toggle(store: OpenStore, uuids: readonly string[], number: number): Promise<unknown> {
  return store.change(`job ${number}`, (draft) => {
    const instance = draft.instances.get(uuids[(number * 7919) % uuids.length]!) as Instance;
    draft.put('instances', { ...instance, admin_state: number % 2 === 0 ? 'down' : 'up' });
  });
}

async function commits(store: OpenStore, uuids: readonly string[], count: number, width: number) {
  const times: number[] = [];
  let next = 0;
  const one = async () => {
    while (next < count) {
      next += 1;
      const number = next;
      times.push((await timed(() => toggle(store, uuids, number)))[0]);
    }
  };
  const [total] = await timed(() => Promise.all(Array.from({ length: width }, one)));
  return { times: spread(times), perSecond: (count / total) * 1000 };
}

async function measure(instances: number): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-config-'));
  const paths = { configFile: join(folder, 'config.data'), journalDir: join(folder, 'journal') };
  const nodes = Math.max(3, Math.ceil(instances / 50));
  await createConfigFile(
    paths,
    sampleConfiguration({ nodes, instances, mirrored: Math.floor(instances / 2) }),
  );
  const [cold, store] = await timed(() => openStore({ paths, log: silentLog }));
  const uuids = store.current.instances.values().map(({ uuid }) => uuid);
  const alone = await commits(store, uuids, 2000, 1);
  const together = await commits(store, uuids, 5000, 32);
  const [fold] = await timed(() => store.flush());
  const tail = await commits(store, uuids, 2000, 32);
  const [close] = await timed(() => store.close());
  const [start, again] = await timed(() => openStore({ paths, log: silentLog }));
  await again.close();
  const { size } = await stat(paths.configFile);
  await rm(folder, { recursive: true });
  console.log(`${instances} instances, ${nodes} nodes, config.data ${(size / 1e6).toFixed(1)} MB`);
  console.log(`  commits alone       ${show(alone.times)}`);
  console.log(`  commits together    ${show(together.times)}; ${together.perSecond.toFixed(0)} a second`);
  console.log(`  the same again      ${show(tail.times)}; ${tail.perSecond.toFixed(0)} a second`);
  console.log(`  start               ${cold.toFixed(0)} ms, after work ${start.toFixed(0)} ms`);
  console.log(`  fold on demand      ${fold.toFixed(0)} ms, close ${close.toFixed(0)} ms`);
  const kept = alone.times.p50 <= 5 && alone.times.p99 <= 50 && Math.max(cold, start) <= 3000;
  if (!kept) console.log('  MISSED a target');
  return kept;
}

const sizes = process.argv.slice(2).map(Number);
let good = true;
for (const size of sizes.length > 0 ? sizes : [100, 1000, 10_000]) good = (await measure(size)) && good;
console.log(`memory of this process ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
process.exitCode = good ? 0 : 1;
