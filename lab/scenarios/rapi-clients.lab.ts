/**
 * Clients of Ganeti's remote API that others wrote, unchanged, on a virtual cluster: lab/harness/rapi-clients/fetch
 * brings them; without them the scenario says so and skips.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pollUntil } from '../../src/kit/clock.ts';
import { runProcess } from '../../src/kit/process.ts';
import { VirtualLab } from '../harness/virtual.ts';

const folder = process.env.GANTRY_RAPI_CLIENTS ?? '/var/tmp/gantry-rapi-clients';
const debian = join(folder, 'debian');
const scripts = resolve(import.meta.dirname, '../harness/rapi-clients');
const bin = resolve(import.meta.dirname, '../../bin');
const skip = existsSync(join(debian, 'complete'))
  ? false
  : `no clients in ${folder}: lab/harness/rapi-clients/fetch brings them`;

describe('clients that others wrote', { skip }, () => {
  let lab: VirtualLab;
  const node = 'node1.virtual.example';

  before(async () => {
    lab = await VirtualLab.up({ nodes: 3 });
    await writeFile(lab.paths('node1').rapiUsers, 'admin secret @admin\nexporter look @readonly\n');
  });
  after(() => lab.down());

  const environment = (...modules: readonly string[]) => ({
    LD_LIBRARY_PATH: join(debian, 'usr/lib/x86_64-linux-gnu'),
    PYTHONPATH: [...modules, join(debian, 'usr/lib/python3/dist-packages')].join(':'),
    PATH: `${join(debian, 'usr/bin')}:${process.env.PATH}`,
    HOME: lab.directory,
    LC_ALL: 'C.UTF-8',
    // requests obeys these even where it is told not to look at certificates.
    REQUESTS_CA_BUNDLE: '',
    CURL_CA_BUNDLE: '',
    PYTHONWARNINGS: 'ignore',
  });
  const run = async (argv: readonly string[], env: Record<string, string>, wanted = 0) => {
    const { stdout, stderr, code } = await runProcess(argv, { env, timeoutMs: 240_000 });
    assert.equal(code, wanted, `${argv.join(' ')}\n${stdout}${stderr}`);
    return stdout;
  };
  const statusOf = async (name: string) =>
    (await lab.output('node1', ['gnt-instance', 'list', '--no-headers', '-o', 'status', name])).trim();

  test('ganeti-rapi-client-python: the life of an instance', async () => {
    const argv = [
      '/usr/bin/python3',
      join(scripts, 'codefritzel.py'),
      lab.address('node1'),
      'admin',
      'secret',
    ];
    const output = await run(
      [...argv, 'web1.virtual.example', node],
      environment(join(folder, 'ganeti-rapi-client-python')),
    );
    assert.equal((JSON.parse(output) as string[]).length, 8);
  });

  test('ganeti-control-center: its client class', async () => {
    const php = [join(debian, 'usr/bin/php8.2'), '-d', `extension_dir=${debian}/usr/lib/php/20220829`];
    const file = join(folder, 'ganeti-control-center/includes/ganetiClient.php');
    const args = [file, lab.address('node1'), 'admin', 'secret', 'web2.virtual.example', node];
    const output = await run(
      [...php, '-d', 'extension=curl', join(scripts, 'control_center.php'), ...args],
      environment(),
    );
    assert.equal((JSON.parse(output) as string[]).length, 8);
  });

  /** One task; what the module says of itself, or Ansible of a module that fails. */
  const task = async (
    module: string,
    args: Record<string, unknown>,
    env: Record<string, string>,
    wanted = 0,
  ) => {
    const argv = ['/usr/bin/python3', join(debian, 'usr/bin/ansible'), 'localhost', '-m', module];
    const settings = { ANSIBLE_LOCALHOST_WARNING: 'False', ANSIBLE_PYTHON_INTERPRETER: '/usr/bin/python3' };
    const text = await run([...argv, '-a', JSON.stringify(args)], { ...env, ...settings }, wanted);
    return JSON.parse(text.slice(text.indexOf('{'))) as Record<string, unknown>;
  };
  const failedTask = 2;

  test('codefritzel’s Ansible collection: an instance as it shall be', async () => {
    const collections = join(lab.directory, 'collections');
    await mkdir(join(collections, 'ansible_collections/codefritzel'), { recursive: true });
    await symlink(
      join(folder, 'ganeti-ansible-collection'),
      join(collections, 'ansible_collections/codefritzel/ganeti'),
    );
    const collection = {
      ...environment(join(folder, 'ganeti-rapi-client-python')),
      ANSIBLE_COLLECTIONS_PATH: collections,
    };
    const instanceTask = async (
      state: string,
      env: Record<string, string>,
      more: Record<string, unknown> = {},
      code = 0,
    ) =>
      await task(
        'codefritzel.ganeti.gnt_instance',
        {
          ...{ rapi_address: lab.address('node1'), rapi_port: 5080, rapi_username: 'admin' },
          ...{ rapi_password: 'secret', ssl_verify: false, instance_name: 'web3.virtual.example', state },
          ...more,
        },
        env,
        code,
      );
    // It was written for a client that isn't published: the one that its requirements.txt names (version 0.0.1, all there
    // is) has another name for the class, and the module ends before it has asked anything.
    const { module_stderr: complaint } = await instanceTask('started', collection, {}, failedTask);
    assert.match(String(complaint), /NameError: name 'GanetiRAPIClient' is not defined/);
    // With the names that it means, it works, as far as there is something behind them.
    const names = join(lab.directory, 'names');
    await mkdir(names);
    const meant = `import client, client.models.instance as models
client.GanetiRAPIClient = client.GanetiRapiClient
older = models.NewInstance
models.NewInstance = lambda instance_name, **rest: older(name=instance_name, **rest)
models.InstanceInfo.is_running = lambda self: self.status == "running"
`;
    await writeFile(join(names, 'sitecustomize.py'), meant);
    const named = { ...collection, PYTHONPATH: `${names}:${collection.PYTHONPATH}` };
    const instance = (state: string, more: Record<string, unknown> = {}) => instanceTask(state, named, more);
    const wanted = {
      ...{ disk_template: 'sharedfile', disks: [{ size: 16 }], nics: [], os: 'noop', pnode: node },
      ...{ beparams: { memory: 128, vcpus: 1 }, ip_check: false, name_check: false, start: true },
    };
    assert.equal((await instance('present', wanted)).changed, true);
    assert.equal(await statusOf('web3'), 'running');
    // It stops an instance that is_stopped(): with that word the wrong way round, and no client that has it.
    const { module_stderr: gap } = await instanceTask('stopped', named, {}, failedTask);
    assert.match(String(gap), /AttributeError: 'InstanceInfo' object has no attribute 'is_stopped'/);
    assert.equal(await statusOf('web3'), 'running');
    await lab.output('node1', ['gnt-instance', 'stop', 'web3']);
    assert.equal((await instance('started')).changed, true);
    assert.equal(await statusOf('web3'), 'running');
    assert.equal((await instance('absent')).changed, true);
    assert.equal((await instance('absent')).changed, false);
  });

  test('sipgate’s Ansible module: its state machine', async () => {
    const collections = join(lab.directory, 'collections');
    await mkdir(join(collections, 'ansible_collections/sipgate'), { recursive: true });
    await symlink(
      join(folder, 'ansible-modules-ganeti'),
      join(collections, 'ansible_collections/sipgate/ganeti'),
    );
    const env = { ...environment(), ANSIBLE_COLLECTIONS_PATH: collections };
    const name = 'web4.virtual.example';
    const base = { address: lab.address('node1'), user: 'admin', password: 'secret', name };
    const instance = (state: string, more: Record<string, unknown> = {}) =>
      task('sipgate.ganeti.ganeti_instance', { ...base, state, ...more }, env);
    const created = await instance('present', {
      ...{ ip_check: false, name_check: false, no_install: true, os_type: 'noop', hypervisor: 'fake' },
      ...{ vcpus: 2, memory: 1024, disk_template: 'diskless', disks: [], osparams: {} },
    });
    assert.deepEqual([created.changed, created.message], [true, 'create complete']);
    const started = await instance('started');
    assert.deepEqual([started.changed, started.message], [true, 'startup complete']);
    assert.equal(await statusOf('web4'), 'running');
    const stopped = await instance('stopped');
    assert.deepEqual([stopped.changed, stopped.message], [true, 'shutdown complete']);
    assert.equal(await statusOf('web4'), 'ADMIN_down');
    assert.equal((await instance('absent')).changed, true);
  });

  test('prometheus-ganeti-exporter: its figures, with our hspace and hbal', async () => {
    const port = 20_000 + (process.pid % 20_000);
    const config = join(lab.directory, 'prometheus.ini');
    await writeFile(
      config,
      `[default]\nport = ${port}\nverify_tls = False\nrefresh_interval = 20\n` +
        `[ganeti]\napi = https://${lab.address('node1')}:5080\nuser = exporter\npassword = look\n` +
        `[htools]\nhspace_enabled = True\nhspace_path = ${bin}/hspace\nhspace_disk_template = sharedfile\n` +
        `hspace_alloc_data = 1024,128,1\nhbal_enabled = True\nhbal_path = ${bin}/hbal\n` +
        // Without one it gives hbal an empty argument, which Ganeti's doesn't take either.
        'hbal_extra_parameters = -q\n',
    );
    const modules = join(folder, 'prometheus-ganeti-exporter/src');
    const argv = ['/usr/bin/python3', '-m', 'prometheus_ganeti_exporter', '--config', config];
    const exporter = spawn(argv[0]!, argv.slice(1), {
      env: environment(modules),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [exporter.stdout, exporter.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    const figures = [
      /ganeti_\w*mtotal\{[^}]*node1\.virtual\.example/,
      /ganeti_hspace_\w+\{[^}]*\} [1-9]/,
      /ganeti_hbal_initial_score\{[^}]*default[^}]*\} \d/,
      /ganeti_\w*job\w*\{/,
    ];
    let told = '';
    try {
      const read = async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
        const text = await answer?.text();
        told = text ?? told;
        return text !== undefined && figures.every((figure) => figure.test(text)) ? text : undefined;
      };
      assert.ok(await pollUntil(read, { everyMs: 250, timeoutMs: 60_000 }), `${said}\n${told}`);
    } finally {
      exporter.kill();
    }
  });
});
