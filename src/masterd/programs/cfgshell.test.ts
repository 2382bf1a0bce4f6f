import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { sampleConfiguration } from '../../config/sample.ts';
import { silentLog } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { runProcess } from '../../kit/process.ts';
import { serialiseConfiguration } from '../../model/configuration.ts';
import { configPlace } from './cfgshell.ts';
import { ConfigShell } from './config-shell.ts';

describe('cfgshell', () => {
  let root: string;
  let paths: Paths;
  let shell: ConfigShell;
  let said: string[];
  const sample = sampleConfiguration();
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'cfgshell-'));
    paths = pathsFor({ GANETI_ROOTDIR: root });
    mkdirSync(paths.dataDir, { recursive: true });
    writeFileSync(paths.configFile, JSON.stringify(serialiseConfiguration(sample)));
    said = [];
    shell = new ConfigShell(configPlace(paths, silentLog), (line) => void said.push(line));
  });
  afterEach(() => rmSync(root, { recursive: true }));
  /** What the lines said. */
  const run = async (...lines: string[]): Promise<string[]> => {
    said.length = 0;
    for (const line of lines) assert.equal(await shell.run(line), true, line);
    return [...said];
  };
  const [instance] = sample.instances.values();
  const stored = () =>
    JSON.parse(readFileSync(paths.configFile, 'utf8')) as { instances: Record<string, unknown> };

  test('nothing can be seen before something is loaded', async () => {
    assert.equal(shell.prompt, '(#no config) ');
    assert.deepEqual(await run('ls', '', 'nonsense'), [
      'No config data loaded',
      '*** Unknown syntax: nonsense',
    ]);
    assert.match((await run('load /nonexistent/config.data'))[0]!, /^Error: ENOENT/);
    assert.equal(shell.prompt, '(#no config) ');
    assert.equal(await shell.run('quit'), false);
  });

  test('a configuration is walked through like folders', async () => {
    assert.deepEqual(await run('load'), []);
    assert.equal(shell.prompt, '(/) ');
    const top = await run('ls');
    assert.ok(top.includes('cluster/') && top.includes('serial_no'));
    assert.ok(top.indexOf('cluster/') < top.indexOf('serial_no'));
    assert.deepEqual(await run('cd cluster', 'pwd', 'cat cluster_name'), [
      '/cluster',
      sample.cluster.cluster_name,
    ]);
    assert.equal(shell.prompt, '(/cluster) ');
    assert.deepEqual(await run('cd nothing', 'cat nothing', 'cd cluster_name', 'cat'), [
      'No such child',
      'No such entry',
      'No such child',
      'No such entry',
    ]);
    assert.deepEqual(await run('cd ..', 'cd ..'), ['Already at top level']);
    assert.deepEqual(await run(`cd /instances/${instance!.name}/beparams`, 'cd ../..', 'pwd'), [
      '/instances',
    ]);
    assert.deepEqual(
      JSON.parse((await run(`cat ${instance!.uuid}/nics`))[0]!),
      instance!.nics.map((nic) => ({ ...nic })),
    );
    assert.deepEqual(await run('cat __proto__', 'cd constructor', 'cat /serial_no'), [
      'No such entry',
      'No such child',
      String(sample.serial_no),
    ]);
  });

  test('an instance is taken out by name or uuid, at once, while nobody else writes', async () => {
    mkdirSync(paths.journalDir);
    assert.deepEqual(await run('load', `rm ${instance!.name}`), ['Can only delete instances and nodes']);
    assert.deepEqual(await run('cd instances', 'rm nothing'), ['Invalid instance name']);
    // As the running master daemon would have it.
    const [, fields = ''] = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(/\)(?!.*\))/s);
    const owner = { pid: process.ppid, started: fields.trim().split(' ')[19] };
    writeFileSync(join(paths.journalDir, 'owner.json'), JSON.stringify(owner));
    assert.match((await run(`rm ${instance!.name}`))[0]!, /^Error: .* is in use by process \d+$/);
    rmSync(join(paths.journalDir, 'owner.json'));
    assert.ok(instance!.uuid in stored().instances);
    assert.deepEqual(await run(`rm ${instance!.name}`, 'ls'), shell.names());
    assert.ok(!(instance!.uuid in stored().instances));
    assert.equal(shell.prompt, '(/instances) ');
  });

  test('lines may come from a file', async () => {
    const program = join(import.meta.dirname, 'main.ts');
    const { code, stdout, stderr } = await runProcess([process.execPath, program], {
      input: 'load\ncd cluster\ncat cluster_name\nquit\nls\n',
      env: { GANETI_ROOTDIR: root, GANTRY_PROGRAM: 'cfgshell' },
    });
    assert.deepEqual([code, stdout, stderr], [0, `${sample.cluster.cluster_name}\n`, '']);
  });

  test('faults are named, other files are only looked at', async () => {
    const other = join(root, 'other.data');
    const { cluster, ...rest } = serialiseConfiguration(sample) as { cluster: Record<string, unknown> };
    const data = { ...rest, cluster: { ...cluster, enabled_hypervisors: [] } };
    writeFileSync(other, JSON.stringify(data));
    const [head, ...faults] = await run(`load ${other}`, 'verify');
    assert.equal(head, 'Validation failed. Errors:');
    assert.ok(faults.length > 0);
    assert.deepEqual(await run('cd instances', `rm ${instance!.uuid}`), [
      "Error: only this node's own configuration is changed",
    ]);
  });
});
