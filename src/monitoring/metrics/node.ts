/** The node itself: release, processors, load, memory. */
import { cpus, loadavg, release } from 'node:os';
import { releaseVersion } from '../../model/release.ts';
import { ticksPerSecond } from '../collectors/cpu-load.ts';
import type { Metrics } from './exposition.ts';
import { isMaster } from './role.ts';
import type { Source } from './source.ts';

const kibibyte = 1024;
/** proc(5): the columns of a processor's line; the guests' time is within user's and nice's. */
const modes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;

/** Seconds of each mode from /proc/stat, all processors together, and when the machine was booted. Pure. */
export function processorTimes(text: string): {
  readonly seconds: [string, number][];
  readonly booted: number;
} {
  const columns = /^cpu +(.*)$/m.exec(text)?.[1]?.split(' ').map(Number) ?? [];
  return {
    seconds: modes.map((mode, index) => [mode, (columns[index] ?? 0) / ticksPerSecond]),
    booted: Number(/^btime (\d+)$/m.exec(text)?.[1] ?? Number.NaN),
  };
}

/** Bytes by state from /proc/meminfo. Pure. */
export function memoryStates(text: string): Record<string, number> {
  const of = (key: string) =>
    Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? Number.NaN) * kibibyte;
  return { total: of('MemTotal'), free: of('MemFree'), available: of('MemAvailable') };
}

export const nodeSource: Source = {
  name: 'node',
  async read({ world, paths }, metrics: Metrics) {
    const [stat, memory, master] = await Promise.all([
      world.readText('/proc/stat'),
      world.readText('/proc/meminfo'),
      isMaster({ paths }),
    ]);
    metrics.add('ganeti_node_info', 1, { node: world.hostname, release: releaseVersion, kernel: release() });
    metrics.add('ganeti_node_is_master', master ? 1 : 0);
    const { seconds, booted } = processorTimes(stat);
    metrics.add('ganeti_node_boot_time_seconds', booted);
    metrics.add('ganeti_node_cpus', cpus().length);
    for (const [mode, value] of seconds) metrics.add('ganeti_node_cpu_seconds_total', value, { mode });
    [1, 5, 15].forEach((minutes, index) => {
      metrics.add('ganeti_node_load', loadavg()[index], { minutes });
    });
    for (const [state, bytes] of Object.entries(memoryStates(memory)))
      metrics.add('ganeti_node_memory_bytes', bytes, { state });
  },
};
