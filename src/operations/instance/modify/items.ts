/** Lists of disks and NICs: which one a change means, where a new one goes, and whether names may stand. */
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../../kit/failure.ts';

export type DeviceKind = 'disk' | 'NIC';

/** An index (-1: the last), a name or a uuid. */
export type Target = number | string;

interface Device {
  readonly uuid: string;
  readonly name?: string | null | undefined;
}

function indexIn(target: Target): number | undefined {
  if (typeof target === 'number') return target;
  return /^[+-]?\d+$/.test(target.trim()) ? Number(target) : undefined;
}

function requireInRange(kind: DeviceKind, index: number, count: number, most: number): void {
  if (index < 0) throw executionFailure('Not accepting negative indices other than -1');
  if (index > most) throw executionFailure(`Got ${kind} index ${index}, but there are only ${count}`);
}

/** Where a new device goes: before the one that has the index now. */
export function placeFor(kind: DeviceKind, target: Target, count: number): number {
  const index = indexIn(target);
  if (index === undefined)
    throw prerequisiteFailure('Only positive integer or -1 is accepted', ErrorCode.invalid);
  if (index === -1) return count;
  requireInRange(kind, index, count, count);
  return index;
}

/** The position of the device that is meant. */
export function positionOf(kind: DeviceKind, target: Target, devices: readonly Device[]): number {
  const index = indexIn(target);
  if (index === undefined) {
    const found = devices.findIndex((device) => device.uuid === target || device.name === target);
    if (found >= 0) return found;
    throw prerequisiteFailure(
      kind === 'disk' ? `Lookup of disk '${target}' failed` : `Cannot find ${kind} with identifier ${target}`,
      ErrorCode.unknown,
    );
  }
  const position = index === -1 ? devices.length - 1 : index;
  requireInRange(kind, position, devices.length, devices.length - 1);
  return position;
}

export function inserted<T>(list: readonly T[], index: number, item: T): T[] {
  return [...list.slice(0, index), item, ...list.slice(index)];
}

export function without<T>(list: readonly T[], index: number): T[] {
  return list.filter((_, position) => position !== index);
}

export function replaced<T>(list: readonly T[], index: number, item: T): T[] {
  return list.map((other, position) => (position === index ? item : other));
}

/** A name must not look like an index, nor be the name or uuid of another device. @throws Failure OpPrereqError */
export function requireGoodNames(kind: DeviceKind, devices: readonly Device[]): void {
  const taken = new Set<string>();
  for (const { uuid, name } of devices) {
    taken.add(uuid);
    if (name === null || name === undefined) continue;
    if (indexIn(name) !== undefined) {
      throw prerequisiteFailure(
        `Invalid name '${name}'. Purely numeric ${kind} names are not allowed`,
        ErrorCode.invalid,
      );
    }
    if (taken.has(name))
      throw prerequisiteFailure(`${kind} name '${name}' already used`, ErrorCode.notUnique);
    taken.add(name);
  }
}

/** Settings make no sense when something goes. @throws Failure OpPrereqError wrong_input */
export function requireNoSettings(kind: DeviceKind, action: string, options: object): void {
  if ((action === 'remove' || action === 'detach') && Object.keys(options).length > 0) {
    throw prerequisiteFailure(
      `No settings should be passed when removing or detaching a ${kind}`,
      ErrorCode.invalid,
    );
  }
}
