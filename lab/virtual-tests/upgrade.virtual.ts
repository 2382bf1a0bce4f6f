/** Another version on all nodes at once: nothing half done is left, whatever goes wrong, and what began can be resumed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readlink, symlink, unlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { VirtualLab } from '../harness/virtual.ts';

const bin = resolve(import.meta.dirname, '../../bin');
const nodes = ['node1', 'node2'];

describe('an upgrade', () => {
  let lab: VirtualLab;
  const library = (node: string) => join(lab.root(node), 'usr/lib/ganeti');
  const upgrade = (...options: string[]) => lab.run('node1', ['gnt-cluster', 'upgrade', ...options]);
  const intent = () => join(lab.root('node1'), 'var/lib/ganeti/intent-to-upgrade');
  async function requireWorking(): Promise<void> {
    assert.equal(await lab.output('node1', ['gnt-cluster', 'queue', 'info']), 'The drain flag is unset\n');
    assert.match(await lab.output('node1', ['gnt-cluster', 'watcher', 'info']), /is not paused/);
    await lab.output('node1', ['gnt-cluster', 'verify']);
    assert.ok(!existsSync(intent()));
  }

  before(async () => {
    lab = await VirtualLab.up({ nodes: 2 });
    for (const node of nodes) {
      for (const folder of ['3.1', 'tools']) await mkdir(join(library(node), folder), { recursive: true });
      for (const tool of ['daemon-util', 'ensure-dirs'])
        await symlink(join(bin, tool), join(library(node), tool));
      for (const tool of ['cfgupgrade', 'post-upgrade'])
        await symlink(join(bin, tool), join(library(node), 'tools', tool));
    }
  });
  after(() => lab.down());

  test('is refused when the version is too far away, or not there', async () => {
    const far = await upgrade('--to', '2.9');
    assert.deepEqual(
      [far.code, far.stderr],
      [1, 'Cannot upgrade to 2.9: automatic upgrades only supported from 2.10 onwards\n'],
    );
    const missing = await upgrade('--to', '3.2');
    assert.equal(missing.code, 1);
    assert.match(
      missing.stderr,
      /^Ganeti version 3\.2 not installed on nodes node2\.virtual\.example, node1\.virtual\.example$/m,
    );
    assert.equal((await upgrade('--resume')).code, 0, 'nothing has begun');
    await requireWorking();
  });

  test('that fails is taken back', async () => {
    const tool = join(library('node1'), 'tools/cfgupgrade');
    await unlink(tool);
    await writeFile(tool, '#!/bin/sh\necho no; exit 3\n');
    await chmod(tool, 0o755);
    const failed = await upgrade('--to', '3.1');
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /cfgupgrade -f failed: exited with exit code 3; Output no/);
    await requireWorking();
    await unlink(tool);
    await symlink(join(bin, 'cfgupgrade'), tool);
  });

  test('that was interrupted is finished by --resume', async () => {
    await writeFile(intent(), '3.0.2,3.1,1');
    const other = await upgrade('--to', '3.2');
    assert.match(
      other.stderr,
      /^An upgrade from 3\.0\.2 to 3\.1 is in progress; use --resume to finish it first$/m,
    );
    await lab.output('node1', ['daemon-util', 'stop-all']);
    const resumed = await upgrade('--resume');
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.match(resumed.stdout, /Starting daemons everywhere\.\n(.*\n)*Verifying cluster\.\n$/);
    for (const node of nodes)
      assert.match(await readlink(join(lab.root(node), 'etc/ganeti/lib')), /usr\/lib\/ganeti\/3\.1$/);
    await requireWorking();
  });
});
