/** Every code of `gnt-cluster verify` can really be reported: for each a cluster in which that is wrong, and only that. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, describe, test } from 'node:test';
import { pathsFor } from '../../src/kit/paths.ts';
import type { Cluster } from '../../src/model/objects/cluster.ts';
import type { Instance } from '../../src/model/objects/instance.ts';
import type { Node } from '../../src/model/objects/node.ts';
import type { NodeCall, NodeCaller, Reply } from '../../src/noderpc/call.ts';
import { type VerifyErrorCode, verifyCodes } from '../../src/opcodes/verify-codes.ts';
import { clusterVerifyConfig } from '../../src/operations/cluster/verify-config.ts';
import { clusterVerifyGroup } from '../../src/operations/cluster/verify-group.ts';
import { createMemoryCluster, groupUuid, memoryInstance, nodeName, nodeUuid } from './cluster.ts';
import { memoryTime } from './nodes.ts';
import { runSeen } from './run.ts';

const name = 'web1.memory.example';
const root = mkdtempSync(`${tmpdir()}/verify-`);
after(() => rmSync(root, { recursive: true }));

type Values = Record<string, unknown>;
interface Case {
  /** Fields that differ from a good cluster. */
  readonly cluster?: Partial<Cluster>;
  readonly node3?: Partial<Node>;
  readonly instance?: Partial<Instance>;
  /** The instance's disk isn't mirrored. */
  readonly plain?: boolean;
  /** What the nodes' answers have otherwise: by the number of the node, 0 for all. */
  readonly answers?: Readonly<Record<number, Values>>;
  readonly disks?: unknown;
  readonly hooks?: readonly Values[];
  readonly silent?: boolean;
  /** Read by the configuration's verification instead of the group's. */
  readonly configuration?: boolean;
  /** Objects that break the rules, put past them. */
  readonly broken?: (configuration: { readonly nodes: unknown; readonly instances: unknown }) => Values;
}

const guest = (...instances: string[]) => [
  {
    name: 'fake',
    fault: null,
    instances,
    info: {
      ...{ name: 'fake', version: null, memoryTotal: 4096, memoryFree: 2048, memoryNode: 0 },
      ...{ cpuTotal: 4, cpuNodes: 1, cpuSockets: 1, cpuNode: 1 },
    },
  },
];
const definition = {
  ...{ name: 'noop', path: '/srv/ganeti/os/noop', valid: true, diagnose: '', variants: [], parameters: [] },
  ...{ apiVersions: [20], trusted: true },
};
const volume = (full: string) => {
  const [vg, lv] = full.split('/');
  return { name: lv, vg, size: 1024, inactive: false, online: true, tags: [], device: null };
};
const expectedVolumes = [`xenvg/${name}.disk0_data`, `xenvg/${name}.disk0_meta`];

const good: Values = {
  protocol: 3010000,
  release: '3.1.0',
  time: memoryTime,
  fileChecksums: {},
  hypervisors: guest(),
  volumeGroups: { xenvg: { size: 100000, free: 50000 } },
  logicalVolumes: expectedVolumes.map(volume),
  physicalVolumes: [{ name: '/dev/sda5', vg: 'xenvg', size: 100000, free: 50000, attributes: 'a-' }],
  drbd: { version: '8.4.11', helper: '/bin/true', minors: [0] },
  missingBridges: [],
  unreachablePeers: [],
  missingAddresses: [],
  oses: [definition],
  masterIpReachable: null,
  missingScripts: [],
  clientCertificate: { fault: null, digest: 'aa:bb', expires: null },
  faults: {},
};
const okay = { localDisk: 'okay', degraded: false, details: {} };

/** Files that the cluster watches, the same on each node; the case may change them. */
const sums = (files: readonly string[]) => Object.fromEntries(files.map((path) => [path, 'aa'.repeat(20)]));

