import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseText } from '../../load/text.ts';
import { type Variety, variedCluster } from '../../load/varied-cluster.ts';
import { mergeCluster, settleMemory } from '../loading.ts';
import { clusterScore } from '../score/score.ts';
import { ScoreModel } from '../score/score-model.ts';
import { applyMove } from '../state/moves.ts';
import { type AlgorithmOptions, defaultAlgorithmOptions } from '../terms/algorithm-options.ts';
import { type Cluster, type Part, wholeOf } from '../terms/cluster.ts';
import { Refusal } from '../terms/vocabulary.ts';
import { Balancer } from './balancer.ts';
import { FastSearch, fastSearchServes } from './fast.ts';
import { bestMoveGeneral, movesOf } from './general.ts';

const varieties = fc.record({
  groups: fc.constantFrom(1, 1, 2),
  locations: fc.boolean(),
  migrationTags: fc.boolean(),
  exclusionTags: fc.boolean(),
  exclusiveStorage: fc.constant(false),
  forthcoming: fc.constant(false),
  offline: fc.boolean(),
  alike: fc.boolean(),
  onlyDrbd: fc.boolean(),
}) satisfies fc.Arbitrary<Variety>;

const optionSets = fc.record({
  ignoreSoftErrors: fc.boolean(),
  evacuate: fc.boolean(),
  restrictedMigration: fc.boolean(),
  diskMoves: fc.constantFrom(true, true, true, false),
  instanceMoves: fc.constantFrom(true, true, true, false),
});

function load(seed: number, variety: Variety): Cluster {
  const cluster = mergeCluster(parseText(variedCluster(seed, variety)), { now: 0 });
  settleMemory(cluster, 0);
  return cluster;
}

/** Loads of all kinds, so that no two figures are the same. */
function setLoads(cluster: Cluster, seed: number): void {
  const { nodes } = cluster;
  for (const node of nodes.order) {
    nodes.cpuLoad[node] = 0;
    nodes.memoryLoad[node] = 0;
    nodes.diskLoad[node] = 0;
    nodes.networkLoad[node] = 0;
  }
  cluster.instances.forEach((instance, i) => {
    const part = (k: number) => ((seed + i * 7 + k * 3) % 11) / 7;
    instance.load = { cpu: part(1), memory: part(2), disk: part(3), network: part(4) };
    nodes.cpuLoad[instance.primary]! += instance.load.cpu;
    nodes.memoryLoad[instance.primary]! += instance.load.memory;
    nodes.diskLoad[instance.primary]! += instance.load.disk;
    nodes.networkLoad[instance.primary]! += instance.load.network;
    if (instance.secondary >= 0) nodes.diskLoad[instance.secondary]! += instance.load.disk;
  });
}

test('the score of a move from running sums is the score computed in full', () => {
  fc.assert(
    fc.property(fc.nat(1e6), varieties, fc.boolean(), (seed, variety, loads) => {
      const cluster = load(seed, variety);
      if (loads) setLoads(cluster, seed);
      const part = wholeOf(cluster);
      const model = new ScoreModel(part.nodes, part.list);
      for (const instance of part.instances.slice(0, 6)) {
        for (const move of movesOf(part, instance, defaultAlgorithmOptions)) {
          const mark = part.nodes.mark();
          if (applyMove(part.nodes, instance, move, true) === Refusal.none) {
            const full = clusterScore(part.nodes, part.list);
            const changed = part.nodes.touchedSince(mark);
            assert.equal(model.exact(changed), full);
            assert.ok(Math.abs(model.estimate(changed) - full) <= 1e-9 * (1 + full));
          }
          part.nodes.rollback(mark);
        }
      }
    }),
    { numRuns: 25, seed: 1 },
  );
});

