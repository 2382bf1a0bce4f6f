/** /proc/drbd of the 8.x kernel module: its version, and the state of each minor. Pure. */
import { deviceFailure } from '../host.ts';

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
  readonly point: number;
  /** As Ganeti writes it: "8.4.11 (api:1/proto:86-101)". */
  readonly text: string;
}

export interface MinorState {
  readonly minor: number;
  /** cs: Connected, WFConnection, StandAlone, SyncSource … */
  readonly connection: string;
  /** Primary, Secondary, Unknown. */
  readonly localRole: string;
  readonly peerRole: string;
  /** UpToDate, Inconsistent, Diskless … */
  readonly localDisk: string;
  readonly peerDisk: string;
  /** 0–100 during a resync, 0 while one is being prepared, else null. */
  readonly syncPercent: number | null;
  /** Seconds. */
  readonly estimatedTime: number | null;
}

export interface ProcInfo {
  readonly version: KernelVersion;
  /** Configured minors only, in the order of the file. */
  readonly minors: ReadonlyMap<number, MinorState>;
  /** Every minor that the module knows, configured or not. */
  readonly known: readonly number[];
}

/** Connection states of a resync, or of the way to one. */
const syncing = new Set([
  'WFReportParams',
  'StartingSyncS',
  'StartingSyncT',
  'WFBitMapS',
  'WFBitMapT',
  'WFSyncUUID',
  'SyncSource',
  'SyncTarget',
  'PausedSyncS',
  'PausedSyncT',
]);

export function isSyncing(state: Pick<MinorState, 'connection'>): boolean {
  return syncing.has(state.connection);
}

const versionLine = /^version: (\d+)\.(\d+)\.(\d+)(?:([.-]\d+))? \((api:\d+\/proto:\d+(?:-\d+)?)\)/;
const firstLine = /^ *(\d+): cs:(\S+)/;
const stateLine = /^\s*\d+: cs:(\S+)\s+(?:st|ro):([^/]+)\/(\S+)\s+ds:([^/]+)\/(\S+)/;
/** The kernel forgets the space before "finish" after megabytes: "…/524288)Mfinish". */
const progress = /sync'ed:\s*([0-9.]+)%/;
const finish = /finish: (\d+):(\d+):(\d+)/;

function parseVersion(line: string): KernelVersion {
  const match = versionLine.exec(line.trim());
  if (match === null) throw deviceFailure(`Can't parse DRBD version from '${line.trim()}'`);
  const [, major, minor, point, fix = '', api] = match;
  return {
    major: Number(major),
    minor: Number(minor),
    point: Number(point),
    text: `${major}.${minor}.${point}${fix} (${api})`,
  };
}

function parseState(minor: number, text: string): MinorState {
  const match = stateLine.exec(text);
  if (match === null) throw deviceFailure(`Can't parse input data '${text}'`);
  const [, connection = '', localRole = '', peerRole = '', localDisk = '', peerDisk = ''] = match;
  const percent = progress.exec(text);
  const time = finish.exec(text);
  const inSync = isSyncing({ connection });
  return {
    ...{ minor, connection, localRole, peerRole, localDisk, peerDisk },
    syncPercent: percent === null ? (inSync ? 0 : null) : Number(percent[1]),
    estimatedTime: time === null ? null : Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3]),
  };
}

/** @throws Failure BlockDeviceError for text that isn't /proc/drbd's */
export function parseProc(text: string): ProcInfo {
  const [head = '', ...lines] = text.split('\n');
  const version = parseVersion(head);
  const sections = new Map<number, string>();
  let current: number | undefined;
  for (const line of lines) {
    const begin = firstLine.exec(line);
    if (begin !== null) {
      current = Number(begin[1]);
      sections.set(current, line);
    } else if (current !== undefined && line.trim() !== '') {
      sections.set(current, `${sections.get(current)} ${line.trim()}`);
    }
  }
  const minors = new Map<number, MinorState>();
  for (const [minor, section] of sections) {
    if (firstLine.exec(section)?.[2] !== 'Unconfigured') minors.set(minor, parseState(minor, section));
  }
  return { version, minors, known: [...sections.keys()] };
}
