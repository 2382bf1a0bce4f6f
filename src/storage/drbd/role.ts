/**
 * Who may write. Before a device is made primary the two sides are given the chance to compare what they
 * have: a node that comes back with old data must not be written to just because it was asked first.
 */
import { messageOf } from '../../kit/failure.ts';
import { describeFailure } from '../../kit/process.ts';
import { deviceFailure, type StorageHost } from '../host.ts';
import * as commands from './commands.ts';
import type { MirrorDevice } from './device.ts';
import { hasGoodData } from './diagnosis.ts';
import { stateOf, waitUntil } from './kernel.ts';
import type { MinorState } from './proc.ts';

/** States of a connection on its way up or down. */
const unsettled = new Set([
  ...['Unconnected', 'Timeout', 'BrokenPipe', 'NetworkFailure', 'ProtocolError', 'TearDown', 'Disconnecting'],
  ...['WFReportParams', 'StartingSyncS', 'StartingSyncT', 'WFBitMapS', 'WFBitMapT', 'WFSyncUUID'],
]);
/** Milliseconds for a peer that is there to answer, and for one of which nothing is heard yet. */
const settleMs = 10_000;
const searchMs = 3_000;
/** Tries to take write access back from a device that udev or a late process still has open. */
const closeTries = 10;

async function settled(host: StorageHost, device: MirrorDevice): Promise<MinorState> {
  let state: MinorState | undefined;
  const look = async (done: (state: MinorState) => boolean, timeoutMs: number) => {
    await waitUntil(
      host,
      async () => {
        state = await stateOf(host, device.minor);
        if (state === undefined) throw deviceFailure(`${device.label}: device is not active`);
        return done(state);
      },
      { everyMs: 250, timeoutMs },
    );
  };
  await look(({ connection }) => connection !== 'WFConnection', searchMs);
  await look(({ connection }) => !unsettled.has(connection), settleMs);
  return state!;
}

/**
 * Makes the device writable here; it is already: fine.
 * @param options.exclusive refuses while the other side is primary
 * @param options.fresh a device just made: its volumes hold nothing yet, so it begins as the good side
 * @throws Failure BlockDeviceError naming what stands against it
 */
export async function promote(
  host: StorageHost,
  device: MirrorDevice,
  options: { readonly exclusive: boolean; readonly fresh?: boolean },
): Promise<void> {
  const now = await stateOf(host, device.minor);
  if (now === undefined) throw deviceFailure(`${device.label}: device is not active`);
  if (now.localRole === 'Primary') return;
  if (options.fresh && now.localDisk === 'Inconsistent' && now.peerDisk !== 'UpToDate') {
    await setRole(host, device, commands.primary(device.minor, true));
    return;
  }
  const state = await settled(host, device);
  if (options.exclusive && state.peerRole === 'Primary') {
    throw deviceFailure(
      `${device.label}: the other node is primary; a disk is written to on one node at a time`,
    );
  }
  if (!hasGoodData(state)) {
    throw deviceFailure(
      `${device.label}: can't make drbd device primary: neither side in reach has up to date data (here ${state.localDisk}, other node ${state.peerDisk}, connection ${state.connection})`,
    );
  }
  await setRole(host, device, commands.primary(device.minor, false));
}

async function setRole(host: StorageHost, device: MirrorDevice, command: commands.Command): Promise<void> {
  const result = await host.run(command);
  if (result.code !== 0) {
    throw deviceFailure(`${device.label}: can't make drbd device primary: ${describeFailure(result)}`);
  }
}

/** Takes write access back, or takes the device down, waiting a little for those who have it open. */
async function untilReleased(host: StorageHost, what: string, command: commands.Command): Promise<void> {
  for (let left = closeTries; ; left -= 1) {
    const result = await host.run(command);
    if (result.code === 0) return;
    const held = /held open/i.test(`${result.stderr}${result.stdout}`);
    if (!held || left <= 1) throw deviceFailure(`${what}: ${describeFailure(result)}`);
    await host.sleep(500);
  }
}

/** Secondary already, or not active: fine. */
export async function demote(host: StorageHost, device: MirrorDevice): Promise<void> {
  const state = await stateOf(host, device.minor);
  if (state === undefined || state.localRole !== 'Primary') return;
  const what = `${device.label}: can't switch drbd device to secondary`;
  await untilReleased(host, what, commands.secondary(device.minor));
}

/** Takes the whole device down. */
export async function takeDown(
  host: StorageHost,
  device: Pick<MirrorDevice, 'minor' | 'label'>,
): Promise<void> {
  await untilReleased(host, `${device.label}: can't shutdown drbd device`, commands.down(device.minor));
}

/** For logs: what went wrong, without giving up. */
export function aside(host: StorageHost, what: string, error: unknown): void {
  host.log.warning(`${what}: ${messageOf(error)}`);
}
