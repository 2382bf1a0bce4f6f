/** Machines of other software come into the cluster as OVF packages or as images, and leave it as packages. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { installKeeper } from '../harness/keeper-os.ts';
import { VirtualLab } from '../harness/virtual.ts';

const samples = resolve(import.meta.dirname, '../../src/cli/ovf/testdata');
const hasQemu = ['/usr/bin/qemu-img', '/bin/qemu-img'].some((path) => existsSync(path));

describe('packages and images on a cluster', () => {
  let lab: VirtualLab;
  before(async () => {
    lab = await VirtualLab.up({ nodes: 1 });
    await installKeeper(lab, ['node1']);
    await run('gnt-cluster modify --ipolicy-disk-templates=file,diskless,sharedfile');
  });
  after(() => lab.down());
  const run = (command: string) => lab.output('node1', command.split(' '));
  const field = async (name: string, fields: string) =>
    (await run(`gnt-instance list --no-headers --units=m --separator=| -o ${fields} ${name}`)).trim();

  test('a package of VirtualBox becomes an instance, with what the cluster says of the rest', async () => {
    const words =
      '--disk 0:size=8m -n box.virtual.example -o keeper+default -t file -B memory=64,vcpus=2 --net 0:mode=routed,ip=10.0.0.9';
    await run(`ovfconverter import ${words} --tags red,blue ${samples}/virtualbox.ovf`);
    await run(
      'gnt-backup import -n node1.virtual.example --src-node=node1.virtual.example box.virtual.example',
    );
    const seen = await field(
      'box.virtual.example',
      'be/maxmem,be/vcpus,disk.sizes,nic.modes,nic.ips,hypervisor,tags',
    );
    assert.equal(seen, '64|2|8|routed|10.0.0.9|fake|blue,red');
  });

  test('an instance begins with an image, and begins with it again', async () => {
    const name = 'image1.virtual.example';
    const image = Buffer.alloc(5 * 1024 ** 2, 'what it boots from ');
    await mkdir(join(lab.root('node1'), 'srv/images'));
    await writeFile(join(lab.root('node1'), 'srv/images/one.raw'), image, { mode: 0o644 });
    const words = '-O os-image=/srv/images/one.raw -t file -s 8M --no-nics -B memory=64 --no-start';
    await run(`gnt-instance add ${words} -n node1.virtual.example ${name}`);
    const files = join(lab.root('node1'), 'srv/ganeti/file-storage', name);
    const disk = join(files, (await readdir(files))[0]!);
    const begins = async () => (await readFile(disk)).subarray(0, image.length).equals(image);
    assert.ok(await begins());
    await writeFile(disk, 'broken', { flag: 'r+' });
    await run(`gnt-instance reinstall -f ${name}`);
    assert.ok(await begins());
    assert.equal((await readFile(disk)).length, 8 * 1024 ** 2);
    const missing = await lab.run(
      'node1',
      `gnt-instance reinstall -f -O os-image=/srv/none ${name}`.split(' '),
    );
    assert.match(missing.stderr, /Could not image disk '0' .*: Image '\/srv\/none' not found/);
  });

  const skip = hasQemu ? false : 'there is no qemu-img';
  test('an instance leaves as a package and comes back with its data', { skip }, async () => {
    const name = 'web1.virtual.example';
    const files = join(lab.root('node1'), 'srv/ganeti/file-storage', name);
    const diskOf = async () => join(files, (await readdir(files))[0]!);
    await run(
      `gnt-instance add -t file -s 8M -o keeper+default -B memory=64 --net 0:ip=10.0.0.8 -n node1.virtual.example --no-start ${name}`,
    );
    const wrote = Buffer.alloc(8 * 1024 ** 2, 'what the guest wrote ');
    await writeFile(await diskOf(), wrote, { flag: 'r+' });
    const nics = await field(name, 'nic.macs,nic.ips,nic.links');
    await run(`gnt-backup export -n node1.virtual.example ${name}`);
    const exports = lab.paths('node1').exportDir;
    await run(
      `ovfconverter export -f vmdk --ova --output-dir ${lab.directory}/packages ${exports}/${name}/config.ini`,
    );
    await run(`gnt-backup remove ${name}`);
    await run(`gnt-instance remove -f ${name}`);
    await run(`ovfconverter import ${lab.directory}/packages/${name}.ova`);
    await run(`gnt-backup import -n node1.virtual.example --src-node=node1.virtual.example ${name}`);
    assert.ok(wrote.equals(await readFile(await diskOf())));
    assert.equal(await field(name, 'nic.macs,nic.ips,nic.links'), nics);
  });
});
