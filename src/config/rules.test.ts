/** Each rule of the configuration refuses the commit that breaks it, in its words, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import type { Configuration } from '../model/configuration.ts';
import type { Instance } from '../model/objects/instance.ts';
import type { Draft } from './contract.ts';
import { createMemoryStore } from './open.ts';
import { verifyConfiguration } from './rules.ts';
import { disklessInstance as diskless, sampleConfiguration, sampleUuid } from './sample.ts';

const start = sampleConfiguration();
const inst = (number: number) => sampleUuid('inst', number);
const node = (number: number) => sampleUuid('node', number);
const storeOf = (configuration: Configuration = start) =>
  createMemoryStore(configuration, { log: silentLog });
const get = (configuration: Configuration, number: number): Instance =>
  configuration.instances.get(inst(number))!;

const refusals: readonly [string, (draft: Draft) => void, RegExp][] = [
  [
    'a MAC twice in one instance',
    (draft) => {
      const nic = { uuid: 'n', mac: 'aa:00:00:12:12:12', nicparams: {} };
      draft.put('instances', diskless(20, { nics: [nic, { ...nic, uuid: 'm' }] }));
    },
    /has NIC 1 mac aa:00:00:12:12:12 duplicate/,
  ],
  [
    'a MAC of another, in capitals',
    (draft) => {
      const nic = { uuid: 'n', mac: get(start, 1).nics[0]!.mac.toUpperCase(), nicparams: {} };
      draft.put('instances', diskless(20, { nics: [nic] }));
    },
    /mac aa:00:00:00:00:01 duplicate/,
  ],
  [
    'an address twice on a link',
    (draft) => {
      for (const number of [20, 21]) {
        const nic = {
          uuid: `n${number}`,
          mac: `aa:00:00:12:12:${number}`,
          ip: '10.1.1.1',
          nicparams: {},
        };
        draft.put('instances', diskless(number, { nics: [nic] }));
      }
    },
    /IP address bridged:br0\/10.1.1.1\/null is used by multiple owners: instance:inst21.example.com\/nic:0, instance:inst22/,
  ],
  [
    'the address of a node for the cluster',
    (draft) => draft.changeCluster({ master_ip: '10.0.1.1' }),
    /IP address 10.0.1.1 is used by multiple owners: .*node:node2.example.com\/primary/,
  ],
  [
    'a port of a disk for a console',
    (draft) => draft.put('instances', diskless(20, { network_port: 20000 })),
    /tcp\/udp port 20000 has duplicates: inst1.example.com\/drbd disk 0, inst21.example.com\/network port/,
  ],
  [
    'a volume twice',
    (draft) => {
      const disk = draft.disks.get(sampleUuid('disk', 3))!;
      draft.put('disks', { ...disk, uuid: 'other' });
    },
    /logical volume xenvg\/.*disk0 is used by multiple disks: inst4.example.com\/plain disk 0, disk other/,
  ],
  [
    'a minor twice',
    (draft) => {
      const disk = draft.disks.get(sampleUuid('disk', 1))!;
      const id = [...disk.logical_id!];
      id[3] = 1;
      draft.put('disks', { ...disk, logical_id: id });
    },
    /minor 1 on node node2.example.com is used by multiple disks/,
  ],
  [
    'a disk of two instances',
    (draft) => draft.put('instances', diskless(20, { disks: [sampleUuid('disk', 0)] })),
    /disk .* is attached to multiple instances: inst1.example.com, inst21.example.com/,
  ],
  [
    'a name twice',
    (draft) => draft.put('instances', diskless(20, { name: 'inst1.example.com' })),
    /duplicate instance name/,
  ],
  [
    'a group like a uuid',
    (draft) => {
      const group = draft.nodegroups.get(sampleUuid('grp', 0))!;
      draft.put('nodegroups', { ...group, name: sampleUuid('node', 7) });
    },
    /has uuid-like name/,
  ],
  [
    'a node that is gone',
    (draft) => draft.remove('nodes', node(0)),
    /instance 'inst1.example.com' has invalid primary node/,
  ],
  [
    'a disk that is gone',
    (draft) => draft.remove('disks', sampleUuid('disk', 0)),
    /Instance 'inst1.example.com' has invalid disk/,
  ],
  [
    'a group that is gone',
    (draft) => draft.remove('nodegroups', sampleUuid('grp', 0)),
    /Node 'node1.example.com' has invalid group/,
  ],
  [
    'a disk on a node that is not there',
    (draft) => draft.put('disks', { ...draft.disks.get(sampleUuid('disk', 0))!, nodes: [node(0), 'gone'] }),
    /instance 'inst1.example.com' has invalid secondary node 'gone'/,
  ],
  [
    'a wrong name of a disk',
    (draft) => draft.put('disks', { ...draft.disks.get(sampleUuid('disk', 0))!, iv_name: 'disk/7' }),
    /Instance 'inst1.example.com' has wrongly named disks: name of disk 0 should be 'disk\/0', but is 'disk\/7'/,
  ],
  [
    'a wrong type of a parameter',
    (draft) => draft.put('instances', { ...get(draft, 0), beparams: { vcpus: 'many' } }),
    /instance inst1.example.com has invalid beparams/,
  ],
  [
    'a NIC mode that there is not',
    (draft) =>
      draft.put(
        'instances',
        diskless(20, { nics: [{ uuid: 'n', mac: 'aa:00:00:12:12:12', nicparams: { mode: 'bogus' } }] }),
      ),
    /instance inst21.example.com nic 0 has invalid nicparams: Invalid NIC mode 'bogus'/,
  ],
  [
    'a node in two states',
    (draft) => draft.put('nodes', { ...draft.nodes.get(node(1))!, offline: true }),
    /Node node2.example.com state is invalid: master_candidate=True, drain=False, offline=True/,
  ],
  [
    'a master that is no candidate',
    (draft) => draft.put('nodes', { ...draft.nodes.get(node(0))!, master_candidate: false }),
    /Master node is not a master candidate/,
  ],
  [
    'a master that is not there',
    (draft) => draft.changeCluster({ master_node: 'gone' }),
    /cluster has invalid primary node gone/,
  ],
  ['no hypervisor', (draft) => draft.changeCluster({ enabled_hypervisors: [] }), /enabled hypervisors list/],
  [
    'a hypervisor without parameters',
    (draft) => draft.changeCluster({ enabled_hypervisors: ['fake', 'chroot'] }),
    /hypervisor parameters missing for the enabled hypervisor\(s\) chroot/,
  ],
  [
    'a policy whose least is more than its most',
    (draft) => {
      const [range] = draft.cluster.ipolicy.minmax;
      const min = { ...range!.min, 'disk-count': 17 };
      draft.changeCluster({ ipolicy: { ...draft.cluster.ipolicy, minmax: [{ ...range!, min }] } });
    },
    /cluster has invalid instance policy: Invalid specification of min\/max values for disk-count: 17\/16/,
  ],
  [
    'an address pool of the wrong length',
    (draft) => draft.put('networks', { ...draft.networks.get(sampleUuid('net', 0))!, reservations: '000' }),
    /network 'net1' has an address pool whose length/,
  ],
  [
    'an object of a wrong shape',
    (draft) => draft.put('instances', { ...get(draft, 0), admin_state: 'sideways' as 'up' }),
    /instances .*: admin_state: /,
  ],
];

for (const [what, edit, words] of refusals) {
  test(`refused: ${what}`, async () => {
    const store = storeOf();
    await assert.rejects(store.change('job', edit), (error: Error) => {
      assert.equal(error.name, 'ConfigurationError');
      assert.match(error.message, words);
      return true;
    });
    assert.equal(store.current, start);
    assert.equal(store.engine.entries.length, 0);
    await store.change('next', (draft) => draft.changeCluster({ tags: ['still works'] }));
    assert.deepEqual(verifyConfiguration(store.current), []);
  });
}

test('what was wrong before does not hinder other changes of the same object', async () => {
  const disk = start.disks.get(sampleUuid('disk', 3))!;
  const faulty = { ...start, disks: start.disks.with({ ...disk, iv_name: 'disk/9' }) };
  const mac = get(start, 0).nics[0]!.mac;
  const twin = { ...get(start, 3), nics: [{ ...get(start, 3).nics[0]!, mac }] };
  const store = storeOf({ ...faulty, instances: start.instances.with(twin) });
  await store.change('job', (draft) => draft.put('instances', { ...get(draft, 3), admin_state: 'down' }));
  assert.equal(get(store.current, 3).admin_state, 'down');
});

test('too few candidates is a word for verify, and no reason to refuse', async () => {
  const store = storeOf();
  await store.change('job', (draft) =>
    draft.put('nodes', { ...draft.nodes.get(node(2))!, master_candidate: false }),
  );
  assert.deepEqual(verifyConfiguration(store.current), ['Not enough master candidates: actual 2, target 3']);
});
