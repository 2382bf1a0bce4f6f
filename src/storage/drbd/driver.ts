/**
 * Mirrors on a node. Each is a minor with two lower volumes, data and metadata, which the driver of their
 * own template handles; "down" and "up" below are the device's, the volumes stay.
 *
 *   none ── create ──▶ up, secondary ◀── open / close ──▶ up, primary
 *             ▲              │
 *          assemble       shutdown ──▶ down (volumes kept) ── remove ──▶ none
 */
import type { Disk } from '../../model/objects/disk.ts';
import type {
  DeviceState,
  DiskRequest,
  DriverContext,
  MinorFacts,
  MirroringDriver,
  StorageDriver,
} from '../contract.ts';
import { deviceFailure, type StorageHost } from '../host.ts';
import { about } from './about.ts';
import * as commands from './commands.ts';
import { endsMatch, type MirrorDevice, mirrorDevice } from './device.ts';
import * as kernel from './kernel.ts';
import { attach, initialiseMetadata, unusedMinor } from './local-side.ts';
import { allowOnePrimary, connect, disconnect, meet } from './network-side.ts';
import { isSyncing, type MinorState } from './proc.ts';
import { aside, demote, promote, takeDown } from './role.ts';

/** The major number that the kernel gives to all of them. */
const major = 147;

interface Desk {
  readonly host: StorageHost;
  readonly lower: (template: string) => Promise<StorageDriver>;
}

/** The request for one of the two volumes. */
function childRequest(request: DiskRequest, child: Disk, index: number): DiskRequest {
  const stripes = request.params[index === 0 ? 'data-stripes' : 'meta-stripes'] ?? 1;
  return { ...request, disk: child, params: { stripes } };
}

/** The volumes' requests, data first; none for a device without. */
function childRequests(request: DiskRequest, device: MirrorDevice): DiskRequest[] {
  return (device.children ?? []).map((child, index) => childRequest(request, child, index));
}

async function activate(desk: Desk, requests: readonly DiskRequest[]): Promise<commands.Backing | undefined> {
  const [data, meta] = requests;
  if (data === undefined || meta === undefined) return undefined;
  const up = async (request: DiskRequest) =>
    (await (await desk.lower(request.disk.dev_type)).assemble(request, true)).path;
  return { data: await up(data), meta: await up(meta) };
}

/** Where the data volume is, without touching it: to know the device by. */
async function dataPath(desk: Desk, request: DiskRequest, device: MirrorDevice): Promise<string | undefined> {
  const [data] = childRequests(request, device);
  if (data === undefined) return undefined;
  const state = await (await desk.lower(data.disk.dev_type)).find(data);
  return state?.path;
}

async function create(
  desk: Desk,
  request: DiskRequest,
  options: { readonly info: string; readonly onPrimary: boolean; readonly mustBeNew: boolean },
): Promise<void> {
  const { host } = desk;
  const device = mirrorDevice(request);
  const children = childRequests(request, device);
  if (children.length === 0) throw deviceFailure(`${device.label}: no volumes to make it from`);
  for (const child of children) {
    await (await desk.lower(child.disk.dev_type)).create(child, { ...options, onPrimary: true });
  }
  const backing = (await activate(desk, children))!;
  const up = await kernel.running(host, device, backing.data);
  // A new disk's metadata begins afresh; a device that runs with these volumes was made by an earlier try.
  if (up?.shown.dataDevice === undefined) {
    await initialiseMetadata(host, device, backing.meta, device.minor);
    await attach(host, device, backing, request.disk.size, request.params);
  }
  await ensureConnected(desk, request, device);
  if (options.onPrimary) await promote(host, device, { exclusive: true, fresh: true });
}

/** Connects, for one writer, when it has no connection or a wrong one. Whether the other side answers isn't awaited. */
async function ensureConnected(desk: Desk, request: DiskRequest, device: MirrorDevice): Promise<void> {
  const { host } = desk;
  if (device.ends === undefined) {
    host.log.warning(`${device.label}: the address of the other node is not known, working alone`);
    return;
  }
  const shown = await kernel.shownOf(host, device.minor);
  if (endsMatch(shown, device.ends)) {
    if (shown.twoPrimaries) await allowOnePrimary(host, device);
    return;
  }
  if (shown.local !== undefined) await disconnect(host, device);
  await connect(host, device, { twoPrimaries: false, params: request.params });
}

