/**
 * ovfconverter with Ganeti's own samples, in both directions. Images are converted by a fake that writes down what it
 * was asked for, so that no qemu-img is needed; where there is one, what a guest wrote goes out and comes back.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { parseSections } from '../../kit/sections.ts';
import { exportPackage } from './export.ts';
import { type Images, images, parseInfo } from './images.ts';
import { importPackage, type Surroundings } from './import.ts';
import { readCommandLine } from './options.ts';
import { pack } from './package-files.ts';
import { Workspace } from './workspace.ts';

const samples = join(import.meta.dirname, 'testdata');
let folder: string;
let out: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovf-test-'));
});
beforeEach(async () => {
  out = await mkdtemp(join(folder, 'out-'));
});
after(() => rm(folder, { recursive: true }));

/** Images that are copied; raw ones are filled up to a MiB and a half. */
const copies: Images = {
  info: async (path) => ({ format: path.endsWith('.raw') ? 'raw' : 'vmdk', size: 5120, others: [] }),
  convert: async (_from, format, to, wanted) => {
    await writeFile(to, Buffer.alloc(wanted === 'raw' ? 1_500_000 : 100, `${format}>${wanted} `));
  },
  compress: (from, to) => copyFile(from, to),
};

async function convert(words: readonly string[], using: Images = copies): Promise<string> {
  const line = readCommandLine(words);
  assert.ok(line !== 'help');
  const work = new Workspace();
  const around: Surroundings = { images: using, work, exportDir: out, say: () => {}, warn: () => {} };
  try {
    return await (line.mode === 'import' ? importPackage : exportPackage)(line.source, line.values, around);
  } finally {
    await work.tidy();
  }
}

/** The export that a package of the samples becomes, section by section. */
async function imported(sample: string, ...words: readonly string[]): Promise<Record<string, object>> {
  const made = await convert(['import', join(samples, sample), ...words]);
  const sections = parseSections(await readFile(join(made, 'config.ini'), 'utf8'));
  return Object.fromEntries([...sections].map(([name, section]) => [name, Object.fromEntries(section)]));
}

const ganeti = {
  instance: {
    ...{ disk0_dump: 'new_disk.raw', disk0_size: '2', disk0_ivname: 'disk/0', disk_count: '1' },
    ...{ nic0_mode: 'bridged', nic0_mac: 'aa:00:00:d8:2c:1e', nic0_ip: 'none', nic0_link: 'xen-br0' },
    ...{ nic0_network: 'auto', nic_count: '1', hypervisor: 'xen-pvm', name: 'ganeti-test-xen' },
    disk_template: 'plain',
  },
  backend: { vcpus: '1', memory: '2048', auto_balance: 'False' },
  export: { os: 'lenny-image', version: '0' },
  os: {},
  hypervisor: { 'root-path': '/dev/sda', kernel_args: 'ro' },
};

