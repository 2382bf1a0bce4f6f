/** A package holds the definition and the environment, is root's alone, and leaves nothing else behind. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runChecked } from '../kit/process.ts';
import { definitionOf } from './definitions.ts';
import { environmentFile, makePackage } from './package.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'package-'));
  const os = join(root, 'os', 'careful');
  await mkdir(os, { recursive: true });
  for (const script of ['create_untrusted', 'export', 'import', 'rename'])
    await writeFile(join(os, script), `#!/bin/sh\necho ${script}\n`, { mode: 0o755 });
  await writeFile(join(os, 'ganeti_api_version'), '15\n');
});
after(() => rm(root, { recursive: true }));

test('a package can be unpacked to what it was made of', async () => {
  const folder = join(root, 'packages');
  const file = join(folder, 'web1.tgz');
  const definition = await definitionOf([join(root, 'os')], 'careful');
  const environment = { OS_SCRIPT: 'create_untrusted', OSP_PASSWORD: 'a b=c' };
  await makePackage(file, folder, { definition, environment: {} });
  await makePackage(file, folder, { definition, environment });
  assert.deepEqual(await readdir(folder), ['web1.tgz']);
  assert.deepEqual([(await stat(file)).mode & 0o777, (await stat(folder)).mode & 0o777], [0o600, 0o700]);
  const out = join(root, 'out');
  await mkdir(out);
  await runChecked(['tar', '-xzf', file, '-C', out]);
  assert.equal(
    await readFile(join(out, 'environment'), 'utf8'),
    'OS_SCRIPT=create_untrusted\nOSP_PASSWORD=a b=c\n',
  );
  assert.match(await readFile(join(out, 'os/create_untrusted'), 'utf8'), /echo create_untrusted/);
});

test('no value makes further variables', () => {
  assert.throws(() => environmentFile({ OSP_X: 'a\nPATH=/evil' }), /The value of OSP_X has a line break/);
});
