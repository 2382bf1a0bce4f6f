/** How a guest's screen is reached: the VNC, SPICE and headless parts of the command line. Pure. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { Failure } from '../../../kit/failure.ts';
import type { Parameters, ParameterValue } from '../../../model/objects/common.ts';

/** First port of VNC displays. */
export const vncBasePort = 5900;

/** Addresses of the node's interfaces. */
export type InterfaceAddresses = Readonly<
  Record<string, { readonly 4: readonly string[]; readonly 6: readonly string[] }>
>;

export interface DisplayPlace {
  readonly instance: string;
  readonly networkPort: number | null;
  readonly interfaces: InterfaceAddresses;
  readonly spiceCertificate: string;
  readonly spiceCaCertificate: string;
}

/** The option for -vnc without what follows the display, and whether it is a network display. */
function vncDisplay(bind: string, place: DisplayPlace): { display: string; network: boolean } {
  const address = place.interfaces[bind]?.[4][0] ?? bind;
  if (isIP(address) === 0) return { display: `unix:${bind}/${place.instance}.vnc`, network: false };
  if (place.networkPort === null || place.networkPort <= vncBasePort) {
    throw new Failure('HypervisorError', [
      `Network port is not a valid VNC display (${place.networkPort} <= ${vncBasePort}), not starting VNC`,
    ]);
  }
  const number = place.networkPort - vncBasePort;
  const host = address === '0.0.0.0' ? '' : isIPv6(address) ? `[${address}]` : address;
  return { display: `${host}:${number}`, network: true };
}

function vncTlsObject(hvparams: Parameters): string[] {
  const options = ['id=vnctls0', 'endpoint=server'];
  if (!hvparams.vnc_x509_path) return ['-object', ['tls-creds-anon', ...options].join(',')];
  const verify = hvparams.vnc_x509_verify ? 'yes' : 'no';
  options.push(`dir=${hvparams.vnc_x509_path}`, `verify-peer=${verify}`);
  return ['-object', ['tls-creds-x509', ...options].join(',')];
}

/** -vnc with its TLS object. @throws Failure HypervisorError when there is no port for it */
function vncArguments(hvparams: Parameters, place: DisplayPlace): string[] {
  const { display, network } = vncDisplay(String(hvparams.vnc_bind_address), place);
  if (!network) return ['-vnc', display];
  const tls = hvparams.vnc_tls === true;
  const password = hvparams.vnc_password_file ? ',password=on' : '';
  const argument = `${display}${tls ? ',tls-creds=vnctls0' : ''}${password}`;
  return [...(tls ? vncTlsObject(hvparams) : []), '-vnc', argument];
}

/** Address and family that SPICE listens on; the family only where it had to be chosen. */
function spiceAddress(hvparams: Parameters, place: DisplayPlace): { address: string; family: 4 | 6 | null } {
  const bind = String(hvparams.spice_bind);
  const addresses = place.interfaces[bind];
  if (addresses === undefined || isIPv4(bind)) return { address: bind, family: null };
  const wanted = Number(hvparams.spice_ip_version ?? 0);
  const family = wanted === 6 || (wanted === 0 && addresses[4].length === 0) ? 6 : 4;
  const address = addresses[family][0];
  if (address === undefined) {
    const version = wanted === 0 ? 'IP' : `IPv${wanted}`;
    throw new Failure('HypervisorError', [`SPICE: Unable to get an ${version} address for ${bind}`]);
  }
  return { address, family };
}

/** The argument of -spice. */
function spiceOption(hvparams: Parameters, place: DisplayPlace): string {
  const { address, family } = spiceAddress(hvparams, place);
  const options = [`addr=${address}`];
  if (hvparams.spice_use_tls) {
    options.push(`tls-port=${place.networkPort}`, `x509-cacert-file=${place.spiceCaCertificate}`);
    options.push(`x509-key-file=${place.spiceCertificate}`, `x509-cert-file=${place.spiceCertificate}`);
    if (hvparams.spice_tls_ciphers) options.push(`tls-ciphers=${hvparams.spice_tls_ciphers}`);
  } else {
    options.push(`port=${place.networkPort}`);
  }
  if (!hvparams.spice_password_file) options.push('disable-ticketing=on');
  if (family !== null) options.push(`ipv${family}=on`);
  const set = (option: string, value: ParameterValue | undefined) => {
    if (value) options.push(`${option}=${String(value)}`);
  };
  set('image-compression', hvparams.spice_image_compression);
  set('jpeg-wan-compression', hvparams.spice_jpeg_wan_compression);
  set('zlib-glz-wan-compression', hvparams.spice_zlib_glz_wan_compression);
  set('streaming-video', hvparams.spice_streaming_video);
  if (!hvparams.spice_playback_compression) options.push('playback-compression=off');
  if (!hvparams.spice_use_vdagent) options.push('agent-mouse=off');
  return options.join(',');
}

function spiceArguments(hvparams: Parameters, place: DisplayPlace): string[] {
  const agent = [
    ...['-device', 'virtio-serial-pci,id=spice'],
    ...['-device', 'virtserialport,chardev=spicechannel0,name=com.redhat.spice.0'],
    ...['-chardev', 'spicevmc,id=spicechannel0,name=vdagent'],
  ];
  return [...(hvparams.spice_use_vdagent ? agent : []), '-spice', spiceOption(hvparams, place)];
}

/** Pointer and screen: -usbdevice, then -vnc, -spice or no display. */
export function displayArguments(hvparams: Parameters, place: DisplayPlace): string[] {
  const mouse = hvparams.usb_mouse || (hvparams.vnc_bind_address ? 'tablet' : '');
  const pointer = mouse ? ['-usbdevice', String(mouse)] : [];
  if (hvparams.vnc_bind_address) return [...pointer, ...vncArguments(hvparams, place)];
  if (hvparams.spice_bind) return [...pointer, ...spiceArguments(hvparams, place)];
  return [...pointer, '-display', 'none'];
}

/**
 * The command line with the screen bound as this node needs it: an interface has another address on every
 * node, so what the node of origin wrote is replaced.
 */
export function withLocalDisplay(
  command: readonly (string | number)[],
  hvparams: Parameters,
  place: DisplayPlace,
): (string | number)[] {
  const result = [...command];
  const replace = (option: string, value: string | undefined) => {
    const index = result.indexOf(option);
    if (index >= 0 && value !== undefined) result[index + 1] = value;
  };
  const vnc = String(hvparams.vnc_bind_address ?? '');
  const spice = String(hvparams.spice_bind ?? '');
  if (vnc in place.interfaces) replace('-vnc', vncArguments(hvparams, place).at(-1));
  if (spice in place.interfaces) replace('-spice', spiceOption(hvparams, place));
  return result;
}
