/** daemon-util as scripts call it that know Ganeti's daemons. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProcess } from '../kit/process.ts';

const root = mkdtempSync(join(tmpdir(), 'daemon-util-'));
after(() => rmSync(root, { recursive: true }));
const ask = async (...words: string[]) => {
  const program = join(import.meta.dirname, 'daemon-util.ts');
  const { code, stdout, stderr } = await runProcess([process.execPath, program, ...words], {
    env: { GANETI_ROOTDIR: root },
  });
  return [code, stdout.trim() + stderr.trim()];
};

test('daemons that are parts of the master daemon here stand for it', async () => {
  for (const name of ['ganeti-luxid', 'ganeti-wconfd']) {
    assert.deepEqual(await ask('is-daemon-name', name), [0, '']);
    assert.deepEqual(await ask('daemon-pidfile', name), [0, `${root}/var/run/ganeti/ganeti-masterd.pid`]);
    assert.deepEqual(await ask('check', name), [1, '']);
    assert.deepEqual(await ask('stop', name), [0, '']);
  }
  assert.deepEqual(await ask('is-daemon-name', 'ganeti-queryd'), [1, "Unknown daemon name 'ganeti-queryd'"]);
  const [, list] = await ask('list-start-daemons');
  assert.deepEqual(String(list).split('\n'), [
    'ganeti-noded',
    'ganeti-confd',
    'ganeti-masterd',
    'ganeti-rapi',
    'ganeti-mond',
  ]);
});
