/** Volume groups and mirrors of the node. */
import { Failure } from '../../kit/failure.ts';
import { describeFailure } from '../../kit/process.ts';
import { type MirrorStatus, type Pairing, parseDrbd } from '../collectors/drbd.ts';
import type { Metrics } from './exposition.ts';
import type { Source } from './source.ts';

const kibibyte = 1024;
const fullPercent = 100;

const vgsCommand = [
  'vgs',
  '--noheadings',
  '--nosuffix',
  ...['--units', 'B'],
  ...['--separator', '|'],
  ...['-o', 'vg_name,vg_size,vg_free,lv_count,vg_missing_pv_count'],
];

export interface GroupFigures {
  readonly name: string;
  readonly size: number;
  readonly free: number;
  readonly volumes: number;
  readonly missing: number;
}

/** Lines of vgs; sizes are bytes. Pure. */
export function parseGroups(text: string): GroupFigures[] {
  return text
    .split('\n')
    .map((line) => line.trim().split('|'))
    .filter((cells) => cells.length === 5)
    .map(([name = '', ...figures]) => {
      const [size = 0, free = 0, volumes = 0, missing = 0] = figures.map(Number);
      return { name, size, free, volumes, missing };
    });
}

export const volumeGroupSource: Source = {
  name: 'volume_groups',
  async read({ world }, metrics) {
    // A node without LVM has no volume groups.
    const result = await world.run(vgsCommand).catch(() => undefined);
    if (result === undefined) return;
    if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
    for (const { name, size, free, volumes, missing } of parseGroups(result.stdout)) {
      const labels = { group: name };
      metrics.add('ganeti_volume_group_size_bytes', size, labels);
      metrics.add('ganeti_volume_group_free_bytes', free, labels);
      metrics.add('ganeti_volume_group_volumes', volumes, labels);
      metrics.add('ganeti_volume_group_missing_disks', missing, labels);
    }
  },
};

/** States in which the two sides speak (drbd.conf(5)): everything from Connected on. */
const apart = new Set([
  ...['StandAlone', 'Disconnecting', 'Unconnected', 'Timeout', 'BrokenPipe', 'NetworkFailure'],
  ...['ProtocolError', 'TearDown', 'WFConnection', 'WFReportParams'],
]);

export function mirrorMetrics(mirror: MirrorStatus, metrics: Metrics): void {
  const { minor, connectionState, perfIndicators: figures = {}, syncStatus } = mirror;
  if (connectionState === 'Unconfigured') return;
  const labels = { minor, instance_name: mirror.instance ?? '' };
  const bytes = (name: string) => Number(figures[name] ?? Number.NaN) * kibibyte;
  metrics.add('ganeti_drbd_info', 1, {
    ...labels,
    connection: connectionState,
    role: mirror.localRole ?? '',
    peer_role: mirror.remoteRole ?? '',
    disk: mirror.localState ?? '',
    peer_disk: mirror.remoteState ?? '',
  });
  const isUpToDate = mirror.localState === 'UpToDate' && mirror.remoteState === 'UpToDate';
  const missing = bytes('outOfSync');
  const percent = syncStatus?.percentage ?? (missing === 0 || isUpToDate ? fullPercent : undefined);
  metrics.add('ganeti_drbd_connected', apart.has(connectionState) ? 0 : 1, labels);
  metrics.add('ganeti_drbd_up_to_date', isUpToDate ? 1 : 0, labels);
  metrics.add('ganeti_drbd_sync_percent', percent === undefined ? null : Number(percent), labels);
  metrics.add('ganeti_drbd_out_of_sync_bytes', missing, labels);
  metrics.add('ganeti_drbd_sent_bytes_total', bytes('networkSend'), labels);
  metrics.add('ganeti_drbd_received_bytes_total', bytes('networkReceive'), labels);
}

export const mirrorSource: Source = {
  name: 'drbd',
  async read({ world }, metrics) {
    const text = await world.readText('/proc/drbd').catch((error: NodeJS.ErrnoException) => {
      // No module, no mirrors.
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return;
    const pairing = await world.ask('nodeDrbd', world.hostname).catch(() => []);
    for (const mirror of parseDrbd(text, pairing as Pairing).deviceInfos) mirrorMetrics(mirror, metrics);
  },
};
