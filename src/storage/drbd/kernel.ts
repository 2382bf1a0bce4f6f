/** Asking the kernel about minors, and telling it what to do with them. */
import { describeFailure } from '../../kit/process.ts';
import { deviceFailure, type RunOptions, type StorageHost } from '../host.ts';
import * as commands from './commands.ts';
import { belongsTo, type MirrorDevice } from './device.ts';
import { explainRefusal, type Refusal, refusalIn } from './diagnosis.ts';
import { type MinorState, type ProcInfo, parseProc } from './proc.ts';
import { parseShow, type Shown, shownNothing } from './show.ts';

const procFile = '/proc/drbd';
const helperFile = '/sys/module/drbd/parameters/usermode_helper';

/** @throws Failure BlockDeviceError when the module isn't loaded or is of another version than 8.4 */
export async function readProc(host: StorageHost): Promise<ProcInfo> {
  const text = await host.readText(procFile);
  if (text === undefined) {
    throw deviceFailure(`The file ${procFile} cannot be opened, check if the module is loaded`);
  }
  const info = parseProc(text);
  const { major, minor, point } = info.version;
  if (major !== 8 || minor < 4) {
    throw deviceFailure(`DRBD ${major}.${minor}.${point} is not supported: the kernel module must be 8.4`);
  }
  return info;
}

/** @throws Failure BlockDeviceError */
export async function usermodeHelper(host: StorageHost): Promise<string> {
  const text = (await host.readText(helperFile))?.split('\n')[0];
  if (text === undefined) {
    throw deviceFailure(`The file ${helperFile} cannot be opened, check if the module is loaded`);
  }
  if (text === '') throw deviceFailure(`Can't read any data from ${helperFile}`);
  return text;
}

/** undefined while the minor isn't configured. */
export async function stateOf(host: StorageHost, minor: number): Promise<MinorState | undefined> {
  return (await readProc(host)).minors.get(minor);
}

export async function shownOf(host: StorageHost, minor: number): Promise<Shown> {
  const result = await host.run(commands.show(minor));
  if (result.code !== 0) {
    host.log.debug(`Can't display the drbd config: ${describeFailure(result)}`);
    return shownNothing;
  }
  return parseShow(result.stdout);
}

/** @throws Failure BlockDeviceError with the device's name before what the program said */
export async function tell(
  host: StorageHost,
  device: MirrorDevice,
  what: string,
  command: commands.Command,
  options?: RunOptions,
): Promise<void> {
  const result = await host.run(command, options);
  if (result.code !== 0) throw deviceFailure(`${device.label}: ${what}: ${describeFailure(result)}`);
}

/** Path of the disk's data volume, as the kernel shows it of a device that runs. */
export type DataPath = string | undefined;

/**
 * State and make-up of the minor if it runs and is this disk's.
 * @throws Failure BlockDeviceError when another disk has the minor
 */
export async function running(
  host: StorageHost,
  device: MirrorDevice,
  data: DataPath,
): Promise<{ readonly state: MinorState; readonly shown: Shown } | undefined> {
  const state = await stateOf(host, device.minor);
  if (state === undefined) return undefined;
  const shown = await shownOf(host, device.minor);
  if (!belongsTo(shown, data, device)) {
    throw deviceFailure(
      `${device.label}: the minor is in use by other volumes (${shown.dataDevice ?? 'none'}, port ${shown.local?.port ?? 'none'})`,
    );
  }
  return { state, shown };
}

/** Why a device that stands alone does so, in a sentence; undefined for one that doesn't. */
export async function troubleOf(
  host: StorageHost,
  device: MirrorDevice,
  state: MinorState,
  instance: string,
): Promise<string | undefined> {
  if (state.connection !== 'StandAlone') return undefined;
  return explainRefusal(await refusalOf(host, device.minor), device.label, instance);
}

/** Why the kernel has dropped the minor's connection. */
export async function refusalOf(host: StorageHost, minor: number): Promise<Refusal> {
  const log = await host.run(['dmesg']).catch(() => undefined);
  return log?.code === 0 ? refusalIn(log.stdout, minor) : 'unknown';
}

/**
 * Asks every `everyMs` until `done` gives true.
 * @returns false when it didn't within `timeoutMs`
 */
export async function waitUntil(
  host: StorageHost,
  done: () => Promise<boolean>,
  options: { readonly everyMs: number; readonly timeoutMs: number },
): Promise<boolean> {
  for (let waited = 0; ; waited += options.everyMs) {
    if (await done()) return true;
    if (waited >= options.timeoutMs) return false;
    await host.sleep(options.everyMs);
  }
}
