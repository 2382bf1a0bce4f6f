/**
 * What the guests of this node use, from their processes and the notes of their taps. QEMU itself isn't asked: its
 * monitor takes one client at a time, and that is the node daemon.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../../kit/paths.ts';
import { isGuestName } from '../guest-name.ts';
import type { GuestUsage } from '../usage.ts';
import { guestFiles, kvmFolders } from './host/layout.ts';
import { cpuSeconds, guestProcess } from './qemu/process.ts';

const suffix = '.runtime';
const kibibyte = 1024;
const mebibyte = kibibyte * kibibyte;

/** Bytes of memory that the process has, from /proc/<pid>/status; null when it doesn't say. Pure. */
export function residentBytes(status: string): number | null {
  const found = /^VmRSS:\s*(\d+) kB$/m.exec(status);
  return found === null ? null : Number(found[1]) * kibibyte;
}

/** Notes by index name the tap of the NIC at that index; the others go by uuid. */
async function interfacesOf(folder: string): Promise<GuestUsage['interfaces']> {
  const notes = await readdir(folder).catch(() => []);
  const found = notes
    .filter((note) => /^\d+$/.test(note))
    .map(async (note) => ({
      index: Number(note),
      device: (await readFile(join(folder, note), 'utf8').catch(() => '')).trim(),
    }));
  return (await Promise.all(found)).filter(({ device }) => device !== '');
}

async function usageOf(paths: Paths, name: string): Promise<GuestUsage[]> {
  const files = guestFiles(paths, name);
  const found = await guestProcess(files);
  if (found === null) return [];
  const [seconds, status, interfaces] = await Promise.all([
    cpuSeconds(found.pid),
    readFile(`/proc/${found.pid}/status`, 'utf8').catch(() => ''),
    interfacesOf(files.nics),
  ]);
  return [
    {
      name,
      vcpus: found.vcpus,
      assignedBytes: found.memory * mebibyte,
      residentBytes: residentBytes(status),
      cpuSeconds: seconds,
      interfaces,
    },
  ];
}

export async function kvmUsage({ paths }: { readonly paths: Paths }): Promise<GuestUsage[]> {
  const names = (await readdir(kvmFolders(paths).conf).catch(() => []))
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .filter(isGuestName);
  const result: GuestUsage[] = [];
  for (const name of names) result.push(...(await usageOf(paths, name)));
  return result;
}
