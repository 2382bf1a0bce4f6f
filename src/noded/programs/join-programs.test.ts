/** Programs that read standard input, the environment or a terminal: each as a process of its own. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { type ProcessResult, runProcess } from '../../kit/process.ts';
import { makeClientCertificate, makeClusterCertificate } from '../../noderpc/certificates.ts';
import { certificateIn } from '../../noderpc/pem.ts';

let root = '';
let paths: Paths;
const folder = () => join(root, 'bin');

/** A program on the search path that writes its arguments down, then runs `body`. */
function fake(name: string, body = ''): void {
  mkdirSync(folder(), { recursive: true });
  writeFileSync(join(folder(), name), `#!/bin/sh\necho "${name} $*" >>'${root}/calls'\n${body}\n`);
  chmodSync(join(folder(), name), 0o755);
}
const calls = () => readFileSync(join(root, 'calls'), 'utf8').trim().split('\n');

function run(
  program: string,
  argv: readonly string[],
  options: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<ProcessResult> {
  return runProcess([process.execPath, join(import.meta.dirname, 'main.ts'), ...argv], {
    input: options.input ?? '',
    env: {
      PATH: `${folder()}:/usr/bin:/bin`,
      GANETI_ROOTDIR: root,
      GANETI_HOSTNAME: 'node1.example.com',
      GANTRY_PROGRAM: program,
      ...options.env,
    },
    timeoutMs: 30_000,
  });
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'programs-'));
  paths = pathsFor({ GANETI_ROOTDIR: root });
  mkdirSync(paths.dataDir, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

describe('ssl-update', () => {
  async function member(): Promise<string> {
    const pem = await makeClusterCertificate();
    writeFileSync(paths.serverCertificate, pem);
    writeFileSync(join(paths.dataDir, 'ssconf_cluster_name'), 'c.example.com\n');
    return pem;
  }
  const input = (certificate: string, action: string, cluster = 'c.example.com') =>
    JSON.stringify({ cluster_name: cluster, node_daemon_certificate: certificate, action });

  test('makes this node a client certificate, and takes it away', async () => {
    const pem = await member();
    const dry = await run('ssl-update', ['--dry-run'], { input: input(pem, 'create') });
    assert.equal(dry.code, 0, dry.stderr);
    assert.ok(!existsSync(paths.clientCertificate));
    const made = await run('ssl-update', ['-v'], { input: input(pem, 'create') });
    assert.equal(made.code, 0, made.stderr);
    const certificate = certificateIn(readFileSync(paths.clientCertificate, 'utf8'));
    assert.match(certificate.subject, /CN=node1\.example\.com/);
    assert.ok(certificate.checkIssued(certificateIn(pem)));
    const gone = await run('ssl-update', [], { input: input(pem, 'delete') });
    assert.equal(gone.code, 0, gone.stderr);
    assert.ok(!existsSync(paths.clientCertificate));
  });

  test('changes nothing for another cluster or with another certificate', async () => {
    const pem = await member();
    writeFileSync(paths.clientCertificate, await makeClientCertificate(pem, { commonName: 'old' }));
    const before = readFileSync(paths.clientCertificate, 'utf8');
    for (const [text, words] of [
      [input(pem, 'create', 'other.example.com'), /is no node of cluster 'other\.example\.com'/],
      [input(await makeClusterCertificate(), 'create'), /does not match local key/],
      [input(pem, 'renew'), /Input is wrong/],
    ] as const) {
      const { code, stderr } = await run('ssl-update', [], { input: text });
      assert.equal(code, 1);
      assert.match(stderr, words);
    }
    assert.equal(readFileSync(paths.clientCertificate, 'utf8'), before);
  });
});

describe('master-ip-setup', () => {
  const env = {
    MASTER_NETDEV: 'br9',
    MASTER_IP: '192.0.2.9',
    MASTER_NETMASK: '24',
    CLUSTER_IP_VERSION: '4',
  };

  test('an address that is up already is fine', async () => {
    const local = { ...env, MASTER_NETDEV: 'lo', MASTER_IP: '127.0.0.9', MASTER_NETMASK: '32' };
    const { code, stderr } = await run('master-ip-setup', ['start'], { env: local });
    assert.equal(code, 0, stderr);
  });

  test('refuses what is no device, and an environment that is not whole', async () => {
    for (const wrong of [{ MASTER_IP: '' }, { MASTER_NETMASK: 'x' }, { CLUSTER_IP_VERSION: '5' }]) {
      const { code, stderr } = await run('master-ip-setup', ['start'], { env: { ...env, ...wrong } });
      assert.equal(code, 1);
      assert.match(stderr, /^Usage: master-ip-setup \{start\|stop\}/);
    }
    assert.equal((await run('master-ip-setup', ['restart'], { env })).code, 1);
    const odd = await run('master-ip-setup', ['start'], { env: { ...env, MASTER_NETDEV: 'br9; reboot' } });
    assert.equal(odd.code, 1);
    assert.match(odd.stderr, /is not the name of a network device/);
  });

  test('an address that is nowhere is down already', async () => {
    assert.equal((await run('master-ip-setup', ['stop'], { env })).code, 0);
  });
});

describe('console wrappers', () => {
  test('a guest that is paused goes on once the console is open', async () => {
    // The monitor is asked on standard input; the console waits for the answer to have come.
    fake(
      'socat',
      `case "$*" in
        *UNIX-CONNECT:/m*) read -r command; echo "asked $command" >>'${root}/calls'
          if [ "$command" = cont ]; then touch '${root}/runs'; elif [ -e '${root}/runs' ]; then echo 'VM status: running'; else echo 'VM status: paused (prelaunch)'; fi;;
        *) i=0; while [ ! -e '${root}/runs' ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done; exit 3;;
      esac`,
    );
    const argv = [join(folder(), 'socat'), 'web1', '/m', 'STDIO,raw', 'UNIX-CONNECT:/serial'];
    const { code, stderr } = await run('kvm-console-wrapper', argv);
    assert.equal(code, 3, "the console's own code");
    assert.match(stderr, /Instance web1 is paused, unpausing/);
    assert.equal(calls()[0], 'socat STDIO,raw UNIX-CONNECT:/serial');
    assert.deepEqual(
      calls()
        .filter((call) => call.startsWith('asked'))
        .slice(0, 2),
      ['asked info status', 'asked cont'],
    );
    assert.equal((await run('kvm-console-wrapper', argv.slice(1))).code, 1);
  });

  test('the same with Xen, whose tool tells the state in a column', async () => {
    fake(
      'xl',
      `case "$1" in
        list) state=--p---; [ -e '${root}/runs' ] && state=-b----; printf 'Name ID Mem VCPUs State Time(s)\\nweb1 7 128 1 %s 0.1\\n' $state;;
        unpause) touch '${root}/runs';;
        console) i=0; while [ ! -e '${root}/runs' ] && [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done;;
      esac`,
    );
    const { code, stderr } = await run('xen-console-wrapper', [join(folder(), 'xl'), 'web1']);
    assert.equal(code, 0, stderr);
    assert.ok(calls().includes('xl unpause web1'));
    assert.equal((await run('xen-console-wrapper', [join(folder(), 'xl'), '-v'])).code, 1);
  });
});
