/**
 * A node is lost for good before any one of the calls that an operation makes, and stays away until the job has ended:
 * the nodes that live and the configuration are as before then, or as after a success. When it is back, what it had
 * kept goes, and all is as before, or as after.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { NodeCaller } from '../../src/noderpc/call.ts';
import { instanceCreate } from '../../src/operations/instance/create.ts';
import { instanceActivateDisks } from '../../src/operations/instance/disks/activate.ts';
import { instanceFailover } from '../../src/operations/instance/failover.ts';
import { instanceMigrate } from '../../src/operations/instance/migrate.ts';
import { instanceReplaceDisks } from '../../src/operations/instance/replace/replace-disks.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { createMemoryCluster, type MemoryCluster, memoryInstance, nodeName, nodeUuid } from './cluster.ts';
import { CutOff } from './cut-off.ts';
import type { MachineState } from './machine/machine.ts';
import type { MemoryNodes } from './nodes.ts';

interface Story {
  readonly title: string;
  readonly operation: AnyOperation;
  readonly request: Readonly<Record<string, unknown>>;
  readonly fresh: () => MemoryCluster;
  /** Numbers of the nodes that are lost, one at a time. */
  readonly lost: readonly number[];
}

const running = () => createMemoryCluster({ instances: [memoryInstance('web1.memory.example')] });
const create = {
  instance_name: 'new1.memory.example',
  mode: 'create',
  os_type: 'noop',
  disks: [{ size: 1024 }],
  nics: [{}],
};
const web1 = { instance_name: 'web1.memory.example' };

const stories: readonly Story[] = [
  {
    title: 'a mirrored instance is made',
    operation: instanceCreate,
    request: { ...create, disk_template: 'drbd', pnode: nodeName(2), snode: nodeName(3) },
    fresh: running,
    // A primary that is silent while its mirror is copied is waited for, which takes a minute.
    lost: [3],
  },
  {
    title: 'a plain instance is made',
    operation: instanceCreate,
    request: { ...create, disk_template: 'plain', pnode: nodeName(2), wait_for_sync: false },
    fresh: running,
    lost: [2],
  },
  {
    title: 'a mirror gets another secondary',
    operation: instanceReplaceDisks,
    request: { ...web1, mode: 'replace_new_secondary', remote_node: nodeName(3), disks: [] },
    fresh: running,
    lost: [3],
  },
  {
    title: 'the secondary gets new storage',
    operation: instanceReplaceDisks,
    request: { ...web1, mode: 'replace_on_secondary', disks: [] },
    fresh: running,
    lost: [2],
  },
  {
    title: 'the primary gets new storage',
    operation: instanceReplaceDisks,
    request: { ...web1, mode: 'replace_on_primary', disks: [] },
    fresh: running,
    lost: [2],
  },
  {
    title: 'a guest moves',
    operation: instanceMigrate,
    request: web1,
    fresh: running,
    lost: [1, 2],
  },
];

interface Snapshot {
  readonly nodes: readonly (readonly [string, unknown])[];
  readonly configuration: unknown;
}

/** How it all is, `without` a node that nobody sees. */
function seen(cluster: MemoryCluster, without?: number): Snapshot {
  const { nodes, configuration } = structuredClone(cluster.snapshot()) as Snapshot;
  const hidden = without === undefined ? undefined : cluster.nodes.machine(nodeUuid(without));
  const isHidden = (key: string) => hidden !== undefined && cluster.nodes.machine(key) === hidden;
  return { nodes: nodes.filter(([key]) => !isHidden(key)), configuration };
}

/** Calls nodes; before one of the calls a machine stops answering. */
class Losing implements NodeCaller {
  readonly #nodes: MemoryNodes;
  readonly #machine: MachineState;
  left: number;

  constructor(nodes: MemoryNodes, machine: MachineState, left: number) {
    this.#nodes = nodes;
    this.#machine = machine;
    this.left = left;
  }

  #count(): void {
    this.left -= 1;
    if (this.left === 0) this.#machine.reachable = false;
  }

  call: NodeCaller['call'] = (node, call, argument) => {
    this.#count();
    return this.#nodes.call(node, call, argument);
  };

  callAll: NodeCaller['callAll'] = (nodes, call, argument) => {
    this.#count();
    return this.#nodes.callAll(nodes, call, argument);
  };
}

