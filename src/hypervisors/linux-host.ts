/**
 * What a Linux host offers its guests, from /proc/meminfo and /proc/cpuinfo, for hypervisors whose guests
 * are ordinary processes (BaseHypervisor.GetLinuxNodeInfo).
 */
import { readFile } from 'node:fs/promises';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Guest, HostFacts } from './contract.ts';

/** MiB of a field such as MemTotal, which the kernel gives in KiB. */
function field(meminfo: string, name: string): number {
  const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(meminfo);
  if (match === null) throw new Failure('HypervisorError', [`Failed to compute memory usage: no ${name}`]);
  return Math.floor(Number(match[1]) / 1024);
}

/** Pure: the facts from the text of the two files. Free is what the kernel says could be had. */
export function linuxHostFacts(meminfo: string, cpuinfo: string): HostFacts {
  const memoryTotal = field(meminfo, 'MemTotal');
  const memoryFree = field(meminfo, 'MemAvailable');
  const cpuTotal = cpuinfo.match(/^processor\s*:\s*\d+\s*$/gm)?.length ?? 0;
  return {
    version: null,
    memoryTotal,
    memoryFree,
    memoryNode: memoryTotal - memoryFree,
    cpuTotal,
    cpuNodes: 1,
    cpuSockets: 1,
    cpuNode: cpuTotal,
  };
}

/** @throws Failure HypervisorError when /proc can't be read */
export async function readLinuxHostFacts(): Promise<HostFacts> {
  try {
    const [meminfo, cpuinfo] = await Promise.all([
      readFile('/proc/meminfo', 'utf8'),
      readFile('/proc/cpuinfo', 'utf8'),
    ]);
    return linuxHostFacts(meminfo, cpuinfo);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('HypervisorError', [`Failed to list node info: ${messageOf(error)}`], { cause: error });
  }
}

/** MiB to start with: as much as is free between the guest's two bounds, at least the lower one. */
export function startupMemory(guest: Guest, facts: HostFacts): number {
  const most = Math.min(Number(guest.beparams.maxmem), facts.memoryFree);
  return Math.max(Number(guest.beparams.minmem), most);
}
