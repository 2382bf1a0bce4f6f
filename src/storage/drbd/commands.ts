/** Command lines of drbdsetup and drbdmeta for DRBD 8.4, as Ganeti has them (drbd_cmdgen.py). Pure. */
import { isIPv4, isIPv6 } from 'node:net';
import { splitWords } from '../../kit/shell-words.ts';
import type { Parameters } from '../../model/objects/common.ts';
import { deviceFailure } from '../host.ts';
import { isBarrierSet } from './about.ts';
import type { Endpoint } from './show.ts';

export type Command = readonly string[];

/** A resource has one volume; its name comes from the minor. */
export const resourceOf = (minor: number) => `resource${minor}`;
export const devicePath = (minor: number) => `/dev/drbd${minor}`;

const hmac = 'md5';
/** Of a connection that allows two primaries (constants.DRBD_MIGRATION_NET_PROTOCOL). */
const migrationProtocol = 'C';

export const newResource = (minor: number): Command => ['drbdsetup', 'new-resource', resourceOf(minor)];
export const newMinor = (minor: number): Command => [
  ...['drbdsetup', 'new-minor'],
  ...[resourceOf(minor), String(minor), '0'],
];
export const show = (minor: number): Command => ['drbdsetup', 'show', String(minor)];
export const createMetadata = (minor: number, meta: string): Command => [
  ...['drbdmeta', '--force', devicePath(minor), 'v08', meta],
  ...['flex-external', 'create-md'],
];
/** Attaching fails while the activity log of a crash hasn't been applied. */
export const applyActivityLog = (minor: number, meta: string): Command => [
  ...['drbdmeta', devicePath(minor), 'v08', meta],
  ...['flex-external', 'apply-al'],
];
export const primary = (minor: number, force: boolean): Command => [
  ...['drbdsetup', 'primary', String(minor)],
  ...(force ? ['--force'] : []),
];
export const secondary = (minor: number): Command => ['drbdsetup', 'secondary', String(minor)];
export const detach = (minor: number): Command => ['drbdsetup', 'detach', String(minor)];
export const down = (minor: number): Command => ['drbdsetup', 'down', resourceOf(minor)];
export const pauseSync = (minor: number): Command => ['drbdsetup', 'pause-sync', String(minor)];
export const resumeSync = (minor: number): Command => ['drbdsetup', 'resume-sync', String(minor)];
export const resize = (minor: number, sizeMiB: number): Command => [
  ...['drbdsetup', 'resize', String(minor)],
  ...['--size', `${sizeMiB}m`],
];

function barrierOptions(params: Parameters): string[] {
  const set = String(params['disk-barriers'] ?? 'n');
  if (!isBarrierSet(set)) throw deviceFailure(`${set} is not a valid option set for DRBD barriers`);
  return [
    ...(params['meta-barriers'] === true ? ['--md-flushes=no'] : []),
    ...(set.includes('f') ? ['--disk-flushes=no'] : []),
    ...(set.includes('d') ? ['--disk-drain=no'] : []),
    ...(set.includes('b') ? ['--disk-barrier=no'] : []),
  ];
}

export interface Backing {
  readonly data: string;
  readonly meta: string;
}

export function attach(minor: number, backing: Backing, sizeMiB: number, params: Parameters): Command {
  return [
    ...['drbdsetup', 'attach', String(minor), backing.data, backing.meta, 'flexible'],
    '--on-io-error=detach',
    ...(sizeMiB > 0 ? ['--size', `${sizeMiB}m`] : []),
    ...barrierOptions(params),
    ...splitWords(String(params['disk-custom'] ?? '')),
  ];
}

/** Speed of the resync. @throws Failure BlockDeviceError */
export function syncOptions(minor: number, params: Parameters): Command {
  const command = ['drbdsetup', 'disk-options', String(minor)];
  if (params['dynamic-resync'] !== true)
    return [...command, '--resync-rate', String(params['resync-rate'] ?? 61440)];
  if (params['c-plan-ahead'] === 0) {
    throw deviceFailure(
      'A value of 0 for c-plan-ahead disables the dynamic sync speed controller at DRBD level. If you want to disable it, please set the dynamic-resync disk parameter to False.',
    );
  }
  const names = ['c-plan-ahead', 'c-fill-target', 'c-delay-target', 'c-max-rate', 'c-min-rate'];
  return [...command, ...names.flatMap((name) => [`--${name}`, String(params[name])])];
}

/** "ipv4:10.77.1.11:11001". @throws Failure BlockDeviceError */
function address({ ip, port }: Endpoint): string {
  if (isIPv4(ip)) return `ipv4:${ip}:${port}`;
  if (isIPv6(ip)) return `ipv6:[${ip}]:${port}`;
  throw deviceFailure(`Invalid ip ${ip}`);
}

export interface Ends {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

function pair(ends: Ends): string[] {
  if (isIPv4(ends.local.ip) !== isIPv4(ends.remote.ip)) {
    throw deviceFailure(`can't connect ip ${ends.local.ip} to ip ${ends.remote.ip}`);
  }
  return [address(ends.local), address(ends.remote)];
}

/**
 * The secret can be given in an argument only: it is seen in the list of processes for the moment that
 * drbdsetup runs, by whoever may see root's processes. It is kept out of logs and messages.
 */
export function connect(
  minor: number,
  ends: Ends,
  options: { readonly secret: string; readonly twoPrimaries: boolean; readonly params: Parameters },
): Command {
  const { params, twoPrimaries, secret } = options;
  const protocol = twoPrimaries ? migrationProtocol : String(params.protocol ?? 'C');
  return [
    ...['drbdsetup', 'connect', resourceOf(minor), ...pair(ends)],
    ...['--protocol', protocol],
    ...['--after-sb-0pri', 'discard-zero-changes', '--after-sb-1pri', 'consensus'],
    ...(twoPrimaries ? ['--allow-two-primaries'] : []),
    ...['--cram-hmac-alg', hmac, '--shared-secret', secret],
    ...splitWords(String(params['net-custom'] ?? '')),
  ];
}

export const disconnect = (ends: Ends): Command => ['drbdsetup', 'disconnect', ...pair(ends)];

/** Changes the flag of a connection that is up. */
export const allowTwoPrimaries = (ends: Ends, allow: boolean): Command => [
  ...['drbdsetup', 'net-options', ...pair(ends)],
  `--allow-two-primaries=${allow ? 'yes' : 'no'}`,
];
