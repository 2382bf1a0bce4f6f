/** The listing of `gnt-instance info`. */
import { isIPv4 } from 'node:net';
import { formatUnit } from '../../../kit/units.ts';
import { type PairEntry, type Pairs, pairs } from '../../output/info.ts';
import { parametersInfo } from '../../output/parameters-info.ts';
import { pythonText } from '../../output/python-text.ts';
import { maybeRoman } from '../../output/roman.ts';
import { formatTime } from '../../output/time.ts';
import { isMirror, isPlainVolume } from '../../shared/storage-facts.ts';
import type { DeviceStatus, DiskData, InstanceData, NicData } from './instance-data.ts';

const firstVncPort = 5900;
const anyAddress = '0.0.0.0';
const localDiskUnknown = 3;
const localDiskFaulty = 4;

/** What the logical id says: DRBD's two ends, a volume's name, or the id as it is. */
function identityOf(disk: DiskData, roman: boolean): PairEntry[] {
  const drbd = disk.drbd_info;
  if (drbd) {
    const end = (node: string, minor: number) => `${node}, minor=${maybeRoman(minor, roman)}`;
    return [
      ['nodeA', end(drbd.primary_node, drbd.primary_minor)],
      ['nodeB', end(drbd.secondary_node, drbd.secondary_minor)],
      ['port', maybeRoman(drbd.port, roman)],
    ];
  }
  const id = disk.logical_id ?? [];
  return [['logical_id', isPlainVolume(disk.dev_type) ? id.map(pythonText).join('/') : pythonText(id)]];
}

function syncText(status: DeviceStatus, roman: boolean): string {
  const [, , , percent, seconds, degraded, localDisk] = status;
  let sync = 'in sync';
  if (percent !== null) {
    const left = seconds ? `${maybeRoman(seconds, roman)}s` : 'unknown';
    sync = `*RECOVERING* ${percent.toFixed(2).padStart(5)}%, ETA ${left}`;
  }
  let local = '';
  if (localDisk === localDiskFaulty) local = ' *MISSING DISK*';
  else if (localDisk === localDiskUnknown) local = ' *UNCERTAIN STATE*';
  return ` ${sync}, status ${degraded ? '*DEGRADED*' : 'ok'}${local}`;
}

function statusText(type: string, status: DeviceStatus, roman: boolean): string {
  const [path, major, minor] = status;
  const number = (value: number | null) => (value === null ? 'N/A' : maybeRoman(value, roman));
  const device = `${path} (${number(major)}:${number(minor)})`;
  if (isMirror(type)) return device + syncText(status, roman);
  return isPlainVolume(type) && status[6] === localDiskFaulty ? `${device} *FAILED* (failed drive?)` : device;
}

function diskInfo(disk: DiskData, index: number, isTop: boolean, roman: boolean): Pairs {
  const number = maybeRoman(index, roman);
  const title = isTop ? (disk.iv_name ?? `disk ${number}`) : `child ${number}`;
  const size = typeof disk.size === 'number' ? formatUnit(disk.size, 'h') : disk.size;
  const status = (label: string, value: DeviceStatus | null): PairEntry | undefined =>
    value ? [label, statusText(disk.dev_type, value, roman)] : undefined;
  return pairs(
    [title, `${disk.dev_type}, size ${size}`],
    isTop && disk.spindles !== null ? ['spindles', disk.spindles] : undefined,
    isTop ? ['access mode', disk.mode] : undefined,
    ...(disk.logical_id === null ? [] : identityOf(disk, roman)),
    status('on primary', disk.pstatus),
    status('on secondary', disk.sstatus),
    ['name', disk.name],
    ['UUID', disk.uuid],
    disk.children.length > 0
      ? ['child devices', disk.children.map((child, i) => diskInfo(child, i, false, roman))]
      : undefined,
  );
}

function nicInfo(nic: NicData, index: number, roman: boolean): Pairs {
  const [name, uuid, ip, mac, mode, link, vlan, , network] = nic;
  return pairs(
    [`nic/${maybeRoman(index, roman)}`, ''],
    ['MAC', mac],
    ['IP', ip],
    ['mode', mode],
    ['link', link],
    ['vlan', maybeRoman(vlan, roman)],
    ['network', network?.name ?? null],
    ['UUID', uuid],
    ['name', name],
  );
}

function nodesInfo(instance: InstanceData): Pairs[] {
  const secondaries = instance.snodes.map(
    (name, i) =>
      `${name} (group ${instance.snodes_group_names[i]}, group UUID ${instance.snodes_group_uuids[i]})`,
  );
  return [
    pairs(
      ['primary', instance.pnode],
      ['group', `${instance.pnode_group_name} (UUID ${instance.pnode_group_uuid})`],
    ),
    pairs(['secondaries', secondaries.join(', ')]),
  ];
}

/** Where VNC listens, when the hypervisor offers it. */
function vncText(instance: InstanceData): string | undefined {
  const address = instance.hv_actual.vnc_bind_address;
  if (typeof address !== 'string' || address === '') return undefined;
  const port = instance.network_port ?? 0;
  const display = port - firstVncPort;
  if (display > 0 && address === anyAddress) return `vnc to ${instance.pnode}:${port} (display ${display})`;
  if (display > 0 && isIPv4(address)) {
    return `vnc to ${address}:${port} (node ${instance.pnode}) (display ${display})`;
  }
  return `vnc to ${instance.pnode}:${address}`;
}

export function instanceInfo(instance: InstanceData, roman: boolean): Pairs {
  const actually = instance.run_state ? `, actual state is ${instance.run_state}` : '';
  const vnc = vncText(instance);
  // "memory" is the older word for maxmem, still looked for by scripts.
  const backend = { ...instance.be_actual, memory: instance.be_actual.maxmem };
  return pairs(
    ['Instance name', instance.name],
    ['UUID', instance.uuid],
    ['Serial number', maybeRoman(instance.serial_no, roman)],
    ['Creation time', formatTime(instance.ctime)],
    ['Modification time', formatTime(instance.mtime)],
    ['State', `configured to be ${instance.config_state}${actually}`],
    ['Nodes', nodesInfo(instance)],
    ['Operating system', instance.os],
    ['Operating system parameters', parametersInfo(instance.os_instance, instance.os_actual, roman)],
    instance.network_port === undefined
      ? undefined
      : ['Allocated network port', maybeRoman(instance.network_port, roman)],
    ['Hypervisor', instance.hypervisor],
    vnc === undefined ? undefined : ['console connection', vnc],
    ['Hypervisor parameters', parametersInfo(instance.hv_instance, instance.hv_actual, roman)],
    ['Back-end parameters', parametersInfo(instance.be_instance, backend, roman)],
    ['NICs', instance.nics.map((nic, index) => nicInfo(nic, index, roman))],
    ['Disk template', instance.disk_template],
    ['Disks', instance.disks.map((disk, index) => diskInfo(disk, index, true, roman))],
  );
}
