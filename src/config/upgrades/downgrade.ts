/**
 * A config.data for an older Ganeti to go on with (cfgupgrade --downgrade). What the older one would not
 * understand is taken out where nothing is lost by it, and named where something would be.
 */
import { Failure } from '../../kit/failure.ts';
import { isRaw, listOf, objectsOf, part, type Raw } from './raw.ts';
import { describeVersion } from './version.ts';

/** Versions that can be written, by number of config.data. */
export const downgradeTargets = [3_010_000, 3_000_000, 2_160_000] as const;
export type DowngradeTarget = (typeof downgradeTargets)[number];

/** NIC modes and disk I/O modes that came with 3.1 or later. */
const newNicModes = ['ext'];
const newDiskIo = ['io_uring'];

function nicsThatKeepFrom(data: Raw): string[] {
  const owners: [string, unknown][] = [
    ...Object.values(part(part(data, 'cluster'), 'nicparams')).map((values): [string, unknown] => [
      'the cluster',
      values,
    ]),
    ...objectsOf(data, 'instances').flatMap((instance) =>
      listOf(instance, 'nics')
        .filter(isRaw)
        .map((nic): [string, unknown] => [`instance ${String(instance.name)}`, nic.nicparams]),
    ),
  ];
  return owners
    .filter(([, values]) => isRaw(values) && newNicModes.includes(String(values.mode)))
    .map(([owner, values]) => `NIC mode ${String((values as Raw).mode)} of ${owner}`);
}

function diskIoThatKeepsFrom(data: Raw): string[] {
  const cluster = part(data, 'cluster');
  const owners: [string, unknown][] = [
    ...Object.entries(part(cluster, 'hvparams')),
    ...objectsOf(data, 'instances').map((instance): [string, unknown] => [
      `instance ${String(instance.name)}`,
      instance.hvparams,
    ]),
  ];
  return owners
    .filter(([, values]) => isRaw(values) && newDiskIo.includes(String(values.disk_aio)))
    .map(([owner, values]) => `disk_aio=${String((values as Raw).disk_aio)} of ${owner}`);
}

/** Every Ganeti wants an IPv4 network, and a pool for its addresses. */
function networksThatKeepFrom(data: Raw): string[] {
  return objectsOf(data, 'networks')
    .filter(({ network }) => typeof network !== 'string')
    .map(({ name }) => `network ${String(name)} of IPv6 alone`);
}

/** 3.0 asks which tool drives Xen, and has no user name for RADOS. */
function toThreeZero(data: Raw): void {
  const cluster = part(data, 'cluster');
  for (const [name, values] of Object.entries(part(cluster, 'hvparams'))) {
    if (name.startsWith('xen-') && isRaw(values)) values.xen_cmd = 'xl';
  }
  const holders = [cluster, ...objectsOf(data, 'nodegroups')];
  for (const values of holders.flatMap((holder) => Object.values(part(holder, 'diskparams'))).filter(isRaw)) {
    delete values['user-id'];
  }
}

/**
 * The value of an older config.data; the given one is not changed.
 * @param data as serialiseConfiguration gives it
 * @throws Failure OpPrereqError naming what the older version could not understand
 */
export function downgradeConfiguration(
  data: Readonly<Record<string, unknown>>,
  target: DowngradeTarget,
): Raw {
  const copy = structuredClone(data) as Raw;
  const obstacles = [
    ...nicsThatKeepFrom(copy),
    ...networksThatKeepFrom(copy),
    ...(target < 3_010_000 ? diskIoThatKeepsFrom(copy) : []),
  ];
  if (obstacles.length > 0) {
    throw new Failure('OpPrereqError', [
      `Ganeti ${describeVersion(target)} does not know ${obstacles.join(', ')}; change that first`,
      'wrong_state',
    ]);
  }
  if (target < 3_010_000) toThreeZero(copy);
  copy.version = target;
  return copy;
}
