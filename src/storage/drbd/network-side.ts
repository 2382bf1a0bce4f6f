/** The network half of a mirror: connecting to the other node, and parting from it. */
import type { Parameters } from '../../model/objects/common.ts';
import { deviceFailure, type StorageHost } from '../host.ts';
import * as commands from './commands.ts';
import { endsMatch, type MirrorDevice } from './device.ts';
import { explainRefusal } from './diagnosis.ts';
import { refusalOf, shownOf, stateOf, tell, waitUntil } from './kernel.ts';
import { ensureMinor } from './local-side.ts';
import { isSyncing, type MinorState } from './proc.ts';

/** Milliseconds that the device has to stand alone after `disconnect` (drbd.py, _NET_RECONFIG_TIMEOUT). */
const disconnectTimeoutMs = 60_000;
/** So often a side has to be refused after it was told to connect, before it is believed. */
const refusalsToBelieve = 3;
/** Milliseconds that both sides have to find each other after they were told to. */
const meetTimeoutMs = 120_000;
/** Milliseconds after which the kernel knows that the other side has lost its power: it pings every ten seconds. */
const lossMs = 15_000;

function endsOf(device: MirrorDevice): commands.Ends {
  if (device.ends === undefined)
    throw deviceFailure(`${device.label}: the address of the other node is not known`);
  return device.ends;
}

export interface ConnectOptions {
  readonly twoPrimaries: boolean;
  readonly params: Parameters;
}

/** Begins to connect; the kernel then looks for the other side by itself. */
export async function connect(
  host: StorageHost,
  device: MirrorDevice,
  options: ConnectOptions,
): Promise<void> {
  const ends = endsOf(device);
  const { minor, secret } = device;
  await ensureMinor(host, device);
  const command = commands.connect(minor, ends, { secret, ...options });
  await tell(host, device, "can't setup network", command, { secrets: [secret] });
  const taken = await waitUntil(
    host,
    async () => {
      if (endsMatch(await shownOf(host, minor), ends)) return true;
      // Refused by the other side at once: the kernel has dropped the connection and its settings.
      return (await stateOf(host, minor))?.connection === 'StandAlone';
    },
    { everyMs: 1000, timeoutMs: 10_000 },
  );
  if (!taken) throw deviceFailure(`${device.label}: timeout while configuring network`);
}

/** Parts from the other side; standing alone already: fine. */
export async function disconnect(host: StorageHost, device: MirrorDevice): Promise<void> {
  const ends = endsOf(device);
  const { minor } = device;
  let failure: unknown;
  const alone = await waitUntil(
    host,
    async () => {
      const state = await stateOf(host, minor);
      if (state === undefined) throw deviceFailure(`${device.label}: device is not active`);
      if (state.connection === 'StandAlone') return true;
      // Told again each time: a disconnect of the other side at the same moment may make this one forgotten.
      const shown = await shownOf(host, minor);
      const actual = shown.local && shown.remote ? { local: shown.local, remote: shown.remote } : ends;
      try {
        await tell(host, device, "can't shutdown network", commands.disconnect(actual));
        failure = undefined;
      } catch (error) {
        failure = error;
      }
      return false;
    },
    { everyMs: 200, timeoutMs: disconnectTimeoutMs },
  );
  if (alone) return;
  if (failure !== undefined) throw failure;
  throw deviceFailure(`${device.label}: device did not react to the 'disconnect' command in a timely manner`);
}

/**
 * Takes back that both sides may write, which a move that was broken off has left: a connection that says so doesn't
 * come about with a side that doesn't. While both sides are primary it stays as it is.
 */
export async function allowOnePrimary(host: StorageHost, device: MirrorDevice): Promise<void> {
  const { minor } = device;
  const isSingle = await waitUntil(
    host,
    async () => {
      const state = await stateOf(host, minor);
      return state?.localRole !== 'Primary' || state.peerRole !== 'Primary';
    },
    { everyMs: 500, timeoutMs: lossMs },
  );
  if (isSingle)
    await tell(
      host,
      device,
      "can't change the connection",
      commands.allowTwoPrimaries(endsOf(device), false),
    );
  else host.log.warning(`${device.label}: both sides are primary, and stay allowed to be`);
}

function haveMet(state: MinorState, twoPrimaries: boolean): boolean {
  const connected = state.connection === 'Connected';
  if (!twoPrimaries) return connected || (isSyncing(state) && state.connection !== 'WFReportParams');
  return connected && state.localDisk === 'UpToDate' && state.peerDisk === 'UpToDate';
}

/**
 * Connects a device that stands alone, or changes the connection that it has, and waits for the other side.
 * With two primaries it waits until both hold good data, because both are written to next.
 * @param options.owner name of the instance, for the way out
 * @param options.signal ends the waiting, as when the other side is known to be gone; what is set up stays
 * @throws Failure BlockDeviceError at once for two sides that refuse each other, as after a split brain
 */
export async function meet(
  host: StorageHost,
  device: MirrorDevice,
  options: ConnectOptions & { readonly owner: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { owner, signal } = options;
  const ends = endsOf(device);
  const { minor } = device;
  let tries = 0;
  const met = await waitUntil(
    host,
    async () => {
      const state = await stateOf(host, minor);
      if (state === undefined) throw deviceFailure(`${device.label}: device is not active`);
      if (state.connection === 'StandAlone') {
        const refusal = tries < refusalsToBelieve ? 'unknown' : await refusalOf(host, minor);
        if (refusal !== 'unknown') throw deviceFailure(explainRefusal(refusal, device.label, owner));
        tries += 1;
        await connect(host, device, options);
        return false;
      }
      const shown = await shownOf(host, minor);
      if (shown.local !== undefined && !endsMatch(shown, ends)) {
        await disconnect(host, device);
        return false;
      }
      if (shown.local !== undefined && shown.twoPrimaries !== options.twoPrimaries) {
        const command = commands.allowTwoPrimaries(ends, options.twoPrimaries);
        await tell(host, device, "can't change the connection", command);
      }
      if (haveMet(state, options.twoPrimaries)) return true;
      if (signal?.aborted) throw deviceFailure(`${device.label}: nobody waits any more for the other side`);
      return false;
    },
    { everyMs: 500, timeoutMs: meetTimeoutMs },
  );
  if (!met) throw deviceFailure(`${device.label}: timeout in disk reconnecting`);
}
