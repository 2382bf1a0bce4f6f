/**
 * drbd: the mirrors of a node from /proc/drbd of the 8.x kernel module, each with the instance that it belongs to, and
 * whether all is well with them. Figures are KiB where they are sizes. Pure.
 */
import { mergedStatus, type Status } from './collector.ts';

export interface MirrorStatus {
  readonly minor: number;
  readonly connectionState: string;
  readonly localRole?: string;
  readonly remoteRole?: string;
  readonly localState?: string;
  readonly remoteState?: string;
  readonly replicationProtocol?: string;
  readonly ioFlags?: string;
  readonly perfIndicators?: Readonly<Record<string, number | string>>;
  readonly syncStatus?: Readonly<Record<string, number | string>>;
  readonly instance?: string | null;
}

export interface DrbdStatus {
  readonly versionInfo: Readonly<Record<string, string>>;
  readonly deviceInfos: readonly MirrorStatus[];
}

/** Node, minor, instance, disk, role, peer: as the configuration daemon tells (node DRBD request). */
export type Pairing = readonly (readonly unknown[])[];

const versionPatterns: readonly (readonly [string, RegExp])[] = [
  ['version', /^version: *(\S+)/m],
  ['api', /^version:.*\(api:([^/)]+)/m],
  ['proto', /^version:.*\/proto:([^)]*)\)/m],
  ['srcversion', /^srcversion: *(\S+)/m],
  ['gitHash', /^GIT-hash: *(\S+)/m],
  ['buildBy', /^GIT-hash:.* build by (.*)$/m],
];

const indicators: readonly (readonly [string, string])[] = [
  ['ns', 'networkSend'],
  ['nr', 'networkReceive'],
  ['dw', 'diskWrite'],
  ['dr', 'diskRead'],
  ['al', 'activityLog'],
  ['bm', 'bitMap'],
  ['lo', 'localCount'],
  ['pe', 'pending'],
  ['ua', 'unacknowledged'],
  ['ap', 'applicationPending'],
  ['ep', 'epochs'],
  ['wo', 'writeOrder'],
  ['oos', 'outOfSync'],
];

const units: Readonly<Record<string, string>> = { K: 'KiloByte', M: 'MegaByte' };
const syncing = ['SyncSource', 'SyncTarget'];

function versionOf(text: string): Record<string, string> {
  const found = versionPatterns.flatMap(([name, pattern]) => {
    const value = pattern.exec(text)?.[1];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}

function indicatorsOf(section: string): Record<string, number | string> {
  const found = indicators.flatMap(([short, name]): [string, number | string][] => {
    const value = new RegExp(`\\b${short}:(\\S+)`).exec(section)?.[1];
    if (value === undefined) return [];
    return [[name, short === 'wo' ? value.slice(0, 1) : Number(value)]];
  });
  return Object.fromEntries(found);
}

const number = (text: string | undefined) => Number((text ?? '').replaceAll(',', ''));

/** The lines of a resync; one that is being prepared has none yet. */
function syncOf(section: string): Record<string, number | string> | undefined {
  const done = /sync'ed: *([\d.]+)% *\((\d+)\/(\d+)\)\s*([KM])/.exec(section);
  const time = /finish: *(\d+):(\d+):(\d+)/.exec(section);
  const speed = /speed: *([\d,]+) *\([\d,]+\)(?: *want: *([\d,]+))? *([KM])\/sec/.exec(section);
  if (done === null) return undefined;
  const two = (part: string | undefined) => (part ?? '0').padStart(2, '0');
  return {
    percentage: Number(done[1]),
    progress: `${done[2]}/${done[3]}`,
    progressUnit: units[done[4]!]!,
    ...(time === null ? {} : { timeToFinish: `${two(time[1])}:${two(time[2])}:${two(time[3])}` }),
    ...(speed === null
      ? {}
      : {
          speed: number(speed[1]),
          ...(speed[2] === undefined ? {} : { want: number(speed[2]) }),
          speedUnit: `${units[speed[3]!]}/Second`,
        }),
  };
}

const headPattern =
  // Kernels 2.6.39 and later put a zero after the flags.
  /^ *(\d+): cs:(\w+)(?: (?:ro|st):(\w+)\/(\w+) ds:(\w+)\/(\w+) (.) *([^\s\0]*))?/;

function deviceOf(section: string, pairing: Pairing): MirrorStatus {
  const found = headPattern.exec(section);
  if (found === null) throw new RangeError(`/proc/drbd: can't read '${section.split('\n')[0]}'`);
  const [, minorText, connectionState = '', localRole, remoteRole, localState, remoteState] = found;
  const minor = Number(minorText);
  if (connectionState === 'Unconfigured') return { minor, connectionState };
  const sync = syncing.includes(connectionState) ? syncOf(section) : undefined;
  const instance = pairing.find((row) => row[1] === minor)?.[2];
  return {
    minor,
    connectionState,
    ...{ localRole: localRole ?? '', remoteRole: remoteRole ?? '' },
    ...{ localState: localState ?? '', remoteState: remoteState ?? '' },
    replicationProtocol: found[7] ?? ' ',
    ioFlags: found[8] ?? '',
    perfIndicators: indicatorsOf(section),
    ...(sync === undefined ? {} : { syncStatus: sync }),
    instance: typeof instance === 'string' ? instance : null,
  };
}

/** @throws RangeError for a text that isn't /proc/drbd's */
export function parseDrbd(text: string, pairing: Pairing): DrbdStatus {
  const versionInfo = versionOf(text);
  if (Object.keys(versionInfo).length === 0) throw new RangeError('/proc/drbd says no version');
  const sections = text.split(/\n(?= *\d+: cs:)/).filter((section) => /^ *\d+: cs:/.test(section));
  return { versionInfo, deviceInfos: sections.map((section) => deviceOf(section, pairing)) };
}

const troubles: Readonly<Record<string, Status>> = {
  StandAlone: { code: 4, message: 'No network config available' },
  Disconnecting: { code: 4, message: 'The peer is being disconnected' },
  TearDown: { code: 4, message: 'The peer is closing the connection' },
  Unconnected: { code: 1, message: 'Trying to establish a network connection' },
  WFConnection: { code: 1, message: 'Trying to establish a network connection' },
  WFReportParams: { code: 1, message: 'Trying to establish a network connection' },
  Timeout: { code: 1, message: 'Communication problems between the peers' },
  BrokenPipe: { code: 1, message: 'Communication problems between the peers' },
  NetworkFailure: { code: 1, message: 'Communication problems between the peers' },
  ProtocolError: { code: 1, message: 'Communication problems between the peers' },
};

export function drbdHealth({ deviceInfos }: DrbdStatus): Status {
  return mergedStatus(
    deviceInfos.map(({ minor, connectionState }) => {
      const trouble = troubles[connectionState];
      return trouble === undefined
        ? { code: 0, message: '' }
        : { code: trouble.code, message: `${minor}: ${trouble.message}` };
    }),
  );
}