interface Outcome {
  readonly cut: CutOff;
  readonly failed: boolean;
  /** The node was lost before the job's end. */
  readonly met: boolean;
}

async function runLosing({ operation, request, fresh }: Story, lost: number, call: number): Promise<Outcome> {
  const cut = new CutOff(fresh());
  const nodes = new Losing(cut.cluster.nodes, cut.machine(lost), call);
  const failed = await cut.run(operation, request, { ...cut.cluster.world, nodes }).then(
    () => false,
    () => true,
  );
  assert.deepEqual(cut.locks.describe(), []);
  return { cut, failed, met: nodes.left <= 0 };
}

/** The node answers again: a few rounds leave nothing stranded. */
async function returns(cut: CutOff, lost: number): Promise<void> {
  cut.machine(lost).reachable = true;
  for (let rounds = 0; rounds < 3; rounds += 1) await cut.round();
  assert.deepEqual(cut.steps.list(), []);
  assert.deepEqual(cut.locks.describe(), []);
}

for (const story of stories) {
  describe(`while ${story.title}`, () => {
    for (const lost of story.lost) {
      test(`node ${lost} is lost before any call`, async () => {
        const whole = await runLosing(story, lost, Number.POSITIVE_INFINITY);
        assert.equal(whole.failed, false);
        const [fresh, done] = [story.fresh(), whole.cut.cluster];
        let failures = 0;
        for (let call = 1; ; call += 1) {
          const { cut, failed, met } = await runLosing(story, lost, call);
          if (!met) break;
          if (!failed) continue;
          failures += 1;
          const { cluster } = cut;
          const isDone = isDeepStrictEqual(seen(cluster).configuration, seen(done).configuration);
          if (!isDone)
            assert.deepEqual(seen(cluster, lost), seen(fresh, lost), `call ${call}: what lives is as before`);
          await returns(cut, lost);
          assert.deepEqual(seen(cluster), seen(isDone ? done : fresh), `call ${call}`);
        }
        assert.ok(failures > 3, `${failures} failures`);
      });
    }
  });
}

/** Everything that a machine knows no more when it has power again. */
function losePower(machine: MachineState): void {
  for (const each of [machine.guests, machine.hardware, machine.active, machine.connection]) each.clear();
  for (const each of [machine.open, machine.accepting]) each.clear();
}

describe('while a guest moves, and what the lost node had is begun anew on the other one', () => {
  const nodes = [2, 3];
  const fresh = () => createMemoryCluster({ instances: [memoryInstance('web1.memory.example', { nodes })] });
  for (const lost of nodes) {
    const other = 5 - lost;
    test(`node ${lost} is lost before any call`, async () => {
      const story: Story = {
        ...{ title: '', operation: instanceMigrate, request: web1, fresh, lost: [lost] },
      };
      let fallen = 0;
      for (let call = 1; ; call += 1) {
        const { cut, met } = await runLosing(story, lost, call);
        if (!met) break;
        const { config } = cut.cluster.world;
        const machine = cut.machine(lost);
        losePower(machine);
        const instance = () => config.current.instances.byName(web1.instance_name)!;
        const setOffline = (offline: boolean) =>
          config.change('offline', (draft) => {
            const node = draft.nodes.get(nodeUuid(lost))!;
            draft.put('nodes', { ...node, offline, master_candidate: !offline });
          });
        if (instance().primary_node === nodeUuid(lost)) {
          await setOffline(true);
          await cut.run(instanceFailover, web1);
          fallen += 1;
        }
        await setOffline(false);
        await returns(cut, lost);
        await cut.run(instanceActivateDisks, web1);
        assert.equal(instance().primary_node, nodeUuid(other), `call ${call}`);
        const of = (number: number) => {
          const { guests, active, connection, accepting } = cut.machine(number);
          return [[...guests.values()], [...active.values()], [...connection], [...accepting]];
        };
        assert.deepEqual(of(other), [['running'], ['primary'], [], []], `call ${call}: where the guest is`);
        assert.deepEqual(of(lost), [[], ['secondary'], [], []], `call ${call}: where it is not`);
      }
      assert.ok(fallen > 2, `${fallen} failovers`);
    });
  }
});
