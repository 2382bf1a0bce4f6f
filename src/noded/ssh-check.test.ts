import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clutterIn } from './ssh-check.ts';

test('keys that were left behind are those of a user who has several', () => {
  const key = (base64: string, user: string) => `ssh-rsa ${base64} ${user}`;
  const text = [
    '# keys',
    key('AAA', 'root@node1'),
    key('AAA', 'root@node1'),
    key('BBB', 'root@node2'),
    key('CCC', 'root@node2'),
    'ssh-rsa DDD',
    '',
  ].join('\n');
  assert.deepEqual(clutterIn(text), [
    "The authorized_keys file has 2 keys of 'root@node2': old ones were left behind",
  ]);
  assert.deepEqual(clutterIn(''), []);
});
