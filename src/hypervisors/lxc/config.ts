/**
 * A container's configuration file (hv_lxc._CreateConfigFile), in the words of the LXC that is installed:
 * before 2.1 the keys were others, and the kernel's control groups come in two versions. Pure.
 */
import { Failure } from '../../kit/failure.ts';
import type { ParameterValue } from '../../model/objects/common.ts';
import { networkAbout } from '../../networks/catalog.ts';
import { parseCpuMask } from '../checks.ts';
import type { Guest } from '../contract.ts';

export type LxcVersion = readonly [major: number, minor: number, revision: number];

export interface LxcFacts {
  readonly version: LxcVersion;
  /** Version of the kernel's control groups. */
  readonly cgroup: 1 | 2;
  /** Swap can be limited as well (version 1 only). */
  readonly swapLimit: boolean;
}

/** @throws Failure HypervisorError */
export function parseLxcVersion(text: string): LxcVersion {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text.trim());
  if (match === null)
    throw new Failure('HypervisorError', [`'${text.trim()}' is not a valid LXC version string`]);
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

export function isAtLeast(version: LxcVersion, major: number, minor: number): boolean {
  return version[0] > major || (version[0] === major && version[1] >= minor);
}

/** A line must stay one line. */
function line(key: string, value: string | number): string {
  if (/[\n\r\0]/.test(String(value))) {
    throw new Failure('HypervisorError', [
      `Value ${JSON.stringify(value)} can't stand in an LXC configuration`,
    ]);
  }
  return `${key} = ${value}`;
}

const listed = (value: ParameterValue | undefined) =>
  String(value ?? '')
    .split(',')
    .filter((part) => part !== '');

function limitLines(guest: Guest, facts: LxcFacts): string[] {
  const { cpu_mask: mask, devices } = guest.hvparams;
  const group = facts.cgroup === 2 ? 'lxc.cgroup2' : 'lxc.cgroup';
  const lines: string[] = [];
  if (mask) {
    const count = parseCpuMask(String(mask))?.length ?? 0;
    if (count !== Number(guest.beparams.vcpus)) {
      throw new Failure('HypervisorError', [
        `Number of VCPUs (${guest.beparams.vcpus}) doesn't match the number of CPUs in the cpu_mask (${count})`,
      ]);
    }
    lines.push(line(`${group}.cpuset.cpus`, String(mask)));
  }
  const memory = `${guest.beparams.maxmem}M`;
  if (facts.cgroup === 2) lines.push(line(`${group}.memory.max`, memory));
  else {
    lines.push(line(`${group}.memory.limit_in_bytes`, memory));
    if (facts.swapLimit) lines.push(line(`${group}.memory.memsw.limit_in_bytes`, memory));
  }
  lines.push(line(`${group}.devices.deny`, 'a'));
  return [...lines, ...listed(devices).map((rule) => line(`${group}.devices.allow`, rule))];
}

function nicLines(guest: Guest, modern: boolean): string[] {
  return guest.nics.flatMap((nic, index) => {
    if (!networkAbout(nic.mode).linkIsBridge) {
      throw new Failure('HypervisorError', [
        `LXC hypervisor only supports bridged mode (NIC ${index} has mode ${nic.mode})`,
      ]);
    }
    const key = modern ? `lxc.net.${index}` : 'lxc.network';
    return [
      `# NIC ${index}`,
      line(`${key}.type`, 'veth'),
      line(`${key}.link`, nic.link),
      line(`${key}.hwaddr`, nic.mac),
      line(`${key}.flags`, 'up'),
    ];
  });
}

/**
 * @param rootDevice what is mounted as the container's root
 * @throws Failure HypervisorError when the instance asks for what a container can't have
 */
export function containerConfig(
  guest: Guest,
  rootDevice: string,
  consoleLog: string,
  facts: LxcFacts,
): string {
  const modern = isAtLeast(facts.version, 2, 1);
  const hv = guest.hvparams;
  const ttys = Number(hv.num_ttys);
  const lines = [
    line(modern ? 'lxc.uts.name' : 'lxc.utsname', guest.name),
    line(modern ? 'lxc.pty.max' : 'lxc.pts', 255),
    ...(ttys > 0 ? [line(modern ? 'lxc.tty.max' : 'lxc.tty', ttys)] : []),
    line('lxc.console.logfile', consoleLog),
    line(modern ? 'lxc.rootfs.path' : 'lxc.rootfs', rootDevice),
    line('lxc.mount.entry', 'proc proc proc nodev,noexec,nosuid 0 0'),
    line('lxc.mount.entry', 'sysfs sys sysfs defaults 0 0'),
    ...limitLines(guest, facts),
    ...nicLines(guest, modern),
    ...listed(hv.drop_capabilities).map((capability) => line('lxc.cap.drop', capability)),
  ];
  const extra = listed(hv.extra_config);
  if (extra.length > 0) lines.push('# User defined configs', ...extra);
  return `${lines.join('\n')}\n`;
}
