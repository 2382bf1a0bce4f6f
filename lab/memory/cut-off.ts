/**
 * A cluster of memory whose nodes can be cut off while a job works on them, with the queue's part that takes back
 * later what the job could not.
 */
import assert from 'node:assert/strict';
import { MemoryJournal } from '../../src/jobs/durable.ts';
import { StepLedger } from '../../src/jobs/ledger.ts';
import { StrandedSteps } from '../../src/jobs/stranded.ts';
import { Failure } from '../../src/kit/failure.ts';
import { silentLog } from '../../src/kit/log.ts';
import { LockManager } from '../../src/locks/manager.ts';
import { reachOf } from '../../src/masterd/reach.ts';
import type { NodeCall } from '../../src/noderpc/call.ts';
import type { AnyOperation, World } from '../../src/operations/operation.ts';
import { strandedRules } from '../../src/operations/stranded/rules.ts';
import { type MemoryCluster, nodeUuid } from './cluster.ts';
import type { MachineState } from './machine/machine.ts';
import { type Request, runSeen } from './run.ts';

export class CutOff {
  readonly cluster: MemoryCluster;
  readonly ledger = new StepLedger(new MemoryJournal());
  readonly locks = new LockManager();
  readonly steps: StrandedSteps<World>;
  #clock = 0;

  constructor(cluster: MemoryCluster) {
    this.cluster = cluster;
    const { config, nodes } = cluster.world;
    this.steps = new StrandedSteps<World>({
      world: cluster.world,
      ledger: this.ledger,
      rules: strandedRules,
      locks: this.locks,
      log: silentLog,
      reach: (node) => reachOf(node, nodes, config.current),
      release: (owner) => config.reservations.release(owner),
      now: () => this.#clock,
    });
  }

  machine(number: number): MachineState {
    return this.cluster.nodes.machine(nodeUuid(number));
  }

  /** Long after the last one. */
  async round(): Promise<void> {
    this.#clock += 1000;
    await this.steps.round();
  }

  /** Names of the steps that are stranded, each once. */
  stranded(): string[] {
    return [...new Set(this.steps.list().map(({ step }) => step))].sort();
  }

  async run(operation: AnyOperation, request: Request, world = this.cluster.world): Promise<unknown> {
    const { locks, ledger } = this;
    return (await runSeen({ world }, operation, request, undefined, { locks, ledger, job: 7 })).result;
  }

  /** The world in which a node is cut off as soon as the configuration has changed. */
  atCommit(number: number): World {
    const { config } = this.cluster.world;
    const machine = this.machine(number);
    const cut = {
      get current() {
        return config.current;
      },
      reservations: config.reservations,
      flush: () => config.flush(),
      change: async <T>(cause: string, edit: Parameters<typeof config.change<T>>[1]) => {
        const result = await config.change(cause, edit);
        machine.reachable = false;
        return result;
      },
    };
    return { ...this.cluster.world, config: cut };
  }

  /** The world in which a machine is cut off when it has done what that node call asks, before it can say so. */
  atCall(machine: MachineState, name: string): World {
    const { nodes } = this.cluster.world;
    const cut = async <T>(node: string, call: NodeCall<never, never>, answer: Promise<T>): Promise<T> => {
      const result = await answer;
      if (call.name !== name || this.cluster.nodes.machine(node) !== machine) return result;
      machine.reachable = false;
      throw new Failure('RpcError', [`node ${node} is cut off at ${name}`]);
    };
    return {
      ...this.cluster.world,
      nodes: {
        call: (node, call, argument, options) =>
          cut(node, call as never, nodes.call(node, call, argument, options)),
        callAll: (on, call, argument) => nodes.callAll(on, call, argument),
      },
    };
  }

  /** Runs it into the cut; gives what the cluster was before. */
  async strand(operation: AnyOperation, request: Request, world: World): Promise<unknown> {
    const before = this.cluster.snapshot();
    await assert.rejects(this.run(operation, request, world));
    assert.ok(this.steps.list().length > 0, 'the cut leaves something to take back');
    assert.ok(this.steps.list().every(({ retried }) => retried));
    return before;
  }

  /** Everything that was cut off answers again, and what is stranded is tried. */
  async comeBack(): Promise<void> {
    await this.round();
    assert.ok(this.steps.list().length > 0, 'the node is silent still');
    for (const machine of this.cluster.nodes.machines.values()) machine.reachable = true;
    await this.round();
    assert.deepEqual(this.steps.list(), []);
    assert.deepEqual(this.locks.describe(), []);
  }
}
