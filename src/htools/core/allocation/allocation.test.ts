import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseText } from '../../load/text.ts';
import { type Variety, variedCluster } from '../../load/varied-cluster.ts';
import { mergeCluster, settleMemory } from '../loading.ts';
import { clusterScore } from '../score/score.ts';
import { PairFinder } from '../space/pair-finder.ts';
import { defaultAlgorithmOptions } from '../terms/algorithm-options.ts';
import type { Cluster } from '../terms/cluster.ts';
import { type Instance, unplaced } from '../terms/instance.ts';
import { Refusal } from '../terms/vocabulary.ts';
import { putOnPair, putOnSingle, targetsFor, tryAllocate } from './allocate.ts';
import { DrbdRedundancy, onlyFailovers } from './drbd-redundancy.ts';
import { surelyFit } from './evacuation-bound.ts';
import { canEvacuate } from './evacuation-check.ts';
import { isRedundant } from './global-redundancy.ts';
import { SingleFinder } from './single-finder.ts';

const varieties = fc.record({
  groups: fc.constantFrom(1, 1, 2),
  locations: fc.boolean(),
  migrationTags: fc.boolean(),
  exclusionTags: fc.boolean(),
  exclusiveStorage: fc.constantFrom(false, false, true),
  forthcoming: fc.constantFrom(false, false, true),
  offline: fc.boolean(),
  alike: fc.boolean(),
  onlyDrbd: fc.boolean(),
}) satisfies fc.Arbitrary<Variety>;

function load(seed: number, variety: Variety): Cluster {
  const cluster = mergeCluster(parseText(variedCluster(seed, variety)), { now: 0 });
  settleMemory(cluster, 0);
  return cluster;
}

function fresh(template: Instance['template'], memory: number): Instance {
  return unplaced({
    name: 'new',
    memory,
    disk: 2048,
    disks: [{ size: 2048, spindles: 1 }],
    cpus: 1,
    status: 'running',
    tags: [],
    autoBalance: true,
    template,
    spindleUse: 1,
    nics: [],
    forthcoming: false,
  });
}

const unchecked = { ...defaultAlgorithmOptions, capacityChecks: false };

test('redundancy of DRBD nodes, worked out, is what acting it out gives', () => {
  let judged = 0;
  fc.assert(
    fc.property(fc.nat(1e6), varieties, (seed, variety) => {
      const { nodes, instances } = load(seed, { ...variety, onlyDrbd: true, exclusiveStorage: false });
      const instanceOf = (index: number) => instances[index]!;
      const situation = { nodes, list: nodes.order, instanceOf };
      for (const node of nodes.order) {
        if (!onlyFailovers(nodes, node, instanceOf)) continue;
        judged++;
        assert.equal(new DrbdRedundancy(nodes, [node], instanceOf).holds, canEvacuate(situation, node));
      }
    }),
    { numRuns: 40, seed: 1 },
  );
  assert.ok(judged > 100);
});

test('instances that are sure to fit do fit when it is acted out', () => {
  let short = 0;
  let acted = 0;
  fc.assert(
    fc.property(fc.nat(1e6), varieties, (seed, variety) => {
      const { nodes, instances } = load(seed, { ...variety, onlyDrbd: false });
      const situation = { nodes, list: nodes.order, instanceOf: (index: number) => instances[index]! };
      for (const node of nodes.order) {
        const group = nodes.order.filter((other) => nodes.group[other] === nodes.group[node]);
        const targets = group.filter((other) => other !== node);
        const own = nodes.primaries[node]!.map(situation.instanceOf);
        const moved = own.filter(({ mirror }) => mirror === 'external');
        const remade = own.filter(({ template }) => template === 'plain' || template === 'file');
        const sure = surelyFit(nodes, node, targets, moved, remade);
        const alone = own.length > 0 && moved.length + remade.length === own.length;
        const answer = canEvacuate(situation, node, false);
        if (sure && alone) {
          assert.equal(answer, true);
          short++;
        } else acted++;
        assert.equal(canEvacuate(situation, node), answer);
      }
    }),
    { numRuns: 60, seed: 5 },
  );
  assert.ok(short > 20 && acted > 20, `${short} were sure, ${acted} were not`);
});

