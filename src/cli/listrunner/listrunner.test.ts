/** ganeti-listrunner with a stand-in for ssh that runs the line here. */
import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { listRunner } from './main.ts';
import { hostsIn, readWish } from './options.ts';

describe('ganeti-listrunner', () => {
  let root: string;
  const before = process.env.PATH;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'listrunner-test-'));
    mkdirSync(join(root, 'bin'));
    writeFileSync(
      join(root, 'bin/ssh'),
      `#!/bin/bash
echo "$*" >> ${root}/calls
case " $* " in *' -O exit '*) exit 0 ;; esac
while [ "$1" != -- ]; do shift; done
host=$2
if [ $host = dead ]; then echo 'ssh: connect to host dead port 22: No route to host' >&2; exit 255; fi
[ -z "$SSH_ASKPASS" ] || "$SSH_ASKPASS" >> ${root}/passwords
HOST=$host exec sh -c "$3"
`,
      { mode: 0o755 },
    );
    process.env.PATH = `${join(root, 'bin')}:${before}`;
  });
  afterEach(() => {
    process.env.PATH = before;
    rmSync(root, { recursive: true });
  });
  const run = async (...argv: string[]): Promise<string[]> => {
    const said: string[] = [];
    assert.equal(await listRunner(['-l', join(root, 'log'), ...argv], (line) => void said.push(line)), 0);
    return said;
  };
  const log = (host: string) =>
    readFileSync(join(root, 'log', `${host}.log`), 'utf8')
      .split('\n')
      .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d /, ''));
  const calls = () => readFileSync(join(root, 'calls'), 'utf8');

  test('a line of shell is run on every host, and what it says is kept', async () => {
    const said = await run(
      '-A',
      '-b',
      '2',
      '-c',
      'echo "I am $HOST"; echo oops >&2',
      '-h',
      'a.example.com,b,dead,c,',
    );
    assert.equal(said.at(-1), 'All done, 3 successful and 1 failed hosts');
    assert.ok(said.includes('  dead: connection setup failed, skipping'));
    assert.deepEqual(log('a.example.com').slice(1, 4), [
      'SUCCESS: command output follows',
      'output = I am a.example.com',
      'output = oops',
    ]);
    assert.match(log('dead')[0]!, /^ERROR: FAILURE_CONNECTION_SETUP \(tried keys\): .*No route to host$/);
    assert.match(
      calls(),
      /-o StrictHostKeyChecking=accept-new .*-o BatchMode=yes -l root -- b mktemp|-- b umask/,
    );
    assert.ok(!existsSync(join(root, 'passwords')));
  });

  test('a program is uploaded with what it needs, run there, and nothing stays', async () => {
    const program = join(root, "it's me");
    writeFileSync(program, '#!/bin/sh\npwd; ls -l | tail -n +2 | cut -c1-10; cat data; echo "$@"; exit 3\n');
    writeFileSync(join(root, 'data'), 'the data\n');
    const said = await run(
      '-A',
      '-x',
      program,
      '-a',
      join(root, 'data'),
      '--args',
      '"one word" two',
      '-h',
      'a',
    );
    assert.equal(said.at(-1), 'All done, 0 successful and 1 failed hosts');
    const lines = log('a').filter((line) => line.startsWith('output = ') || line.startsWith('FAILED'));
    const [failed, folder, ...rest] = lines;
    assert.equal(failed, 'FAILED: exit code 3, output follows');
    assert.match(folder!, /^output = \/tmp\/listrunner\.\w+$/);
    assert.deepEqual(rest, [
      'output = -r--------',
      'output = -r-x------',
      'output = the data',
      'output = one word two',
    ]);
    assert.ok(!existsSync(folder!.replace('output = ', '')));
  });

  test('the password reaches ssh alone', async () => {
    const file = join(root, 'password');
    writeFileSync(file, 'se"cr$et\n');
    await run('-p', file, '-u', 'admin', '-c', 'env', '-h', 'a');
    assert.match(readFileSync(join(root, 'passwords'), 'utf8'), /^(se"cr\$et\n)+$/);
    assert.ok(!calls().includes('cr$et'));
    assert.match(calls(), /-o PubkeyAuthentication=no .*-l admin -- a /);
    for (const name of readdirSync(join(root, 'log'))) assert.equal(name, 'a.log');
  });

  test('command lines that make no sense are refused', () => {
    const refused = (reason: RegExp, ...argv: string[]) => {
      const wish = readWish(argv);
      assert.ok('shown' in wish && wish.code === 2);
      assert.match(wish.shown, reason);
    };
    const common = ['-l', 'log', '-h', 'a'];
    refused(/conflict/, ...common, '-c', 'x', '-x', 'y');
    refused(/One of -x and -c/, ...common);
    refused(/Can't specify arguments/, ...common, '-c', 'x', '--args', 'y');
    refused(/-l is required/, '-h', 'a', '-c', 'x');
    refused(/-f and -h conflict/, ...common, '-f', 'file', '-c', 'x');
    refused(/One of -f or -h/, '-l', 'log', '-c', 'x');
    refused(/doesn't take any arguments, passed in: more/, ...common, '-c', 'x', 'more');
    refused(/-b: invalid integer/, ...common, '-c', 'x', '-b', '0');
    refused(/-u: invalid user/, ...common, '-c', 'x', '-u', '-oProxyCommand=x');
    assert.deepEqual(hostsIn('a\n\n b ,a\n'), ['a', 'b']);
    for (const wrong of ['-oProxyCommand=x', '../a', 'a b', 'a;b'])
      assert.throws(() => hostsIn(wrong), /Invalid host name/);
    const help = readWish(['--help']);
    assert.ok('shown' in help && help.code === 0 && help.shown.includes('-h=HOSTS'));
  });
});
