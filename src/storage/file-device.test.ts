import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createStorageDrivers, storageTemplates } from './catalog.ts';
import { storageContract } from './contract.suite.ts';
import { checkAllowed, parseAllowedPaths, storageFolderFault, wrongPaths } from './file-storage-paths.ts';
import { createMachines } from './machine.fixture.ts';
import { disk, request } from './request.fixture.ts';

const folder = '/srv/ganeti/file-storage';

/** A machine whose files are real, below a temporary root. */
async function world(template: string, path = `${folder}/inst1/u1.disk0`) {
  const root = mkdtempSync(join(tmpdir(), 'storage-'));
  const [machine] = createMachines(1, root);
  machine!.files.set(`${root}/etc/ganeti/file-storage-paths`, `# allowed\n\n${folder}\n`);
  mkdirSync(join(root, folder), { recursive: true });
  const driver = await createStorageDrivers(machine!).driver(template);
  const tree = () => {
    const names = readdirSync(join(root, folder), { recursive: true }) as string[];
    return names
      .filter((name) => !lstatSync(join(root, folder, name)).isDirectory())
      .map((name) => [name, statSync(join(root, folder, name)).size]);
  };
  return {
    root,
    host: machine!,
    driver,
    request: request(disk(template, ['loop', path], 16)),
    snapshot: tree,
    otherId: ['loop', `${folder}/inst2/u1.disk0`],
    tearDown: () => rmSync(root, { recursive: true }),
  };
}
const fresh = { info: 'x', onPrimary: true, mustBeNew: true };
/** Templates whose disks are files named by their whole path. */
const templates = storageTemplates
  .filter((about) => about.fileBased && !about.userspaceAccess)
  .map((about) => about.name);

for (const template of templates) storageContract(template, () => world(template));

describe('files as disks', () => {
  for (const [index, bad] of [
    '/etc/shadow',
    '/srv/ganeti/file-storage-not/x',
    `${folder}/../../../etc/x`,
    folder,
    'relative/path',
    '/srv/other/x',
  ].entries()) {
    test(`${bad} is refused before anything is touched (${index})`, async () => {
      const made = await world(templates[0]!, bad);
      await assert.rejects(made.driver.create(made.request, fresh), { errorClass: 'FileStoragePathError' });
      await assert.rejects(made.driver.remove(made.request), { errorClass: 'FileStoragePathError' });
      assert.deepEqual(made.snapshot(), []);
      made.tearDown();
    });
  }

  test('a link that leads out of the allowed folder is not followed', async () => {
    const made = await world(templates[0]!);
    mkdirSync(join(made.root, 'elsewhere'));
    symlinkSync(join(made.root, 'elsewhere'), join(made.root, folder, 'inst1'));
    await assert.rejects(made.driver.create(made.request, fresh), /leads outside of the file storage paths/);
    assert.deepEqual(readdirSync(join(made.root, 'elsewhere')), []);
    made.tearDown();
  });

  test('a file that is there is not taken over, nor one that is too small', async () => {
    const made = await world(templates[0]!);
    await made.driver.create(made.request, fresh);
    await assert.rejects(made.driver.create(made.request, fresh), /File exists/);
    const larger = { ...made.request, disk: { ...made.request.disk, size: 32 } };
    await assert.rejects(made.driver.create(larger, { ...fresh, mustBeNew: false }), /of another size/);
    made.tearDown();
  });

  test('a new file takes no space until it is written', async () => {
    const made = await world(templates[0]!);
    await made.driver.create(made.request, fresh);
    const { path } = await made.driver.assemble(made.request, true);
    assert.ok(existsSync(path));
    assert.ok(statSync(path).blocks < 64);
    made.tearDown();
  });
});

describe('the list of allowed paths', () => {
  test('comments and empty lines are nothing', () => {
    assert.deepEqual(parseAllowedPaths('# a\n\n  /srv/x  \n#/srv/y\n/srv/z'), ['/srv/x', '/srv/z']);
  });

  test('system folders are wrong whatever the list says', () => {
    assert.deepEqual(wrongPaths(['/srv/x', '/usr/bin', '/etc/', '/home/a/b', 'x', '/usr/lib64/y']), [
      '/etc',
      '/home/a/b',
      '/usr/bin',
      '/usr/lib64/y',
      'x',
    ]);
  });

  test('without a list nothing is allowed', () => {
    assert.throws(
      () => checkAllowed('/srv/x', [], '/etc/list'),
      /No paths are valid or path file '\/etc\/list'/,
    );
  });

  test('a folder for the cluster must be there and writable', async () => {
    const made = await world(templates[0]!);
    assert.equal(await storageFolderFault(made.host, folder), undefined);
    assert.match((await storageFolderFault(made.host, `${folder}/none`))!, /not existing or not a directory/);
    writeFileSync(join(made.root, folder, 'file'), '');
    assert.match((await storageFolderFault(made.host, `${folder}/file`))!, /not existing or not a directory/);
    assert.match((await storageFolderFault(made.host, '/srv/else'))!, /not acceptable/);
    made.tearDown();
  });
});
