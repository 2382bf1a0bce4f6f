/**
 * Tap devices: the host's end of a guest's network card. They are made persistent, before QEMU starts and
 * by name, so they outlive it; whoever makes one notes its name first and takes it away afterwards.
 */
import { readdir } from 'node:fs/promises';
import { Failure } from '../kit/failure.ts';
import { describeFailure, runChecked, runProcess } from '../kit/process.ts';
import { checkedInterface, interfaceExists } from './interface-name.ts';

export interface TapFeatures {
  /** Offloading headers between kernel and guest. */
  readonly vnetHdr: boolean;
  readonly multiQueue: boolean;
  /** User id that may attach to it without rights, for guests that run as another user. */
  readonly owner: number | null;
}

/** The first of prefix0, prefix1, … that nobody has. Pure. */
export function freeTapName(prefix: string, taken: ReadonlySet<string>): string {
  for (let number = 0; ; number += 1) {
    const name = `${prefix}${number}`;
    if (!taken.has(name)) return name;
  }
}

/** Names of all interfaces of this machine. */
export async function interfaceNames(): Promise<Set<string>> {
  return new Set(await readdir('/sys/class/net'));
}

/** The command that makes the device. Pure. */
export function tapCommand(name: string, features: TapFeatures): string[] {
  const command = ['ip', 'tuntap', 'add', 'dev', checkedInterface(name), 'mode', 'tap'];
  if (features.owner !== null) command.push('user', String(features.owner));
  if (features.vnetHdr) command.push('vnet_hdr');
  if (features.multiQueue) command.push('multi_queue');
  return command;
}

/** @throws Failure HypervisorError */
export async function createTap(name: string, features: TapFeatures): Promise<void> {
  const result = await runProcess(tapCommand(name, features));
  if (result.code !== 0) {
    throw new Failure('HypervisorError', [`Failed to allocate a new TAP device: ${describeFailure(result)}`]);
  }
}

/** Not there: fine. */
export async function removeTap(name: string): Promise<void> {
  if (await interfaceExists(name)) await runChecked(['ip', 'link', 'del', 'dev', checkedInterface(name)]);
}
