/** Advice about KVM parameters that work but are unwise (AssessParameters), in Ganeti's words. */
import type { Parameters } from '../../model/objects/common.ts';

type Hint = (values: Parameters) => string | undefined | false;

const consult =
  'please read the gnt-instance man page on the security and performance implications of this parameter.';

function cpuType(values: Parameters): string | undefined {
  const type = String(values.cpu_type ?? '');
  if (type === '') return `cpu_type is currently unset and defaults to 'qemu64', ${consult}`;
  if (['qemu32', 'qemu64', 'kvm32', 'kvm64'].includes(type)) {
    return `cpu_type is currently set to '${type}', ${consult}`;
  }
  return type === 'host'
    ? "cpu_type is currently set to 'host', please make sure all your cluster nodes have the exact same CPU type to allow live migrations."
    : undefined;
}

function machine(values: Parameters): string | undefined {
  const version = String(values.machine_version ?? '');
  if (version === '') {
    return "machine_version is not explicitly configured so Ganeti will autodetect the default value from 'kvm -M ?', this might produce unexpected results.";
  }
  if (version === 'pc') {
    return "machine_version is set to the 'pc' type which could cause problems during live migration";
  }
  if (version.startsWith('q35')) {
    return "machine_version is set to the 'q35' type which is currently not properly supported.";
  }
  return ['none', 'microvm', 'isapc', 'x-remote'].includes(version)
    ? `machine_version is set to ${version} which is unsupported in Ganeti.`
    : undefined;
}

const open = (address: unknown) => Boolean(address) && address !== '127.0.0.1';

const hints: readonly Hint[] = [
  cpuType,
  (v) =>
    v.vhost_net !== true &&
    'vhost_net should be enabled for paravirtual NICs to improve network latency and throughput.',
  (v) =>
    v.migration_bandwidth === 32 &&
    'migration_bandwidth is still set to its default value(32 MiB/s), please consider adjusting it to a higher value that leverages todays network speeds.',
  (v) =>
    v.disk_type !== 'paravirtual' &&
    `disk_type is set to '${v.disk_type}' instead of 'paravirtual', please consider virtio-based disks for the best performance.`,
  (v) =>
    v.nic_type !== 'paravirtual' &&
    `nic_type is set to '${v.nic_type}' instead of 'paravirtual', please consider virtio-based networking for the best performance.`,
  (v) =>
    open(v.vnc_bind_address) &&
    v.vnc_tls !== true &&
    "VNC is configured but without TLS, please consider setting vnc_tls to 'true' for additional security.",
  (v) =>
    open(v.spice_bind) &&
    v.spice_use_tls !== true &&
    "Spice is configured but without TLS, please consider setting spice_use_tls to 'true' for additional security.",
  machine,
];

export function advice(values: Parameters): string[] {
  return hints.flatMap((hint) => hint(values) || []);
}
