/** Mounts and the processes that use a folder, from /proc: what drivers without a virtual machine go by. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** Mount points in /proc/self/mountinfo, whose odd characters are octal. Pure. */
export function parseMountPoints(mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((path) =>
      path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
}

const isWithin = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);

/** Mount points at and below `folder`, the deepest first. Pure. */
export function mountsWithin(points: readonly string[], folder: string): string[] {
  const depth = (path: string) => path.split('/').length;
  return points.filter((point) => isWithin(point, folder)).sort((a, b) => depth(b) - depth(a));
}

export async function readMountPoints(): Promise<string[]> {
  return parseMountPoints(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Processes that have their root or working folder there. */
export async function processesWithin(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const uses = async (pid: string) => {
    const links = await Promise.all(
      ['root', 'cwd'].map((link) => readlink(`/proc/${basename(pid)}/${link}`).catch(() => '')),
    );
    return links.some((path) => isWithin(path, folder));
  };
  const found = await Promise.all(pids.map(async (pid) => ((await uses(pid)) ? Number(pid) : null)));
  return found.filter((pid) => pid !== null);
}
