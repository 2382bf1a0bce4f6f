/** OP_TEST_DELAY: waits on the master and on nodes; for trying out the job queue. */
import { sleep } from '../../kit/clock.ts';
import { Failure, notSupportedYet } from '../../kit/failure.ts';
import { nodeNamed } from '../../model/lookup.ts';
import { testDelay as testDelayCall } from '../../noderpc/calls/node.ts';
import { TestDelay } from '../../opcodes/test.ts';
import { operation } from '../operation.ts';

interface DelayPlan {
  readonly duration: number;
  readonly onMaster: boolean;
  readonly nodes: readonly string[];
  readonly times: number;
}

export const testDelay = operation({
  opcode: TestDelay,
  steps: [],
  locks: (op, configuration) =>
    op.no_locks
      ? []
      : [
          ...op.on_nodes.map((name) => nodeNamed(configuration, name).uuid),
          ...(op.on_master ? [configuration.cluster.master_node] : []),
        ].map((name) => ({ level: 'node', name, mode: 'exclusive' })),
  plan: async (op, { configuration }): Promise<DelayPlan> => {
    if (op.interruptible) throw notSupportedYet('An interruptible delay');
    if (op.duration <= 0) throw new Failure('OpPrereqError', ['Duration must be greater than zero']);
    return {
      duration: op.duration,
      // One that is told to wait nowhere waits here, without its lock.
      onMaster: op.on_master || op.on_nodes.length === 0,
      nodes: op.on_nodes.map((name) => nodeNamed(configuration, name).uuid),
      times: Math.max(1, op.repeat),
    };
  },
  run: async ({ duration, onMaster, nodes, times }, job) => {
    for (let i = 0; i < times; i += 1) {
      if (times > 1) job.info(`Test delay iteration ${i}/${times - 1}`);
      if (onMaster) await sleep(duration * 1000, job.signal);
      await Promise.all(
        nodes.map((node) => job.world.nodes.call(node, testDelayCall, { duration }, { signal: job.signal })),
      );
    }
    return null;
  },
});
