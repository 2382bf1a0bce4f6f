import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleConfiguration } from '../../config/sample.ts';
import { ownHostname } from '../../kit/resolve.ts';
import { isToolAnswer, parseToolOptions } from '../../kit/tool-options.ts';
import { serialiseConfiguration } from '../../model/configuration.ts';
import { cfgupgrade } from './cfgupgrade.ts';
import { sanitize } from './sanitize-config.ts';

const older = join(import.meta.dirname, '../../config/upgrades/testdata');

test('a configuration is brought to this version and back, with a copy of what it was', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cfgupgrade-'));
  try {
    const [sample] = readdirSync(older).filter((name) => name.includes('2.16'));
    assert.ok(sample !== undefined, `a configuration of 2.16 in ${older}`);
    const file = join(folder, 'config.data');
    copyFileSync(join(older, sample), file);
    writeFileSync(join(folder, 'server.pem'), '');
    writeFileSync(join(folder, 'ssconf_master_node'), `${ownHostname()}\n`);
    mkdirSync(join(folder, 'etc'));
    const version = () => (JSON.parse(readFileSync(file, 'utf8')) as { version: number }).version;
    const run = (...argv: string[]) =>
      cfgupgrade(['-f', '--path', folder, '--confdir', join(folder, 'etc'), ...argv]);
    const before = version();
    assert.equal(await run('--dry-run'), 0);
    assert.equal(version(), before);
    assert.equal(await run(), 0);
    assert.equal(version(), 3_010_000);
    assert.equal(await run('--downgrade'), 0);
    assert.equal(version(), 3_000_000);
    assert.equal(await run(), 0);
    assert.equal(version(), 3_010_000);
    assert.ok(readdirSync(folder).some((name) => name.startsWith('config.data.backup-')));
    writeFileSync(join(folder, 'ssconf_master_node'), 'other.example.com\n');
    await assert.rejects(run(), /hostname mismatch/);
    assert.equal(await run('--ignore-hostname'), 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('nothing that names or opens anything is left in a sanitized configuration', () => {
  const data = serialiseConfiguration(sampleConfiguration()) as Record<string, unknown>;
  const text = JSON.stringify(data);
  const call = parseToolOptions('sanitize-config', '', [], []);
  assert.ok(!isToolAnswer(call));
  const copy = JSON.parse(text) as Record<string, unknown>;
  sanitize(copy, call);
  const shown = JSON.stringify(copy);
  const names = (key: string) =>
    Object.values(data[key] as Record<string, { name: string }>).map(({ name }) => name);
  for (const name of [...names('nodes'), ...names('instances')])
    if (!/^(node|instance)\d+\.example\.com$/.test(name)) assert.ok(!shown.includes(`"${name}"`), name);
  const cluster = copy.cluster as { cluster_name: string; rsahostkeypub: string };
  assert.deepEqual([cluster.cluster_name, cluster.rsahostkeypub], ['cluster.example.com', '']);
  for (const uuid of Object.keys(data.instances as object))
    assert.ok(shown.includes(uuid), 'references stay');
});