describe('a package becomes an export', () => {
  test('of Ganeti: everything that the instance had', async () => {
    assert.deepEqual(await imported('ganeti.ovf'), ganeti);
  });

  test('with a compressed disk', async () => {
    const { instance } = await imported('gzip_disk.ovf');
    assert.equal((instance as { disk0_dump: string }).disk0_dump, 'compr_disk.raw');
  });

  test('of VirtualBox: the cluster says what the package does not', async () => {
    await assert.rejects(
      convert(['import', join(samples, 'virtualbox.ovf')]),
      /Name of instance not provided/,
    );
    await assert.rejects(
      convert(['import', join(samples, 'virtualbox.ovf'), '-nbox']),
      /OS name must be provided/,
    );
    const found = await imported('virtualbox.ovf', '-n', 'box', '-o', 'noop', '-O', 'a=b');
    const { instance, backend, os } = found as typeof ganeti;
    assert.deepEqual(
      [backend.vcpus, backend.memory, backend.auto_balance, os],
      ['1', '2048', 'auto', { a: 'b' }],
    );
    assert.deepEqual(
      [instance.nic0_mode, instance.nic0_mac, instance.nic0_ip, instance.hypervisor, instance.disk_count],
      ['bridged', 'auto', 'none', 'auto', '2'],
    );
  });

  test('a disk of which it has no file begins empty', async () => {
    const text = await readFile(join(samples, 'ganeti.ovf'), 'utf8');
    const more =
      '<Disk ovf:diskId="d2" ovf:capacity="3" ovf:capacityAllocationUnits="byte * 2^20"/></DiskSection>';
    await writeFile(join(out, 'two.ovf'), text.replace('</DiskSection>', more));
    await copyFile(join(samples, 'new_disk.vmdk'), join(out, 'new_disk.vmdk'));
    const made = await convert(['import', join(out, 'two.ovf')]);
    const instance = parseSections(await readFile(join(made, 'config.ini'), 'utf8')).get('instance');
    assert.deepEqual(
      ['disk_count', 'disk1_dump', 'disk1_size'].map((option) => instance?.get(option)),
      ['2', 'disk1.raw', '3'],
    );
    assert.ok((await readFile(join(made, 'disk1.raw'))).equals(Buffer.alloc(3 * 1024 ** 2)));
    await writeFile(
      join(out, 'three.ovf'),
      text.replace('</DiskSection>', '<Disk ovf:diskId="d2"/></DiskSection>'),
    );
    const sizeless = ['import', join(out, 'three.ovf'), '-n', 'three'];
    await assert.rejects(convert(sizeless), /Disk d2 has neither a file nor a size/);
  });

  test('the command line goes before the package', async () => {
    const words = ['-n', 'other', '-B', 'maxmem=256,minmem=128,vcpus=2', '--disk', '0:size=8m', '-t', 'file'];
    const more = ['--net', '0:mode=routed,ip=10.0.0.1', '-H', 'kvm:acpi=no', '-o', 'noop', '--tags', 'a,b'];
    assert.deepEqual(await imported('ganeti.ovf', ...words, ...more), {
      instance: {
        ...{ disk0_dump: 'disk0.raw', disk0_size: '8', disk0_ivname: 'disk/0', disk_count: '1' },
        ...{ nic0_mode: 'routed', nic0_mac: 'auto', nic0_ip: '10.0.0.1', nic0_link: 'auto' },
        ...{ nic0_network: 'auto', nic_count: '1', hypervisor: 'kvm', name: 'other', disk_template: 'file' },
        tags: 'a b',
      },
      backend: { vcpus: '2', auto_balance: 'auto', maxmem: '256', minmem: '128' },
      export: { os: 'noop', version: '0' },
      os: {},
      hypervisor: { acpi: 'no' },
    });
    assert.equal((await readFile(join(out, 'other/disk0.raw'))).length, 8 * 1024 ** 2);
  });

  test('an export that is there already is left alone', async () => {
    await imported('ganeti.ovf');
    const before = await readdir(join(out, 'ganeti-test-xen'));
    await assert.rejects(
      convert(['import', join(samples, 'ganeti.ovf')]),
      /There is an export in .* already/,
    );
    assert.deepEqual(await readdir(join(out, 'ganeti-test-xen')), before);
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['nothing.ovf', /File does not exist/],
    ['wrong_extension.ovd', /Unknown file extension; expected .ova or .ovf file/],
    ['wrong_xml.ovf', /Error while reading .ovf file: not well-formed/],
    ['wrong_ova.ova', /not a proper tar archive/],
    ['no_ovf.ova', /No .ovf file in .ova package found/],
    ['wrong_manifest.ovf', /SHA1 checksum of new_disk.vmdk does not match the value in manifest file/],
    ['corrupted_resources.ovf', /File does not exist: .*other_disk.vmdk/],
    ['no_disk_in_ref.ovf', /disk \S+ not found in references/],
    ['empty.ovf', /Either disk specification or network description must be present/],
  ];
  for (const [sample, fault] of faults) {
    test(`${sample} is refused, and leaves nothing`, async () => {
      await assert.rejects(convert(['import', join(samples, sample), '-n', 'x', '-o', 'noop']), {
        errorClass: 'OpPrereqError',
        message: fault,
      });
      assert.deepEqual(await readdir(out), []);
    });
  }

  test('a disk that needs files of this machine is refused', async () => {
    const sly: Images = {
      ...copies,
      info: async () => ({ format: 'qcow2', size: 1, others: ['/etc/shadow'] }),
    };
    await assert.rejects(
      convert(['import', join(samples, 'ganeti.ovf')], sly),
      /needs the file \/etc\/shadow/,
    );
    assert.deepEqual(await readdir(out), []);
  });

  test('an archive that points out of itself is refused', async () => {
    const inside = join(folder, 'inside');
    await mkdir(inside);
    await writeFile(join(inside, 'a.ovf'), '<a/>');
    await symlink('/etc/passwd', join(inside, 'disk.vmdk'));
    await pack(join(folder, 'sly.ova'), inside, ['a.ovf', 'disk.vmdk']);
    await assert.rejects(
      convert(['import', join(folder, 'sly.ova')]),
      /File disk.vmdk inside .ova package is not safe/,
    );
  });
});

describe('an export becomes a package', () => {
  const exported = (sample: string, ...words: string[]) =>
    convert(['export', join(samples, sample), '-f', 'vmdk', '--output-dir', out, ...words]);

  test('for Ganeti, and comes back as it was', async () => {
    await exported('config.ini');
    const files = (await readdir(out)).sort();
    assert.deepEqual(files, ['ganeti-test-xen.mf', 'ganeti-test-xen.ovf', 'rawdisk.vmdk']);
    assert.match(await readFile(join(out, 'rawdisk.vmdk'), 'utf8'), /^raw>vmdk /);
    const made = await convert([
      'import',
      join(out, 'ganeti-test-xen.ovf'),
      '--output-dir',
      join(out, 'back'),
    ]);
    const sections = parseSections(await readFile(join(made, 'config.ini'), 'utf8'));
    const old = parseSections(await readFile(join(samples, 'config.ini'), 'utf8'));
    for (const section of ['hypervisor', 'backend', 'export', 'os']) {
      assert.deepEqual(sections.get(section), old.get(section), section);
    }
    for (const option of [
      'name',
      'hypervisor',
      'nic0_mode',
      'nic0_mac',
      'nic0_ip',
      'nic0_link',
      'nic0_network',
    ]) {
      assert.equal(sections.get('instance')?.get(option), old.get('instance')?.get(option), option);
    }
  });

  test('for other programs, packed in one archive', async () => {
    const made = await exported('config.ini', '--external', '--ova', '--compress', '-n', 'web1');
    assert.deepEqual(await readdir(out), ['web1.ova']);
    const back = await convert(['import', made, '-o', 'noop', '--output-dir', join(out, 'back')]);
    const { instance, hypervisor } = Object.fromEntries(
      parseSections(await readFile(join(back, 'config.ini'), 'utf8')),
    );
    assert.deepEqual(
      [instance?.get('hypervisor'), instance?.get('nic0_mode'), hypervisor?.size],
      ['auto', 'routed', 0],
    );
  });

  test('exports of newer releases say their memory elsewhere', async () => {
    await copyFile(join(samples, 'rawdisk.raw'), join(out, 'rawdisk.raw'));
    const text = await readFile(join(samples, 'config.ini'), 'utf8');
    await writeFile(join(out, 'config.ini'), text.replace('memory = 512', 'maxmem = 768\nminmem = 128'));
    const made = await convert(['export', join(out, 'config.ini'), '-f', 'raw']);
    assert.match(await readFile(made, 'utf8'), /<rasd:VirtualQuantity>768</);
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ['nothing.ini', /File does not exist/],
    ['wrong_config.ini', /Error when trying to read .*: File contains no section headers/],
    ['empty.ini', /No instance name found/],
    ['no_disk.ini', /No CPU information found/],
    ['no_os.ini', /No operating system information found/],
    ['unsafe_path.ini', /Path for the disk: .* contains a directory name/],
  ];
  for (const [sample, fault] of faults) {
    test(`${sample} is refused, and leaves nothing`, async () => {
      await assert.rejects(exported(sample), { errorClass: 'OpPrereqError', message: fault });
      assert.deepEqual(await readdir(out), []);
    });
  }
});

const lines: readonly (readonly [string[], RegExp])[] = [
  [['import'], /^Wrong number of arguments$/],
  [['import', 'a', 'b'], /^Wrong number of arguments$/],
  [['repair', 'a'], /^First argument should be either 'import' or 'export'$/],
  [['export', 'a'], /^Argument --format is required for export$/],
  [['import', 'a', '--ova'], /^Argument --ova is not allowed in import mode$/],
  [['export', 'a', '-f', 'raw', '-o', 'x'], /^Argument --os-type is not allowed in export mode$/],
  [['import', 'a', '--net', '0:mode=routed', '--no-nics'], /^Arguments nics and no_nics exclude each other$/],
];
for (const [words, fault] of lines) {
  test(`the command line ${words.join(' ')} is refused`, () => {
    assert.throws(() => readCommandLine(words), { message: fault });
  });
}

test('files that an image is made of are found, itself left out', () => {
  const info = (more: object) =>
    parseInfo(JSON.stringify({ format: 'x', 'virtual-size': 1, ...more }), '/a/disk');
  assert.deepEqual(info({ 'backing-filename': '/etc/shadow' }).others, ['/etc/shadow']);
  const data = { 'data-file': 'other', extents: [{ filename: '/a/disk' }, { filename: '/dev/sda' }] };
  assert.deepEqual(info({ 'format-specific': { data } }).others, ['other', '/dev/sda']);
  assert.throws(() => parseInfo('{}', '/a/disk'), /neither format nor size/);
});

const hasQemu = ['/usr/bin/qemu-img', '/bin/qemu-img'].some((path) => existsSync(path));
const skip = hasQemu ? false : 'there is no qemu-img';

test('what a guest wrote goes out and comes back, whatever it looks like', { skip }, async () => {
  // Read as anything but raw this would be an image with a backing file.
  const wrote = Buffer.alloc(2 * 1024 ** 2, 'what the guest wrote ');
  wrote.write('QFI\u00fb\u0000\u0000\u0000\u0003', 'latin1');
  await writeFile(join(out, 'rawdisk.raw'), wrote);
  await copyFile(join(samples, 'config.ini'), join(out, 'config.ini'));
  for (const format of ['vmdk', 'cow']) {
    const target = join(out, format);
    const source = join(out, 'config.ini');
    const words = ['export', source, '-f', format, '--ova', '--compress', '--output-dir', target];
    const made = await convert(words, images);
    const back = await convert(['import', made, '--output-dir', join(target, 'back')], images);
    assert.ok(wrote.equals(await readFile(join(back, 'rawdisk.raw'))), format);
  }
});
