import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseText } from '../../load/text.ts';
import { variedCluster } from '../../load/varied-cluster.ts';
import { varieties } from '../../load/varieties.fixture.ts';
import { targetsFor, tryAllocate } from '../allocation/allocate.ts';
import { movesOf } from '../balance/general.ts';
import { mergeCluster, settleMemory } from '../loading.ts';
import { applyMove } from '../state/moves.ts';
import { defaultAlgorithmOptions } from '../terms/algorithm-options.ts';
import { type Cluster, wholeOf } from '../terms/cluster.ts';
import { unplaced } from '../terms/instance.ts';
import { Refusal, requiredNodes } from '../terms/vocabulary.ts';
import { explainMoves, explainPlaces } from './explain.ts';
import type { Reason } from './reason.ts';

function load(text: string): Cluster {
  const cluster = mergeCluster(parseText(text), { now: 0 });
  settleMemory(cluster, 0);
  return cluster;
}

/** A reason must name a check that really stands in the way. */
function assertSound({ cause, missing }: Reason): void {
  assert.notEqual(cause, 'refused');
  assert.ok(missing === undefined || missing > 0, cause);
}

test('each refused move is explained with the check that refused it', () => {
  let refused = 0;
  fc.assert(
    fc.property(fc.nat(1e6), varieties, (seed, variety) => {
      const cluster = load(variedCluster(seed, variety));
      const part = wholeOf(cluster);
      for (const instance of part.instances.slice(0, 8)) {
        const moves = movesOf(part, instance, defaultAlgorithmOptions);
        const explained = explainMoves(part, instance, moves, defaultAlgorithmOptions);
        assert.equal(explained.length, moves.length);
        for (const { move, outcome } of explained) {
          const mark = part.nodes.mark();
          const refusal = applyMove(part.nodes, instance, move, false);
          part.nodes.rollback(mark);
          if ('score' in outcome) {
            assert.equal(refusal, Refusal.none);
            continue;
          }
          assert.equal(outcome.reason.refusal, refusal);
          assertSound(outcome.reason);
          refused++;
        }
      }
    }),
    { numRuns: 60, seed: 3 },
  );
  assert.ok(refused > 1000);
});

test('each refused place of a new instance is explained, the counts are those of the allocation', () => {
  fc.assert(
    fc.property(
      fc.nat(1e6),
      varieties,
      fc.constantFrom('drbd', 'plain', 'ext'),
      fc.constantFrom(4096, 16384, 65536),
      fc.constantFrom(10240, 600000),
      (seed, variety, template, memory, disk) => {
        const { nodes, groups, instances } = load(variedCluster(seed, variety));
        const situation = { nodes, list: nodes.order, instanceOf: (index: number) => instances[index]! };
        const instance = unplaced({
          name: 'new',
          memory,
          disk,
          disks: [{ size: disk, spindles: 1 }],
          cpus: 2,
          status: 'running',
          tags: [],
          autoBalance: true,
          template,
          spindleUse: 1,
          nics: [],
          forthcoming: false,
        });
        const options = { ...defaultAlgorithmOptions, capacityChecks: false };
        const targets = targetsFor(situation, groups, options, requiredNodes(template), false);
        if ((targets.kind === 'single' ? targets.nodes : targets.pairs).length === 0) return;
        const { successes, failures } = tryAllocate(situation, instance, targets, options);
        const { fitting, reasons } = explainPlaces(situation, targets, instance, options);
        assert.equal(fitting, successes);
        const counts = [...failures].map(() => 0);
        for (const reason of reasons) {
          assertSound(reason);
          counts[reason.refusal]! += reason.places;
        }
        assert.deepEqual(counts, [...failures]);
      },
    ),
    { numRuns: 100, seed: 4 },
  );
});
