/**
 * The configuration daemon on a cluster of real daemons, asked by our client and by Ganeti's own Python library and
 * program, unchanged.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answerOf, askConfd } from '../../src/confd/client/ask.ts';
import { readKey } from '../../src/confd/client/peers.ts';
import { confdPort, nodeRoles, requestTypes } from '../../src/confd/client/protocol.ts';
import { pollUntil } from '../../src/kit/clock.ts';
import { DebianClients } from '../harness/debian-clients.ts';
import { type NodeName, VirtualLab } from '../harness/virtual.ts';

const clients = await DebianClients.find();
/** Ganeti's library asks one daemon each question of standard input's list; replies as JSON. */
const library = `
import json, sys
from ganeti import constants, pathutils, utils
from ganeti.confd import client
constants.CONFD_REQS = frozenset(list(constants.CONFD_REQS) + [8])
replies = {}
def keep(upcall):
  if upcall.type == client.UPCALL_REPLY:
    replies[upcall.orig_request.rsalt] = upcall.server_reply
asker = client.ConfdClient(utils.ReadFile(pathutils.CONFD_HMAC_KEY), [sys.argv[1]], keep)
result = []
for kind, query in json.loads(sys.argv[2]):
  request = client.ConfdClientRequest(type=kind, query=query)
  asker.SendRequest(request, async_=False)
  asker.WaitForReply(request.rsalt)
  reply = replies.get(request.rsalt)
  result.append(None if reply is None else [reply.status, reply.answer])
print(json.dumps(result))
`;