test('a move that is taken back, or refused, leaves every figure as it was', () => {
  fc.assert(
    fc.property(fc.nat(1e6), varieties, fc.boolean(), (seed, variety, force) => {
      const cluster = load(seed, {
        ...variety,
        exclusiveStorage: seed % 3 === 0,
        forthcoming: seed % 2 === 0,
      });
      const part = wholeOf(cluster);
      const { nodes } = part;
      const picture = () =>
        JSON.stringify([
          nodes.order.map((node) => [
            [nodes.instanceMemory, nodes.freeMemoryForth, nodes.freeDisk, nodes.freeDiskForth].map(
              (c) => c[node],
            ),
            [nodes.usedCpus, nodes.usedCpusForth, nodes.reservedMemory, nodes.conflicts].map((c) => c[node]),
            [nodes.locationScore, nodes.cpuLoad, nodes.diskLoad, nodes.freeSpindles].map((c) => c[node]),
            nodes.primaries[node],
            nodes.secondaries[node],
            nodes.peers[node],
            [...nodes.tagCounts[node]!],
            [...nodes.pairCounts[node]!],
          ]),
          part.instances.map(({ primary, secondary, locationScore }) => [primary, secondary, locationScore]),
        ]);
      const before = picture();
      for (const instance of part.instances.slice(0, 5)) {
        for (const move of movesOf(part, instance, defaultAlgorithmOptions)) {
          const mark = nodes.mark();
          const refused = applyMove(nodes, instance, move, force);
          if (refused !== Refusal.none) assert.equal(picture(), before);
          nodes.rollback(mark);
          assert.equal(picture(), before);
        }
      }
    }),
    { numRuns: 15, seed: 2 },
  );
});

/** The steps of a balance by one of the searches. */
function plan(part: Part, options: AlgorithmOptions, fast: boolean, most: number): string[] {
  const model = new ScoreModel(part.nodes, part.list);
  const search = fast ? new FastSearch(part, options) : undefined;
  let score = clusterScore(part.nodes, part.list);
  const steps: string[] = [];
  while (steps.length < most && !Number.isNaN(score)) {
    const best =
      search === undefined ? bestMoveGeneral(part, options, model, score) : search.bestMove(model, score);
    if (best === undefined) break;
    const mark = part.nodes.mark();
    const instance = part.instances[best.instance]!;
    applyMove(part.nodes, instance, best.move, options.ignoreSoftErrors);
    const changed = part.nodes.touchedSince(mark);
    part.nodes.release(mark);
    model.settle(changed);
    search?.refresh(changed);
    score = best.score;
    assert.equal(score, clusterScore(part.nodes, part.list));
    steps.push(`${instance.name} ${best.move.kind} ${best.move.target} ${best.score}`);
  }
  return steps;
}

test('the fast search makes the plan of the search that tries every move', () => {
  let compared = 0;
  fc.assert(
    fc.property(fc.nat(1e6), varieties, optionSets, fc.boolean(), (seed, variety, chosen, loads) => {
      const options = { ...defaultAlgorithmOptions, ...chosen };
      const make = () => {
        const cluster = load(seed, variety);
        if (loads) setLoads(cluster, seed);
        return wholeOf(cluster);
      };
      const part = make();
      if (!fastSearchServes(part)) return;
      const slow = plan(make(), options, false, 8);
      assert.deepEqual(plan(part, options, true, 8), slow);
      compared += slow.length;
    }),
    { numRuns: 60, seed: 3 },
  );
  assert.ok(compared > 100, `only ${compared} steps were compared`);
});

test('balancing never worsens the score, and stops', () => {
  fc.assert(
    fc.property(fc.nat(1e6), varieties, (seed, variety) => {
      const cluster = load(seed, {
        ...variety,
        exclusiveStorage: seed % 5 === 0,
        forthcoming: seed % 4 === 0,
      });
      const part = wholeOf(cluster);
      const balancer = new Balancer(part, defaultAlgorithmOptions);
      let last = balancer.score;
      for (let steps = 0; steps < 30; steps++) {
        if (balancer.step() === undefined) break;
        assert.ok(balancer.score < last);
        last = balancer.score;
      }
    }),
    { numRuns: 15, seed: 4 },
  );
});
