/** `--net` and `--disk`: from "index:key=value,…" to what opcodes take. */
import { ErrorCode, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import type { IdentifiedValues, KeyValue, KeyValues } from '../optparse/key-values.ts';
import { pythonText } from '../output/python-text.ts';

export type Options = Record<string, string | number | null>;

const nicOptions = ['bridge', 'ip', 'link', 'mac', 'mode', 'name', 'network', 'vlan'];
const diskOptions = [
  'access',
  'adopt',
  'dev_type',
  'metavg',
  'mode',
  'name',
  'provider',
  'size',
  'spindles',
  'vg',
];

export function invalid(text: string): Failure {
  return prerequisiteFailure(text, ErrorCode.invalid);
}

function integerOf(text: string, what: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) {
    throw invalid(`${what}: invalid literal for int() with base 10: '${text}'`);
  }
  return Number(text);
}

/** @param what begins the sentence: "Invalid NIC index passed" */
export function indexOf(text: string, what: string): number {
  const index = integerOf(text, what);
  if (index < 0) throw invalid(`${what}: ${index} is negative`);
  return index;
}

/** MiB. @throws Failure UnitParseError */
function sizeOf(value: KeyValue | number): number {
  return parseUnit(pythonText(value));
}

function valuesOf(kind: string, index: number, values: IdentifiedValues[1]): KeyValues {
  if (values === null || values === false) {
    throw invalid(`Invalid ${kind}/${index} value: expected dict, got ${pythonText(values)}`);
  }
  return values;
}

/** Bare words ("name", "no_name") stand for true and false, which only some options can be. */
function nicOf(values: KeyValues): Options {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (!nicOptions.includes(name)) {
        throw new Failure('TypeEnforcementError', [`Unknown parameter '${name}'`]);
      }
      if (typeof value === 'string' || value === null) return [name, value];
      if (value === false) return [name, ''];
      throw new Failure('TypeEnforcementError', [
        `'${name}' (value ${pythonText(value)}) is not a valid string`,
      ]);
    }),
  );
}

/** One object a NIC, indices that were left out being empty ones. */
export function nicsOf(entries: readonly IdentifiedValues[]): Options[] {
  const nics: Options[] = [];
  const indices = entries.map(([index]) => indexOf(index, 'Invalid NIC index passed'));
  for (let i = 0; i <= Math.max(...indices); i += 1) nics.push({});
  entries.forEach(([, values], position) => {
    const index = indices[position]!;
    nics[index] = nicOf(valuesOf('nic', index, values));
  });
  return nics;
}

/** A disk's options with its numbers as numbers; `adopting` is refused when importing. */
function diskOf(index: number, values: KeyValues, isImport: boolean): Options {
  const disk = { ...values } as Options;
  if (values.size !== undefined) {
    if (values.adopt !== undefined) {
      throw invalid(`Only one of 'size' and 'adopt' allowed (disk ${index})`);
    }
    disk.size = sizeOf(values.size);
  } else if (values.adopt !== undefined) {
    if (values.spindles !== undefined) {
      throw invalid('spindles is not a valid option when adopting a disk');
    }
    if (isImport) throw invalid('Disk adoption not allowed for instance import');
    disk.size = 0;
  } else {
    throw invalid(`Missing size or adoption source for disk ${index}`);
  }
  return withSpindles(disk, index);
}

function withSpindles(disk: Options, index: number | string): Options {
  if (disk.spindles === undefined) return disk;
  return { ...disk, spindles: integerOf(pythonText(disk.spindles), `Invalid spindles for disk ${index}`) };
}

/** One object a disk. @throws Failure OpPrereqError or UnitParseError */
export function disksOf(entries: readonly IdentifiedValues[], isImport: boolean): Options[] {
  const disks: Options[] = [];
  const indices = entries.map(([index]) => indexOf(index, 'Invalid disk index passed'));
  for (let i = 0; i <= Math.max(...indices); i += 1) disks.push({});
  entries.forEach(([, values], position) => {
    const index = indices[position]!;
    disks[index] = diskOf(index, valuesOf('disk', index, values), isImport);
  });
  return disks;
}

/** Pairs of an index and the options that change when a disk is made again. */
export function recreatedDisksOf(entries: readonly IdentifiedValues[]): [number, Options][] {
  return entries.map(([text, values]) => {
    const index = indexOf(text, 'Invalid disk index passed');
    const disk = { ...valuesOf('disk', index, values) } as Options;
    if (disk.size !== undefined) disk.size = sizeOf(disk.size);
    return [index, withSpindles(disk, index)];
  });
}

type Action = 'add' | 'attach' | 'detach' | 'modify' | 'remove';
export type DeviceChange = [Action, number | string, Options];

const simpleActions = ['add', 'attach', 'remove', 'detach'];
const actions: readonly Action[] = ['add', 'attach', 'remove', 'detach', 'modify'];

/** What to do with which device; "add:…" and its kin speak of the last one (gnt-instance modify). */
export function deviceChangesOf(entries: readonly IdentifiedValues[]): DeviceChange[] {
  return entries.map(([identifier, values]) => {
    const rest = { ...(values ?? {}) } as KeyValues;
    let action: Action = 'modify';
    let target: string | number = /^-?\d+$/.test(identifier) ? Number(identifier) : identifier;
    if (simpleActions.includes(identifier)) {
      action = identifier as Action;
      target = -1;
    } else {
      const named = actions.filter((candidate) => rest[candidate] !== undefined);
      if (named.length > 1) {
        throw invalid(
          `Cannot do more than one of the following operations at the same time: ${actions.join(', ')}`,
        );
      }
      action = named[0] ?? 'modify';
      delete rest[action];
    }
    if ((action === 'remove' || action === 'detach') && Object.keys(rest).length > 0) {
      throw invalid('Not accepting parameters on removal/detach');
    }
    return [action, target, rest as Options];
  });
}

/** The same for disks, whose sizes are read and whose addition needs one. */
export function diskChangesOf(entries: readonly IdentifiedValues[]): DeviceChange[] {
  return deviceChangesOf(entries).map(([action, target, options]) => {
    const disk = withSpindles(options, target);
    if (disk.size !== undefined) return [action, target, { ...disk, size: sizeOf(disk.size) }];
    if (action === 'add') throw invalid("Missing required parameter 'size'");
    return [action, target, disk];
  });
}

/** Provider and its parameters when disks become external ones. */
export function checkedProviderParameters(values: KeyValues): KeyValues {
  const names = Object.keys(values);
  if (names.length === 0) return values;
  if (values.provider === undefined) {
    throw invalid("Missing required parameter 'provider' when converting to an ExtStorage disk template");
  }
  const taken = names.find((name) => name !== 'provider' && diskOptions.includes(name));
  if (taken !== undefined) {
    throw invalid(
      `Invalid parameter '${taken}' when converting to an ExtStorage template` +
        ' (it is not allowed modifying existing disk parameters)',
    );
  }
  return values;
}