test('redundancy with one more DRBD instance, worked out, is what putting it there gives', () => {
  fc.assert(
    fc.property(fc.nat(1e6), varieties, fc.constantFrom(1024, 8192), (seed, variety, memory) => {
      const { nodes, instances } = load(seed, { ...variety, onlyDrbd: true, exclusiveStorage: false });
      const instanceOf = (index: number) => instances[index] ?? instance;
      const instance = fresh('drbd', memory);
      instance.index = instances.length;
      const quick = new DrbdRedundancy(nodes, nodes.order, instanceOf);
      for (const primary of nodes.order) {
        for (const secondary of nodes.order) {
          if (primary === secondary) continue;
          const mark = nodes.mark();
          if (putOnPair(nodes, primary, secondary, instance, false) === Refusal.none) {
            nodes.place(instance, primary, secondary, 0);
            const acted = isRedundant(nodes, nodes.order, instanceOf, defaultAlgorithmOptions);
            nodes.rollback(mark);
            assert.equal(quick.holdsWith(instance, primary, secondary), acted);
          } else nodes.rollback(mark);
        }
      }
    }),
    { numRuns: 25, seed: 2 },
  );
});

test('the pair found by bounds, and the refusals counted per node, are those of trying every pair', () => {
  fc.assert(
    fc.property(fc.nat(1e6), varieties, fc.constantFrom(512, 4096, 30000), (seed, variety, memory) => {
      const { nodes, groups, instances } = load(seed, variety);
      const situation = { nodes, list: nodes.order, instanceOf: (index: number) => instances[index]! };
      const targets = targetsFor(situation, groups, unchecked, 2, true);
      if (targets.kind !== 'pair' || targets.pairs.length === 0) return;
      const candidates = targets.pairs.map(({ primary }) => primary);
      const template = fresh('drbd', memory);
      const finder = new PairFinder(nodes, nodes.order, candidates, template, false);
      for (let count = 0; count < 12; count++) {
        const instance = template.with({ name: `new-${count}` });
        const { best, failures } = tryAllocate(situation, instance, targets, unchecked);
        const found = finder.best();
        assert.deepEqual(found && [found.primary, found.secondary], best?.nodes);
        assert.deepEqual([...finder.failures()], [...failures]);
        assert.equal(
          finder.fits(() => true),
          best !== undefined,
        );
        if (best === undefined) break;
        const [primary, secondary] = best.nodes as [number, number];
        instance.index = 1000 + count;
        putOnPair(nodes, primary, secondary, instance, false);
        finder.refresh([primary, secondary]);
      }
    }),
    { numRuns: 40, seed: 3 },
  );
});

test('the single node found is the last one of the best score', () => {
  fc.assert(
    fc.property(fc.nat(1e6), varieties, fc.constantFrom('plain', 'ext'), (seed, variety, template) => {
      const { nodes } = load(seed, variety);
      const candidates = nodes.order.filter((node) => nodes.offline[node] === 0);
      const instance = fresh(template as 'plain' | 'ext', 1024);
      const put = (node: number) => putOnSingle(nodes, node, instance, false);
      const finder = new SingleFinder(nodes, nodes.order, candidates, put);
      for (let count = 0; count < 8; count++) {
        let best: { node: number; score: number } | undefined;
        for (const node of candidates) {
          const mark = nodes.mark();
          if (put(node) === Refusal.none) {
            const score = clusterScore(nodes, nodes.order);
            if (best === undefined || score <= best.score) best = { node, score };
          }
          nodes.rollback(mark);
        }
        assert.equal(finder.best(), best?.node);
        if (best === undefined) break;
        put(best.node);
        finder.refresh([best.node]);
      }
    }),
    { numRuns: 30, seed: 4 },
  );
});
