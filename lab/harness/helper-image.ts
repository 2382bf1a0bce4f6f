/**
 * Images that helper virtual machines boot from, and a virtual node whose guests are real: QEMU under emulation, with the
 * kernel and the memory disk that the lab's nodes boot their guests from.
 */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runChecked } from '../../src/kit/process.ts';
import type { GuestImage } from './local-guest.ts';
import type { NodeName, VirtualLab } from './virtual.ts';

const folders = ['bin', 'sbin', 'usr/bin', 'usr/sbin', 'dev', 'proc', 'sys', 'run', 'tmp', 'mnt'];
const applets = [
  'sh',
  'mount',
  'umount',
  'dd',
  'rm',
  'sync',
  'poweroff',
  'sleep',
  'wget',
  'tar',
  'gunzip',
  'ip',
  'cat',
];

/** @param system the script that is the guest's first process, by busybox */
export async function makeHelperImage(image: string, system: string): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'gantry-helper-'));
  for (const folder of folders) await mkdir(join(tree, folder), { recursive: true });
  await copyFile('/usr/bin/busybox', join(tree, 'bin/busybox'));
  for (const applet of applets) await runChecked(['ln', '-s', 'busybox', join(tree, 'bin', applet)]);
  await writeFile(join(tree, 'sbin/init'), system);
  await chmod(join(tree, 'sbin/init'), 0o755);
  await mkdir(dirname(image), { recursive: true });
  await runChecked(['truncate', '-s', '8M', image]);
  await runChecked(['mke2fs', '-q', '-F', '-t', 'ext4', '-O', '^has_journal', '-d', tree, image]);
  await chmod(image, 0o644);
  await rm(tree, { recursive: true });
}

/** Puts kernel and memory disk on the node. @returns the hypervisor parameters that boot guests from them */
export async function realGuests(lab: VirtualLab, node: NodeName, guest: GuestImage): Promise<string> {
  const boot = join(lab.root(node), 'boot');
  await mkdir(boot, { recursive: true });
  await copyFile(guest.kernel, join(boot, 'vmlinuz'));
  await copyFile(guest.initrd, join(boot, 'initrd'));
  return [
    ...[`kernel_path=${boot}/vmlinuz`, `initrd_path=${boot}/initrd`, 'root_path=/dev/vda'],
    ...['kernel_args=console=ttyS0', 'kvm_flag=disabled', 'vhost_net=False', 'user_shutdown=True'],
  ].join(',');
}
