/** What a set of KVM parameters must hold together; each rule in Ganeti's words (hv_kvm/validation.py). */
import { isIPv4, isIPv6 } from 'node:net';
import type { Parameters } from '../../model/objects/common.ts';

const serialSpeeds = [
  75, 110, 300, 600, 1200, 1800, 2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 115200, 230400, 345600,
  460800,
];

/** Parameters that have no meaning without `spice_bind`. */
const needSpice = [
  'spice_ip_version',
  'spice_password_file',
  'spice_image_compression',
  'spice_jpeg_wan_compression',
  'spice_zlib_glz_wan_compression',
  'spice_streaming_video',
  'spice_use_tls',
];

type Rule = (values: Parameters) => string | undefined;

const boot: Rule = (values) => {
  if (values.boot_order === 'cdrom' && !values.cdrom_image_path) {
    return 'Cannot boot from cdrom without an ISO path';
  }
  if (values.kernel_path && !values.root_path) {
    return 'Need a root partition for the instance, if a kernel is defined';
  }
  return undefined;
};

const security: Rule = (values) => {
  if (values.security_model === 'user') {
    return values.security_domain ? undefined : 'A security domain (user to run kvm as) must be specified';
  }
  return values.security_domain
    ? "Cannot have a security domain when the security model is 'none' or 'pool'"
    : undefined;
};

const serial: Rule = (values) =>
  values.serial_console && !serialSpeeds.includes(Number(values.serial_speed))
    ? `Invalid serial console speed, must be one of: ${serialSpeeds.join(', ')}`
    : undefined;

const vnc: Rule = (values) =>
  values.vnc_x509_verify && !values.vnc_x509_path
    ? 'vnc_x509_path must be defined, if vnc_x509_verify is'
    : undefined;

const spice: Rule = (values) => {
  const bind = String(values.spice_bind ?? '');
  if (bind === '') {
    const orphan = needSpice.find((name) => values[name]);
    return orphan === undefined ? undefined : `SPICE: ${orphan} requires spice_bind to be set`;
  }
  const version = Number(values.spice_ip_version ?? 0);
  if (version === 0) return undefined;
  const family = isIPv4(bind) ? 4 : isIPv6(bind) ? 6 : version;
  return family === version
    ? undefined
    : `SPICE: Got an IPv${family} address (${bind}), but the specified IP version is ${version}`;
};

const diskCache: Rule = (values) =>
  values.disk_aio === 'native' && values.disk_cache !== 'none'
    ? "When 'disk_aio' is set to 'native', the only supported value for 'disk_cache' is 'none'."
    : undefined;

const rules: readonly Rule[] = [boot, security, serial, vnc, spice, diskCache];

export function crossCheck(values: Parameters): string | undefined {
  for (const rule of rules) {
    const fault = rule(values);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