function patched(inner: NodeCaller, { answers = {}, disks, hooks = [], silent = false }: Case): NodeCaller {
  const replyOf = (
    node: string,
    call: NodeCall<never, never>,
    argument: Values,
  ): Reply<unknown> | undefined => {
    const number = Number(node.at(-1));
    if (silent && number === 3 && call.name !== 'version')
      return { kind: 'unreachable', message: 'it is silent' };
    if (call.name === 'node_verify') {
      const hypervisors = number === 1 ? guest(name) : guest();
      const volumes = number === 3 ? [] : good.logicalVolumes;
      const minors = number === 3 ? [] : [0];
      const own = {
        ...good,
        hypervisors,
        logicalVolumes: volumes,
        drbd: { ...(good.drbd as Values), minors },
        fileChecksums: sums(argument.fileChecksums as string[]),
      };
      return { kind: 'answered', value: call.result.parse({ ...own, ...answers[0], ...answers[number] }) };
    }
    if (call.name === 'blockdev_getmirrorstatus_multi' || call.name.startsWith('blockdev_getmirrorstatus'))
      return { kind: 'answered', value: (argument.disks as unknown[]).map(() => disks ?? okay) };
    if (call.name === 'hooks_runner') return { kind: 'answered', value: number === 3 ? hooks : [] };
    return undefined;
  };
  return {
    call: async (node, call, argument, options) => {
      const reply = replyOf(node, call as never, argument as Values);
      return reply?.kind === 'answered'
        ? (reply.value as never)
        : await inner.call(node, call, argument, options);
    },
    callAll: async (nodes, call, argument) => {
      const replies = new Map<string, Reply<never>>();
      for (const node of nodes) {
        const own = typeof argument === 'function' ? (argument as (node: string) => unknown)(node) : argument;
        const reply = replyOf(node, call as never, call.argument.parse(own) as Values);
        const inAnyCase = reply ?? (await inner.callAll([node], call, own as never)).get(node)!;
        replies.set(node, inAnyCase as Reply<never>);
      }
      return replies;
    },
  };
}

/** Codes that were reported, with how. */
async function reported(item: Case): Promise<string[]> {
  const { instance, disks } = memoryInstance(name, { mirrored: !item.plain });
  const built = createMemoryCluster({
    instances: [{ instance: { ...instance, ...item.instance }, disks }],
    cluster: { drbd_usermode_helper: '/bin/true', ...item.cluster },
  });
  const { world } = built;
  const [third] = [world.config.current.nodes.get(nodeUuid(3))!];
  if (item.node3 !== undefined)
    await world.config.change('case', (draft) => draft.put('nodes', { ...third, ...item.node3 }));
  const { current } = world.config;
  const seen = Object.assign(Object.create(current) as object, current, item.broken?.(current));
  const config = Object.assign(Object.create(world.config) as typeof world.config, {
    reservations: world.config.reservations,
  });
  Object.defineProperty(config, 'current', { value: seen });
  const operation = item.configuration ? clusterVerifyConfig : clusterVerifyGroup;
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  const { said } = await runSeen(
    { world: { ...world, config, paths, nodes: patched(world.nodes, item) } },
    operation,
    { error_codes: true, ...(item.configuration ? {} : { group_name: 'default' }) },
  );
  return said.flatMap((line) => /^ {2}- ((?:ERROR|WARNING):\w+)/.exec(line)?.[1] ?? []);
}

const minors = (...list: number[]) => ({ drbd: { ...(good.drbd as Values), minors: list } });
const exclusive = { ndparams: { exclusive_storage: true } } as Partial<Cluster>;