async function assemble(desk: Desk, request: DiskRequest, asPrimary: boolean): Promise<void> {
  const { host } = desk;
  const device = mirrorDevice(request);
  let backing: commands.Backing | undefined;
  try {
    backing = await activate(desk, childRequests(request, device));
  } catch (error) {
    // With broken local storage the guest can still work on the other node's copy.
    aside(host, `${device.label}: working without its local volumes`, error);
  }
  const up = await kernel.running(host, device, backing?.data);
  if (backing !== undefined && up?.shown.dataDevice === undefined) {
    await attach(host, device, backing, request.disk.size, request.params);
  }
  await ensureConnected(desk, request, device);
  if (asPrimary) await promote(host, device, { exclusive: true });
}

/** Down already, or another disk's minor by now: nothing to do. */
async function shutdown(desk: Desk, request: DiskRequest): Promise<void> {
  const { host } = desk;
  const device = mirrorDevice(request);
  const { minors, known } = await kernel.readProc(host);
  if (!minors.has(device.minor)) {
    // An empty minor is what an interrupted beginning leaves behind; nobody's data is on it.
    if (known.includes(device.minor)) await takeDown(host, device);
    return;
  }
  try {
    await kernel.running(host, device, await dataPath(desk, request, device));
  } catch (error) {
    aside(host, 'not shut down', error);
    return;
  }
  await takeDown(host, device);
}

async function remove(desk: Desk, request: DiskRequest): Promise<void> {
  // A node that never had the module loaded has no device, but may have volumes.
  if ((await desk.host.readText('/proc/drbd')) !== undefined) await shutdown(desk, request);
  for (const child of childRequests(request, mirrorDevice(request))) {
    await (await desk.lower(child.disk.dev_type)).remove(child);
  }
}

function localDiskOf(state: MinorState): DeviceState['localDisk'] {
  if (state.localDisk === 'UpToDate') return 'okay';
  if (state.localDisk === 'Diskless') return 'faulty';
  return isSyncing(state) ? 'sync' : 'unknown';
}

async function find(desk: Desk, request: DiskRequest): Promise<DeviceState | null> {
  const { host } = desk;
  const device = mirrorDevice(request);
  const state = await kernel.stateOf(host, device.minor);
  if (state === undefined) return null;
  const connected = state.connection === 'Connected';
  const trouble = device.ends && (await kernel.troubleOf(host, device, state, request.owner));
  return {
    path: commands.devicePath(device.minor),
    major,
    minor: device.minor,
    syncPercent: state.syncPercent,
    estimatedTime: state.estimatedTime,
    degraded: !connected || state.localDisk !== 'UpToDate',
    localDisk: localDiskOf(state),
    details: {
      connected,
      connection: state.connection,
      localRole: state.localRole,
      peerRole: state.peerRole,
      localState: state.localDisk,
      peerState: state.peerDisk,
      ...(trouble === undefined ? {} : { trouble }),
    },
  };
}

async function grow(
  desk: Desk,
  request: DiskRequest,
  amount: number,
  options: { readonly dryRun: boolean; readonly backingStore: boolean },
): Promise<void> {
  const device = mirrorDevice(request);
  const [data] = childRequests(request, device);
  if (data === undefined)
    throw deviceFailure(`${device.label}: not supposed to be used without volumes in Grow`);
  await (await desk.lower(data.disk.dev_type)).grow(data, amount, options);
  if (options.dryRun || options.backingStore) return;
  const command = commands.resize(device.minor, request.disk.size + amount);
  await kernel.tell(desk.host, device, 'resize failed', command);
}

async function addChildren(
  desk: Desk,
  request: DiskRequest,
  children: readonly DiskRequest[],
): Promise<void> {
  const { host } = desk;
  const device = mirrorDevice(request);
  if (children.length !== 2) throw deviceFailure(`${device.label}: need two devices for AddChildren`);
  const backing = (await activate(desk, children))!;
  // A side that stands alone is not configured at all without its volumes.
  if ((await kernel.stateOf(host, device.minor)) !== undefined) {
    const shown = await kernel.shownOf(host, device.minor);
    if (shown.dataDevice === backing.data) return;
    if (shown.dataDevice !== undefined)
      throw deviceFailure(`${device.label}: already attached to a local disk`);
  }
  await initialiseMetadata(host, device, backing.meta, await unusedMinor(host));
  await attach(host, device, backing, request.disk.size, request.params);
}

