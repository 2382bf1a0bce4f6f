/**
 * Scripts of an OS definition that the node does not trust run in a real helper virtual machine: it boots from the
 * cluster's install image, fetches the package with the scripts from the metadata service over the interface that it has
 * with the node, and installs the instance's disk, which is its second one. Needs root, for taps and a network of its own:
 * the address of the metadata service may mean something else to this machine.
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runProcess } from '../../src/kit/process.ts';
import { makeHelperImage, realGuests } from '../harness/helper-image.ts';
import { type GuestImage, guestImage } from '../harness/local-guest.ts';
import { VirtualLab } from '../harness/virtual.ts';

const name = 'web1.virtual.example';
const node = 'node1';
const address = '169.254.8.1';
const scenarioMs = 400_000;
const inside = process.env.GANTRY_OWN_NETWORK === '1';

/** What an install image does: its address, the package, the environment, the script, and the end. */
const installer = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t tmpfs tmp /tmp
exec </dev/console >/dev/console 2>&1
for word in $(cat /proc/cmdline); do
  case $word in guest.ip=*) ip addr add "\${word#guest.ip=}/32" dev eth0 ;; esac
done
ip link set eth0 up
ip route add 169.254.169.254 dev eth0
cd /tmp
get() { wget -q -O - "http://169.254.169.254/ganeti/latest/$1"; }
get os/os-install-package >package.tgz
tar -xzf package.tgz
while IFS= read -r line; do export "$line"; done <environment
echo "installer: $OS_SCRIPT"
export PARAMETERS="$(get os/parameters.json)"
os/$OS_SCRIPT
sync
poweroff -f
`;

/** The node would have no /dev/vdb, and no guest of its own. */
const script = `#!/bin/sh
exec >"$DISK_0_PATH" || exit 1
echo "installed $INSTANCE_NAME on $DISK_0_PATH of $DISK_COUNT for $OSP_SUITE with $OSP_PASSWORD"
echo "$PARAMETERS"
`;

async function addOs(lab: VirtualLab): Promise<void> {
  const folder = join(lab.root(node), 'srv/ganeti/os/careful');
  await mkdir(folder, { recursive: true });
  const files = { create_untrusted: script };
  const scripts = ['export', 'import', 'rename', 'verify'].map((each) => [each, '#!/bin/sh\n'] as const);
  for (const [file, text] of [...Object.entries(files), ...scripts]) {
    await writeFile(join(folder, file), text);
    await chmod(join(folder, file), 0o755);
  }
  await writeFile(join(folder, 'ganeti_api_version'), '20\n');
  await writeFile(join(folder, 'parameters.list'), 'suite A\npassword B\ntoken C\n');
}

test('in a network of its own', { skip: inside, timeout: scenarioMs }, async () => {
  await (await guestImage()).remove();
  const command =
    'unset NODE_TEST_CONTEXT; mount -t sysfs own /sys && ip link set lo up && exec "$0" --test --test-timeout="$1" "$2"';
  const result = await runProcess(
    [
      'unshare',
      '--net',
      '--mount',
      'sh',
      '-c',
      command,
      process.execPath,
      String(scenarioMs),
      import.meta.filename,
    ],
    { env: { GANTRY_OWN_NETWORK: '1' }, timeoutMs: scenarioMs },
  );
  process.stdout.write(result.stdout);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /^installed: /m);
});

describe('untrusted scripts', { skip: !inside }, () => {
  let lab: VirtualLab;
  let guest: GuestImage;
  const run = (words: readonly string[]) => lab.output(node, words, { timeoutMs: 200_000 });

  before(async () => {
    guest = await guestImage();
    lab = await VirtualLab.up({ nodes: 1 });
    // The service as instances know it, not one that the virtual nodes have beside each other.
    const defaults = join(lab.root(node), 'etc/default/ganeti');
    const text = (await readFile(defaults, 'utf8')).replace(/^METAD_ARGS=.*$/m, '');
    await writeFile(defaults, text);
    await addOs(lab);
    await makeHelperImage(join(lab.root(node), 'srv/install.raw'), installer);
    const hv = await realGuests(lab, node, guest);
    await run([
      'gnt-cluster',
      'modify',
      '--enabled-hypervisors=fake,kvm',
      `--hypervisor-parameters=kvm:${hv}`,
    ]);
    await run(['gnt-cluster', 'modify', '--ipolicy-disk-templates=file,diskless,sharedfile']);
    await run(['gnt-network', 'add', '--network=169.254.8.0/24', '--mac-prefix=52:54:00', 'communication']);
    await run([
      'gnt-network',
      'connect',
      '--nic-parameters=mode=routed,link=communication_rt',
      'communication',
    ]);
    await run(['gnt-cluster', 'modify', '--instance-communication-network=communication']);
    await run(['gnt-cluster', 'modify', '--install-image=/srv/install.raw']);
  });
  after(async () => {
    await lab.run(node, ['gnt-instance', 'shutdown', '--timeout=0', name]);
    await lab.down();
    await guest.remove();
  });

  const diskOf = async () => {
    const folder = join(lab.root(node), 'srv/ganeti/file-storage', name);
    const files = await readdir(folder);
    assert.equal(files.length, 1, 'the disk of the helper is gone');
    return join(folder, files[0]!);
  };

  /** What the script has written. */
  async function written(): Promise<string[]> {
    const file = await open(await diskOf());
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
      return buffer.subarray(0, bytesRead).toString().replace(/\0+$/, '').trimEnd().split('\n');
    } finally {
      await file.close();
    }
  }

  const expected = (suite: string) => `installed ${name} on /dev/vdb of 1 for ${suite} with hush`;

  test('install a new instance', { timeout: scenarioMs }, async () => {
    const said = await run([
      ...`gnt-instance add -t file -s 16M -o careful -B memory=96 --no-nics -c yes --no-start -n ${node}.virtual.example`.split(
        ' ',
      ),
      ...['-H', `kvm:kernel_args=console=ttyS0 guest.ip=${address}`, '-O', 'suite=bookworm'],
      ...['--os-parameters-private', 'password=hush', '--os-parameters-secret', 'token=hush-hush', name],
    ]);
    assert.match(said, /Created OS install package/);
    assert.match(said, /Running OS create script: Helper VM execution completed/);
    const nics = await run(['gnt-instance', 'list', '--no-headers', '-o', 'nic.ip/0', name]);
    assert.equal(nics.trim(), address);
    const [first, parameters] = await written();
    assert.equal(first, expected('bookworm'));
    assert.deepEqual(JSON.parse(parameters!), {
      suite: ['bookworm', 'public'],
      password: ['hush', 'private'],
      token: ['hush-hush', 'secret'],
    });
    assert.deepEqual(await readdir(join(lab.paths(node).runDir, 'metad/packages')), []);
    process.stdout.write(`installed: ${first}\n`);
  });

  test('install it again', { timeout: scenarioMs }, async () => {
    await writeFile(await diskOf(), Buffer.alloc(4096, 'x'), { flag: 'r+' });
    await run(['gnt-instance', 'reinstall', '-f', '-O', 'suite=trixie', name]);
    assert.equal((await written())[0], expected('trixie'));
  });
});
