/** Disks after the reboot of a secondary, and those that a look at the group finds inactive. */
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import type { LuxiClient } from '../luxi/client.ts';
import { mendAfterReboots, verifyDisks } from './disks.ts';
import type { GroupData } from './group-data.ts';
import type { WatchedInstance } from './instances.ts';
import { Notepad } from './state.ts';

type Opcode = Readonly<Record<string, unknown>>;

/** A master whose jobs succeed, but for those of instances that it calls broken. */
class Master {
  readonly jobs: Opcode[][] = [];
  readonly archived: number[] = [];
  inactive: string[] = [];
  broken = '';

  call = async (method: string, args: readonly unknown[]): Promise<unknown> => {
    if (method === 'SubmitJob') {
      this.jobs.push(args[0] as Opcode[]);
      return this.jobs.length;
    }
    if (method === 'ArchiveJob') {
      this.archived.push(args[0] as number);
      return true;
    }
    assert.equal(method, 'QueryJobs');
    const opcodes = this.jobs[(args[0] as [number])[0] - 1]!;
    if (opcodes.some(({ instance_name: name }) => name === this.broken))
      return [['error', [['OpExecError', ['its node is on fire']]]]];
    const isLook = opcodes[0]!.OP_ID === 'OP_GROUP_VERIFY_DISKS';
    return [['success', isLook ? [[{}, this.inactive, {}]] : opcodes.map(() => [])]];
  };

  get client(): LuxiClient {
    return { call: this.call, close: () => {} } as unknown as LuxiClient;
  }

  activated = () =>
    this.jobs.map((opcodes) =>
      opcodes
        .filter(({ OP_ID: id }) => id === 'OP_INSTANCE_ACTIVATE_DISKS')
        .map(({ instance_name: name }) => name),
    );
}

const instance = (name: string, more: Partial<WatchedInstance> = {}): [string, WatchedInstance] => [
  name,
  {
    name,
    status: 'running',
    adminState: 'up',
    disksActive: true,
    secondaries: ['node2'],
    template: 'drbd',
    ...more,
  } as WatchedInstance,
];
const node = (name: string, bootId: string, secondaryOf: string[] = [], offline = false) =>
  [name, { name, bootId, offline, secondaryOf }] as const;

describe('disks', () => {
  let master: Master;
  let notepad: Notepad;
  beforeEach(() => {
    master = new Master();
    notepad = new Notepad('{"node": {"node1": {"bootid": "1"}, "node2": {"bootid": "1"}}}', () => 0);
  });
  const mend = (data: GroupData, started: readonly string[] = []) =>
    mendAfterReboots(master.client, data, new Set(started), notepad, silentLog);

  test('of instances whose secondary has rebooted are activated, once', async () => {
    const data: GroupData = {
      instances: new Map([
        instance('web1'),
        instance('web2', { disksActive: false }),
        instance('web3'),
        instance('web4'),
      ]),
      nodes: new Map([node('node1', '1', ['web4']), node('node2', '2', ['web1', 'web2', 'web3'])]),
    } as unknown as GroupData;
    await mend(data, ['web3']);
    assert.deepEqual(master.activated(), [['web1']], 'not: inactive ones, those just started, others’');
    assert.equal(notepad.bootId('node2'), '2');
    await mend(data);
    assert.equal(master.jobs.length, 1);
  });

  test('that can’t be activated keep nobody else’s from it', async () => {
    master.broken = 'web1';
    const data = {
      instances: new Map([instance('web1'), instance('web2')]),
      nodes: new Map([node('node2', '2', ['web1', 'web2'])]),
    } as unknown as GroupData;
    await mend(data);
    assert.deepEqual(master.activated(), [['web1'], ['web2']]);
    assert.equal(notepad.bootId('node2'), '2');
  });

  test('that a look at the group finds inactive are activated in one job, but for the helpless', async () => {
    master.inactive = ['web1', 'web2', 'down1', 'lost', 'away1'];
    const data = {
      instances: new Map([
        instance('web1'),
        instance('web2'),
        instance('down1', { status: 'ERROR_nodedown' }),
        instance('away1', { secondaries: ['node3'] }),
      ]),
      nodes: new Map([node('node2', '1'), node('node3', '1', [], true)]),
    } as unknown as GroupData;
    await verifyDisks(master.client, 'group1', data, { strict: false, log: silentLog });
    const [look] = master.jobs;
    assert.deepEqual([look![0]!.group_name, look![0]!.is_strict, look![0]!.priority], ['group1', false, 10]);
    assert.deepEqual(master.archived, [1], 'the look itself leaves no job behind');
    assert.deepEqual(master.activated().slice(1), [['web1', 'web2']]);
  });

  test('nobody is asked about disks that there are none of', async () => {
    const data = {
      instances: new Map([instance('web1', { template: 'diskless' })]),
      nodes: new Map(),
    } as unknown as GroupData;
    await verifyDisks(master.client, 'group1', data, { strict: true, log: silentLog });
    assert.deepEqual(master.jobs, []);
  });
});