const cases: Readonly<Record<VerifyErrorCode, Case>> = {
  ECLUSTERCERT: { configuration: true },
  ECLUSTERCFG: {
    configuration: true,
    cluster: { enabled_hypervisors: ['fake', 'kvm'], hvparams: { kvm: { kernel_path: 'x' } } } as never,
  },
  ECLUSTERCLIENTCERT: { answers: { 3: { clientCertificate: { fault: null, digest: 'cc', expires: null } } } },
  ECLUSTERDANGLINGINST: {
    configuration: true,
    broken: (configuration) => ({ nodes: without(configuration.nodes, nodeUuid(1)) }),
  },
  ECLUSTERDANGLINGNODES: { configuration: true, broken: () => ({ nodegroups: new Map() }) },
  ECLUSTERFILECHECK: { answers: { 3: { fileChecksums: { '/var/lib/ganeti/server.pem': 'bb' } } } },
  EEXTAGS: { cluster: { tags: ['htools:iextags:service'] } as never, broken: twoAlike },
  EGROUPDIFFERENTPVSIZE: {
    cluster: exclusive,
    plain: true,
    answers: {
      3: { physicalVolumes: [{ name: '/dev/sdb', vg: 'xenvg', size: 5000, free: 0, attributes: 'a-' }] },
    },
  },
  EINSTANCEBADNODE: {
    node3: {},
    broken: (configuration) => ({ nodes: changed(configuration.nodes, 2, { vm_capable: false }) }),
  },
  EINSTANCEDOWN: { answers: { 1: { hypervisors: guest() } } },
  EINSTANCEFAULTYDISK: { disks: { ...okay, localDisk: 'faulty', degraded: true } },
  EINSTANCELAYOUT: { broken: twoSecondaries },
  EINSTANCEMISSINGCFGPARAMETER: { cluster: exclusive, plain: true },
  EINSTANCEMISSINGDISK: { answers: { 2: { logicalVolumes: [] } } },
  EINSTANCEPOLICY: { instance: { beparams: { vcpus: 64 } } },
  EINSTANCESPLITGROUPS: {
    broken: (configuration) => ({ nodes: changed(configuration.nodes, 2, { group: 'elsewhere' }) }),
  },
  EINSTANCEUNSUITABLENODE: { cluster: exclusive },
  EINSTANCEWRONGNODE: { answers: { 3: { hypervisors: guest(name) } } },
  ENODEDRBD: { answers: { 3: minors(7) } },
  ENODEDRBDHELPER: { answers: { 3: { drbd: { version: '8.4.11', helper: '/bin/false', minors: [] } } } },
  ENODEDRBDVERSION: { answers: { 3: { drbd: { version: '9.1.0', helper: '/bin/true', minors: [] } } } },
  ENODEFILECHECK: { silent: true },
  ENODEFILESTORAGEPATHS: { answers: { 1: { forbiddenStoragePaths: ['/etc/x'] } } },
  ENODEFILESTORAGEPATHUNUSABLE: { answers: { 3: { storageProblems: [{ template: 'file', fault: 'no' }] } } },
  ENODEGLUSTERSTORAGEPATHUNUSABLE: {
    answers: { 3: { storageProblems: [{ template: 'gluster', fault: 'no' }] } },
  },
  ENODEHOOKS: { hooks: [{ script: 'cluster-verify-post.d/x', status: 'error', output: 'a\nb' }] },
  ENODEHV: { answers: { 3: { hypervisors: [{ name: 'fake', fault: 'gone', info: null, instances: [] }] } } },
  ENODELVM: { answers: { 3: { volumeGroups: {} } } },
  ENODEN1: {
    answers: { 2: { hypervisors: [{ ...guest()[0]!, info: { ...guest()[0]!.info, memoryFree: 1 } }] } },
  },
  ENODENET: { answers: { 3: { missingAddresses: ['192.0.2.3'] } } },
  ENODEOOBPATH: { answers: { 3: { oobFaults: ['cannot find out-of-band helper /x'] } } },
  ENODEORPHANINSTANCE: { answers: { 3: { hypervisors: guest('stray.example') } } },
  ENODEORPHANLV: { answers: { 3: { logicalVolumes: [volume('xenvg/stray')] } } },
  ENODEOS: { answers: { 3: { oses: [] } } },
  ENODERPC: { silent: true },
  ENODESETUP: { answers: { 3: { faults: { bridges: 'no' } } } },
  ENODESHAREDFILESTORAGEPATHUNUSABLE: {
    answers: { 3: { storageProblems: [{ template: 'sharedfile', fault: 'no' }] } },
  },
  ENODESSH: { answers: { 3: { sshFaults: { node1: 'ssh problem' } } } },
  ENODETIME: { answers: { 3: { time: memoryTime + 200 } } },
  ENODEUSERSCRIPTS: { answers: { 3: { missingScripts: ['/etc/ganeti/scripts/x'] } } },
  ENODEVERSION: { answers: { 3: { release: '2.16.0' } } },
};

