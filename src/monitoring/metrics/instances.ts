/**
 * The instances that run on the node: processes, block devices below instance-disks, interfaces of the host. A guest's
 * interface receives what the host's end of it sends.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { guestUsage } from '../../hypervisors/usage.ts';
import { messageOf } from '../../kit/failure.ts';
import { type DiskStatistics, parseDiskStatistics } from '../collectors/diskstats.ts';
import type { Metrics } from './exposition.ts';
import type { Source, SourceContext } from './source.ts';

const sectorBytes = 512;
const millisecondsPerSecond = 1000;

/** "web1.example.com:0" is the first disk of an instance. Pure. */
export function diskLink(name: string): { readonly instance: string; readonly disk: number } | undefined {
  const found = /^(.+):(\d{1,4})$/.exec(name);
  return found === null ? undefined : { instance: found[1]!, disk: Number(found[2]) };
}

function diskMetrics(metrics: Metrics, disk: DiskStatistics, labels: Record<string, string | number>): void {
  metrics.add('ganeti_instance_disk_read_bytes_total', disk.secRead * sectorBytes, labels);
  metrics.add('ganeti_instance_disk_written_bytes_total', disk.secWritten * sectorBytes, labels);
  metrics.add('ganeti_instance_disk_reads_total', disk.readsNum, labels);
  metrics.add('ganeti_instance_disk_writes_total', disk.writes, labels);
  metrics.add('ganeti_instance_disk_busy_seconds_total', disk.timeIO / millisecondsPerSecond, labels);
}

/** Files and network storage that the guest opens itself have no device here, and no figures. */
async function disks({ paths, world }: SourceContext, metrics: Metrics, running: ReadonlySet<string>) {
  const names = await readdir(paths.instanceDisksDir).catch(() => []);
  const statistics = parseDiskStatistics(await world.readText('/proc/diskstats'));
  const byDevice = new Map(statistics.map((disk) => [`${disk.major}:${disk.minor}`, disk]));
  for (const name of names) {
    const link = diskLink(name);
    if (link === undefined || !running.has(link.instance)) continue;
    const target = await realpath(join(paths.instanceDisksDir, name)).catch(() => undefined);
    const found = target === undefined ? undefined : await stat(target).catch(() => undefined);
    if (found === undefined || !found.isBlockDevice()) continue;
    // makedev(3).
    const major = Math.floor(found.rdev / 256) & 0xfff;
    const minor = (found.rdev & 0xff) | (Math.floor(found.rdev / 4096) & 0xfff00);
    const figures = byDevice.get(`${major}:${minor}`);
    if (figures !== undefined)
      diskMetrics(metrics, figures, { instance_name: link.instance, disk: link.disk });
  }
}

async function interfaceFigures(device: string): Promise<Record<string, number> | undefined> {
  if (!/^[A-Za-z0-9._-]{1,15}$/.test(device)) return undefined;
  const folder = `/sys/class/net/${device}/statistics`;
  const names = ['rx_bytes', 'tx_bytes', 'rx_packets', 'tx_packets', 'rx_dropped', 'tx_dropped'];
  try {
    const values = await Promise.all(
      names.map(async (name) => [name, Number(await readFile(`${folder}/${name}`, 'utf8'))] as const),
    );
    return Object.fromEntries(values);
  } catch {
    return undefined;
  }
}

async function interfaces(
  metrics: Metrics,
  instance: string,
  of: readonly { readonly index: number; readonly device: string }[],
): Promise<void> {
  for (const { index, device } of of) {
    const figures = await interfaceFigures(device);
    if (figures === undefined) continue;
    const labels = { instance_name: instance, nic: index };
    metrics.add('ganeti_instance_network_received_bytes_total', figures.tx_bytes, labels);
    metrics.add('ganeti_instance_network_sent_bytes_total', figures.rx_bytes, labels);
    metrics.add('ganeti_instance_network_received_packets_total', figures.tx_packets, labels);
    metrics.add('ganeti_instance_network_sent_packets_total', figures.rx_packets, labels);
    const dropped = (figures.rx_dropped ?? 0) + (figures.tx_dropped ?? 0);
    metrics.add('ganeti_instance_network_dropped_packets_total', dropped, labels);
  }
}

export const instanceSource: Source = {
  name: 'instances',
  async read(context, metrics) {
    const { paths, world } = context;
    const list = await readFile(`${paths.dataDir}/ssconf_hypervisor_list`, 'utf8').catch(() => '');
    const running = new Set<string>();
    let fault: unknown;
    for (const hypervisor of list.split('\n').filter((line) => line !== '')) {
      const guests = await guestUsage(hypervisor, { paths, log: world.log }).catch((error: unknown) => {
        world.log.debug(`Instances of ${hypervisor}: ${messageOf(error)}`);
        fault ??= error;
        return [];
      });
      for (const guest of guests) {
        const labels = { instance_name: guest.name };
        running.add(guest.name);
        metrics.add('ganeti_instance_running', 1, { ...labels, hypervisor });
        metrics.add('ganeti_instance_vcpus', guest.vcpus, labels);
        metrics.add('ganeti_instance_cpu_seconds_total', guest.cpuSeconds, labels);
        metrics.add('ganeti_instance_memory_assigned_bytes', guest.assignedBytes, labels);
        metrics.add('ganeti_instance_memory_resident_bytes', guest.residentBytes, labels);
        await interfaces(metrics, guest.name, guest.interfaces);
      }
    }
    await disks(context, metrics, running);
    if (fault !== undefined) throw fault;
  },
};
