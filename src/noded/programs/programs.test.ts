import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathsFor } from '../../kit/paths.ts';
import { makeSelfSignedCertificate } from '../../noderpc/certificates.ts';
import { disksIn, firstPartition } from './block-devices.ts';
import { checkCertExpired } from './check-cert-expired.ts';
import { ensureDirs } from './ensure-dirs.ts';
import { nodeCleanup } from './node-cleanup.ts';
import { changedPublicKeys } from './ssh-update.ts';

/** The programs find their node by the environment of the process. */
async function onNode(work: (root: string) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'programs-'));
  const before = process.env.GANETI_ROOTDIR;
  process.env.GANETI_ROOTDIR = root;
  try {
    await work(root);
  } finally {
    if (before === undefined) delete process.env.GANETI_ROOTDIR;
    else process.env.GANETI_ROOTDIR = before;
    rmSync(root, { recursive: true });
  }
}

describe('programs of a node', () => {
  test('say whether a certificate has expired: 0 when it has', async () => {
    await onNode(async (root) => {
      const file = join(root, 'a.pem');
      const day = 24 * 60 * 60 * 1000;
      writeFileSync(file, await makeSelfSignedCertificate({ commonName: 'a' }));
      assert.equal(await checkCertExpired([file]), 1);
      writeFileSync(
        file,
        await makeSelfSignedCertificate({ commonName: 'a', days: 1, from: Date.now() - 3 * day }),
      );
      assert.equal(await checkCertExpired([file]), 0);
      assert.equal(await checkCertExpired([join(root, 'none.pem')]), 1);
      assert.equal(await checkCertExpired([]), 1);
    });
  });

  test('put rights right, and make folders that are missing', async () => {
    await onNode(async () => {
      const paths = pathsFor();
      assert.equal(await ensureDirs([]), 0);
      assert.equal(statSync(paths.logDir).mode & 0o777, 0o770);
      mkdirSync(`${paths.archiveDir}/0`, { recursive: true });
      const [key, job] = [paths.serverCertificate, `${paths.archiveDir}/0/job-7`];
      for (const file of [key, job]) {
        writeFileSync(file, '');
        chmodSync(file, 0o666);
      }
      assert.equal(await ensureDirs([]), 0);
      assert.equal(statSync(key).mode & 0o777, 0o440);
      assert.equal(statSync(job).mode & 0o777, 0o666);
      assert.equal(await ensureDirs(['--full-run']), 0);
      assert.equal(statSync(job).mode & 0o777, 0o640);
      assert.equal(await ensureDirs(['--nothing']), 2);
    });
  });

  test('take a cluster off a machine, and keep a copy of its secrets', async () => {
    await onNode(async () => {
      const paths = pathsFor();
      await ensureDirs([]);
      writeFileSync(paths.serverCertificate, 'secret');
      writeFileSync(`${paths.dataDir}/ssconf_cluster_name`, 'cluster\n');
      assert.equal(await nodeCleanup([]), 1);
      assert.ok(existsSync(paths.serverCertificate));
      assert.equal(await nodeCleanup(['--yes-do-it']), 0);
      assert.ok(!existsSync(paths.serverCertificate));
      assert.ok(!existsSync(`${paths.dataDir}/ssconf_cluster_name`));
      const { readdirSync } = await import('node:fs');
      const [copy] = readdirSync(`${paths.dataDir}/cleanup-backup`);
      assert.equal(readFileSync(`${paths.dataDir}/cleanup-backup/${copy}`, 'utf8'), 'secret');
    });
  });

  test('change the list of public keys in every way', () => {
    const before = { a: ['1'], b: ['2'] };
    assert.deepEqual(changedPublicKeys(before, ['add', { a: ['3'], c: ['4'] }]), {
      a: ['1', '3'],
      b: ['2'],
      c: ['4'],
    });
    assert.deepEqual(changedPublicKeys(before, ['remove', { a: [] }]), { b: ['2'] });
    assert.deepEqual(changedPublicKeys(before, ['replace_or_add', { a: ['9'] }]), { a: ['9'], b: ['2'] });
    assert.deepEqual(changedPublicKeys(before, ['override', { c: ['4'] }]), { c: ['4'] });
    assert.deepEqual(changedPublicKeys(before, ['clear', {}]), {});
  });
});

test('a disk that anybody uses is not free', () => {
  const plain = { type: 'disk', size: 1000, rm: false, ro: false, mountpoints: [null], fstype: null };
  const part = { ...plain, type: 'part' };
  const text = JSON.stringify({
    blockdevices: [
      { ...plain, name: 'sda', children: [{ ...part, name: 'sda1', mountpoints: ['/'] }] },
      { ...plain, name: 'sdb' },
      { ...plain, name: 'sdc', children: [{ ...part, name: 'sdc1', fstype: 'LVM2_member' }] },
      { ...plain, name: 'sdd', children: [{ ...part, name: 'sdd1', mountpoints: ['[SWAP]'] }] },
      { ...plain, name: 'nvme0n1', children: [{ ...plain, name: 'md0', type: 'raid1' }] },
      { ...plain, name: 'sde', ro: true },
      { ...plain, name: 'sr0', type: 'rom' },
    ],
  });
  assert.deepEqual(
    disksIn(text).map(({ name, use }) => [name, use]),
    [
      ['sda', 'mounted on /'],
      ['sdb', undefined],
      ['sdc', 'physical volume'],
      ['sdd', 'swap'],
      ['nvme0n1', 'raid1 md0'],
      ['sde', 'read-only'],
    ],
  );
  assert.deepEqual(['sda', 'nvme0n1'].map(firstPartition), ['sda1', 'nvme0n1p1']);
});