describe('ganeti-confd', () => {
  let lab: VirtualLab;
  const asking = async (node: NodeName) => ({
    key: await readKey(lab.paths(node)),
    peers: [lab.address(node)],
    port: confdPort,
    timeoutMs: 5000,
  });
  const until = async (what: string, probe: () => Promise<boolean>) => {
    const reached = await pollUntil(async () => (await probe()) || undefined, {
      everyMs: 25,
      timeoutMs: 20_000,
    });
    assert.ok(reached, what);
  };
  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    const add =
      '-t sharedfile -o noop --disk 0:size=16M --no-ip-check --no-name-check -n node2.virtual.example';
    await lab.output('node1', [
      ...['gnt-instance', 'add', ...add.split(' ')],
      ...['--net', '0:ip=192.0.2.7,mode=routed,link=100', 'inst1.virtual.example'],
    ]);
  });
  after(() => lab.down());

  test('runs on the candidates, each with the configuration', async () => {
    for (const node of ['node1', 'node2', 'node3']) {
      await until(`confd on ${node}`, async () => lab.daemonPid(node, 'ganeti-confd') !== undefined);
      await until(`${node} knows the instance`, async () => {
        const { answer } = await askConfd(await asking(node), 'nodeInstances', 'node2.virtual.example');
        return Array.isArray(answer) && (answer as unknown[][])[0]?.length === 1;
      });
      assert.equal(await answerOf(await asking(node), 'clusterMaster'), 'node1.virtual.example');
    }
  });

  test('follows what is changed', async () => {
    await lab.output('node1', ['gnt-cluster', 'add-tags', 'asked-for']);
    for (const node of ['node1', 'node3']) {
      await until(`${node} knows the tag`, async () => {
        const tags = await answerOf(await asking(node), 'configQuery', '/cluster/tags');
        return (tags as string[]).includes('asked-for');
      });
    }
  });

  test('goes with the role: a node that is no candidate has none', async () => {
    await lab.output('node1', ['gnt-node', 'modify', '--master-candidate=no', '-f', 'node3.virtual.example']);
    await until('confd has gone', async () => lab.daemonPid('node3', 'ganeti-confd') === undefined);
    const refused = await lab.run('node3', ['ganeti-confd']);
    assert.deepEqual([refused.code, /is no master candidate/.test(refused.stderr)], [11, true]);
    await lab.output('node1', ['gnt-node', 'modify', '--master-candidate=yes', 'node3.virtual.example']);
    await until('confd is back', async () => lab.daemonPid('node3', 'ganeti-confd') !== undefined);
    await until('it knows its role', async () => {
      const role = await answerOf(await asking('node3'), 'nodeRoleByName', 'node3.virtual.example').catch(
        () => -1,
      );
      return role === nodeRoles.candidate;
    });
  });

  test('our programs: confd-client, gnt-node list-drbd', async () => {
    const shown = await lab.output('node1', ['confd-client', '-a', lab.address('node1'), '-r', '3']);
    assert.match(shown, /^- Ping: OK\n- Master: OK \(node1\.virtual\.example\)$/m);
    assert.match(shown, /^ {2}\* 0?\d+\.\d{3}ms per ping request$/m);
    const wrong = await lab.run('node1', [
      'confd-client',
      '-a',
      lab.address('node1'),
      '--hmac=wrong',
      '-r',
      '0',
    ]);
    assert.deepEqual([wrong.code, wrong.stderr], [1, 'Did not receive all expected confd replies\n']);
    const table = await lab.output('node1', ['gnt-node', 'list-drbd', 'node2.virtual.example']);
    assert.equal(table, 'Node Minor Instance Disk Role PeerNode\n');
  });

  describe("asked by Debian's real ganeti-3.0", {
    skip: typeof clients === 'string' ? clients : false,
  }, () => {
    const real = clients as DebianClients;

    test('its confd-client is content', async () => {
      const { stdout, stderr, code } = await real.run(lab, 'node1', [
        ...['confd-client', '-a', lab.address('node1'), '-r', '20'],
      ]);
      assert.equal(code, 0, stdout + stderr);
      assert.match(
        stdout,
        /^- Master: OK \(\['node1\.virtual\.example', '127\.\d+\.0\.100', '127\.\d+\.0\.11'\]\)$/m,
      );
      assert.match(stdout, /^- Node role for master: OK$/m);
      assert.match(stdout, /^- Instance primary IP query: OK\n {2}\* 192\.0\.2\.7$/m);
      assert.match(stdout, /ms per instance ips request/);
    });

    test('its library gets all twelve answers', async () => {
      const { version } = JSON.parse(await lab.output('node1', ['cat', lab.paths('node1').configFile])) as {
        version: number;
      };
      const inst = 'inst1.virtual.example';
      const questions: [keyof typeof requestTypes, unknown, unknown][] = [
        ['ping', null, version],
        ['nodeRoleByName', 'node2', nodeRoles.candidate],
        ['nodeAddressByInstanceAddress', { 0: '100', 1: '192.0.2.7' }, lab.address('node2')],
        ['clusterMaster', null, 'node1.virtual.example'],
        ['nodeAddresses', null, 3],
        ['candidateAddresses', null, 3],
        ['instanceAddresses', '100', ['192.0.2.7']],
        ['nodeDrbd', 'node1.virtual.example', []],
        ['nodeInstances', 'node2.virtual.example', 2],
        ['instanceDisks', inst, 1],
        ['configQuery', '/cluster/cluster_name', 'cluster.virtual.example'],
        ['dataCollectors', null, undefined],
      ];
      assert.deepEqual(
        questions.map(([name]) => name),
        Object.keys(requestTypes),
      );
      const asked = JSON.stringify(questions.map(([name, query]) => [requestTypes[name], query]));
      const { stdout, stderr } = await real.python(lab, 'node1', library, [lab.address('node1'), asked]);
      assert.equal(stderr, '');
      const replies = JSON.parse(stdout) as ([number, unknown] | null)[];
      questions.forEach(([name, , expected], index) => {
        const [status, answer] = replies[index] ?? [];
        assert.equal(status, 0, `${name}: ${JSON.stringify(answer)}`);
        if (typeof expected === 'number' && Array.isArray(answer))
          assert.equal(answer.length, expected, name);
        else if (expected !== undefined) assert.deepEqual(answer, expected, name);
      });
      const collectors = replies.at(-1)![1] as Record<string, { active: boolean; interval: number }>;
      assert.deepEqual(collectors.lv, { active: true, interval: 5_000_000 });
    });
  });
});