type Table<T> = { values(): T[]; filter(of: (each: T) => boolean): T[]; get(uuid: string): T | undefined };

/** The same table with other objects. */
function table<T extends { readonly uuid: string; readonly name: string }>(objects: readonly T[]): unknown {
  const found = [...objects];
  const byUuid = new Map(found.map((each) => [each.uuid, each]));
  return Object.assign(found, {
    values: () => found,
    get: (uuid: string) => byUuid.get(uuid),
    has: (uuid: string) => byUuid.has(uuid),
    byName: (wanted: string) => found.find((each) => each.name === wanted),
    size: found.length,
  });
}
function without(nodes: unknown, uuid: string): unknown {
  return table((nodes as Table<Node>).filter((node) => node.uuid !== uuid));
}
function changed(nodes: unknown, number: number, change: Partial<Node>): unknown {
  const list = (nodes as Table<Node>).values();
  return table(list.map((node) => (node.uuid === nodeUuid(number) ? { ...node, ...change } : node)));
}
function twoAlike({ instances }: { readonly instances: unknown }): Values {
  const [first] = (instances as Table<Instance>).values();
  const tags = ['service:dns'];
  return {
    instances: table([
      { ...first!, tags },
      { ...first!, uuid: 'other', name: 'web2', tags },
    ]),
  };
}
function twoSecondaries(configuration: object): Values {
  const { disks } = configuration as {
    readonly disks: Table<{ uuid: string; name: string; nodes: string[] }>;
  };
  const list = disks.values().map((disk) => ({ ...disk, nodes: [nodeUuid(1), nodeUuid(2), nodeUuid(3)] }));
  return { disks: table(list) };
}

describe('verify', () => {
  test('has nothing to say of a good cluster', async () => {
    assert.deepEqual(await reported({}), []);
  });

  for (const code of verifyCodes)
    test(`reports ${code}`, async () => {
      const found = await reported(cases[code]);
      const own = found.filter((each) => each.endsWith(`:${code}`));
      assert.ok(own.length > 0, `found only: ${found.join(', ') || 'nothing'}`);
    });

  test('has what was asked for as a warning, which is no fault', async () => {
    const { instance, disks } = memoryInstance(name);
    const { world } = createMemoryCluster({ instances: [{ instance, disks }] });
    const run = (more: Values) =>
      runSeen({ world: { ...world, nodes: patched(world.nodes, cases.ENODETIME) } }, clusterVerifyGroup, {
        group_name: groupUuid,
        ...more,
      });
    const strict = await run({ error_codes: true });
    assert.equal(strict.result, false);
    assert.ok(strict.said.some((line) => line.startsWith(`  - ERROR:ENODETIME:node:${nodeName(3)}:`)));
    assert.ok(!strict.said.some((line) => line.includes('Mend it')), 'programs get no hints');
    const lenient = await run({ ignore_errors: ['ENODETIME'] });
    assert.equal(lenient.result, true);
    const at = lenient.said.findIndex((line) =>
      line.startsWith(`  - WARNING: node ${nodeName(3)}: Node time`),
    );
    assert.match(lenient.said[at + 1]!, /^ {6}Mend it with: gnt-cluster command -n node3/);
  });
});