async function removeChildren(desk: Desk, request: DiskRequest): Promise<void> {
  const { host } = desk;
  const device = mirrorDevice(request);
  if ((await kernel.stateOf(host, device.minor)) === undefined) return;
  if ((await kernel.shownOf(host, device.minor)).dataDevice === undefined) return;
  await kernel.tell(host, device, "can't detach local disk", commands.detach(device.minor));
}

async function pauseResumeSync(desk: Desk, request: DiskRequest, pause: boolean): Promise<void> {
  const device = mirrorDevice(request);
  const command = pause ? commands.pauseSync(device.minor) : commands.resumeSync(device.minor);
  const result = await desk.host.run(command);
  const already = /already (?:set|cleared)/i.test(`${result.stdout}${result.stderr}`);
  if (result.code !== 0 && !already) {
    throw deviceFailure(
      `${device.label}: can't ${pause ? 'pause' : 'resume'} the sync: ${result.stderr.trim()}`,
    );
  }
}

async function dimensions(desk: Desk, request: DiskRequest) {
  const device = mirrorDevice(request);
  const text = await desk.host.readText(`/sys/block/drbd${device.minor}/size`);
  if (text === undefined) return null;
  const [data] = childRequests(request, device);
  const below = data === undefined ? null : await (await desk.lower(data.disk.dev_type)).dimensions(data);
  return { bytes: Number(text.trim()) * 512, spindles: below?.spindles ?? null };
}

async function minorFacts(host: StorageHost): Promise<MinorFacts[]> {
  const facts: MinorFacts[] = [];
  for (const { minor, localRole } of (await kernel.readProc(host)).minors.values()) {
    const { dataDevice = null, metaDevice = null } = await kernel.shownOf(host, minor);
    facts.push({ minor, isPrimary: localRole === 'Primary', dataDevice, metaDevice });
  }
  return facts;
}

function mirroringPart(
  desk: Desk,
): Pick<
  MirroringDriver,
  | 'version'
  | 'usermodeHelper'
  | 'usedMinors'
  | 'minorFacts'
  | 'forceDown'
  | 'disconnectNet'
  | 'attachNet'
  | 'pauseResumeSync'
  | 'addChildren'
  | 'removeChildren'
> {
  const { host } = desk;
  return {
    version: async () => (await kernel.readProc(host)).version.text,
    usermodeHelper: async () => kernel.usermodeHelper(host),
    usedMinors: async () => [...(await kernel.readProc(host)).minors.keys()],
    minorFacts: async () => minorFacts(host),
    forceDown: async (minor) => takeDown(host, { minor, label: `drbd${minor}` }),
    disconnectNet: async (request) => disconnect(host, mirrorDevice(request)),
    attachNet: async (request, twoPrimaries, signal) => {
      const { params, owner } = request;
      await meet(host, mirrorDevice(request), { twoPrimaries, params, owner, signal });
    },
    pauseResumeSync: async (request, pause) => pauseResumeSync(desk, request, pause),
    addChildren: async (request, children) => addChildren(desk, request, children),
    removeChildren: async (request) => removeChildren(desk, request),
  };
}

export function createDriver(context: DriverContext): MirroringDriver {
  const desk: Desk = context;
  const { host } = desk;
  return {
    about,
    create: async (request, options) => create(desk, request, options),
    remove: async (request) => remove(desk, request),
    async assemble(request, asPrimary) {
      await assemble(desk, request, asPrimary);
      return { path: commands.devicePath(mirrorDevice(request).minor), uri: null };
    },
    shutdown: async (request) => shutdown(desk, request),
    open: async (request, exclusive) => promote(host, mirrorDevice(request), { exclusive }),
    close: async (request) => demote(host, mirrorDevice(request)),
    find: async (request) => find(desk, request),
    grow: async (request, amount, options) => grow(desk, request, amount, options),
    dimensions: async (request) => dimensions(desk, request),
    async setInfo(request, info) {
      for (const child of childRequests(request, mirrorDevice(request))) {
        await (await desk.lower(child.disk.dev_type)).setInfo(child, info);
      }
    },
    async rename(request) {
      throw deviceFailure(`${mirrorDevice(request).label}: a mirror can't be renamed, its volumes can`);
    },
    async snapshot(request, name, size) {
      const [data] = childRequests(request, mirrorDevice(request));
      if (data === undefined)
        throw deviceFailure('a mirror without volumes has nothing to take a snapshot of');
      return (await desk.lower(data.disk.dev_type)).snapshot(data, name, size);
    },
    ...mirroringPart(desk),
  };
}
