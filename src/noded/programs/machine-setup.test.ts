/** users-setup and vcluster-setup: what they would change, from what is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isToolAnswer, parseToolOptions } from '../../kit/tool-options.ts';
import { missingUsers } from './users-setup.ts';
import { planOf, withHosts } from './vcluster-setup.ts';

test('users-setup makes what is missing and nothing else, groups first', () => {
  const words = (passwd: string, group: string) =>
    missingUsers(passwd, group).map(({ command }) => command.join(' '));
  const all = words('root:x:0:0::/root:/bin/sh\n', 'root:x:0:\n');
  assert.deepEqual(all.slice(0, 2), ['groupadd --system gnt-admin', 'groupadd --system gnt-daemons']);
  assert.ok(all.includes('useradd --system --gid gnt-rapi gnt-rapi'));
  assert.ok(!all.some((line) => line.startsWith('useradd') && line.endsWith('gnt-admin')));
  assert.equal(all.at(-1), 'usermod --append --groups gnt-daemons gnt-rapi');
  const groups = [
    'gnt-admin:x:1:gnt-masterd,gnt-rapi',
    'gnt-daemons:x:2:gnt-confd,gnt-masterd,gnt-metad',
    'gnt-luxid:x:3:',
    'gnt-confd:x:4:gnt-masterd',
    'gnt-masterd:x:5:',
    'gnt-metad:x:6:',
    'gnt-rapi:x:7:',
  ].join('\n');
  const passwd = ['gnt-confd', 'gnt-masterd', 'gnt-metad', 'gnt-rapi']
    .map((name) => `${name}:x:1:1::/:/\n`)
    .join('');
  assert.deepEqual(words(passwd, groups), ['usermod --append --groups gnt-daemons gnt-rapi']);
});

const plan = (...argv: string[]) => {
  const options = ['-c', '-i', '-p', '-n', '-I'].map((name) => ({ names: [name], metavar: 'X', help: '' }));
  const call = parseToolOptions('vcluster-setup', '', options, argv);
  assert.ok(!isToolAnswer(call));
  return planOf(call, '/srv/vc');
};

test('vcluster-setup gives addresses as Ganeti does', () => {
  const { nodes, hosts } = plan('-c', '2', '-i', '1');
  assert.deepEqual(nodes, [
    { name: 'node1', address: '192.0.2.10' },
    { name: 'node2', address: '192.0.2.11' },
  ]);
  assert.deepEqual(
    hosts.map(({ name, address }) => `${name} ${address}`),
    ['cluster 192.0.2.1', 'node1 192.0.2.10', 'node2 192.0.2.11', 'instance1 192.0.2.100'],
  );
  assert.equal(plan().nodes.length, 5);
  for (const wrong of [
    ['-c', '0'],
    ['-c', '91'],
    ['-i', '156'],
    ['-c', 'x'],
    ['-p', '10.0'],
    ['-p', '10.0.256'],
    ['-n', '-x'],
  ])
    assert.throws(() => plan(...wrong), { errorClass: 'ParameterError' }, wrong.join(' '));
});

test('a hosts file keeps what is of other networks', () => {
  const text = withHosts(
    '127.0.0.1 localhost\n192.0.2.10 old\n192.0.20.1 kept\n1920.2.1 x\n\n',
    plan('-c', '1', '-i', '0'),
  );
  assert.equal(
    text,
    '127.0.0.1 localhost\n192.0.20.1 kept\n1920.2.1 x\n192.0.2.1 cluster\n192.0.2.10 node1\n',
  );
  assert.equal(withHosts(text, plan('-c', '1', '-i', '0')), text);
});

test('a program may have -h for something else; --help stays', () => {
  const options = [{ names: ['-h'], metavar: 'HOSTS', help: 'hosts' }];
  const call = parseToolOptions('x', '', options, ['-h', 'a,b']);
  assert.ok(!isToolAnswer(call) && call.values.get('h') === 'a,b');
  const help = parseToolOptions('x', '', options, ['--help']);
  assert.ok(isToolAnswer(help) && help.code === 0 && !help.shown.includes('-h,'));
});
