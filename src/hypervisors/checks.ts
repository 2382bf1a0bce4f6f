/**
 * Checks of single values that several hypervisors share, each giving the words of Ganeti's own
 * (hv_base.py), and CPU masks (utils.ParseCpuMask). Pure.
 */
import { posix } from 'node:path';
import type { ParameterValue } from '../model/objects/common.ts';
import type { ParameterDefinition } from '../model/params/family.ts';

type Check = (value: ParameterValue) => string | undefined;

const migrationModes = ['live', 'non-live'] as const;

export function isNormalAbsolutePath(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('/') && posix.normalize(value) === value;
}

export function isUrl(value: unknown): boolean {
  return typeof value === 'string' && /^(https?|ftps?):\/\/\S+$/i.test(value);
}

const pathFault = 'must be an absolute normalized path';
const absolutePath: Check = (value) => (isNormalAbsolutePath(value) ? undefined : pathFault);
const pathOrUrl: Check = (value) =>
  isNormalAbsolutePath(value) || isUrl(value) ? undefined : `${pathFault} or a URL`;

/** A file on the node, by absolute path. */
export const onNodeFile = { check: absolutePath, onNode: 'file' } as const;
export const onNodeDirectory = { check: absolutePath, onNode: 'directory' } as const;
export const onNodeFileOrUrl = { check: pathOrUrl, onNode: 'file-or-url' } as const;

export const nonNegative: Check = (value) =>
  typeof value === 'number' && value >= 0 ? undefined : 'cannot be negative';

const tcpPort: Check = (value) =>
  typeof value === 'number' && value > 0 && value < 65535 ? undefined : 'invalid port number';

export const migrationMode: Check = (value) =>
  (migrationModes as readonly unknown[]).includes(value) ? undefined : 'invalid migration mode';

/** A whole number from `low` to `high`, both allowed. */
export function between(low: number, high: number, fault: string): Check {
  return (value) => (typeof value === 'number' && value >= low && value <= high ? undefined : fault);
}

/** Ids from "0-2,5": each a number or a range; undefined where it can't be read. */
export function parseCpuMask(mask: string): number[] | undefined {
  const ids: number[] = [];
  if (mask === '') return ids;
  for (const part of mask.split(',')) {
    const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
    if (match === null) return undefined;
    const low = Number(match[1]);
    const high = Number(match[2] ?? match[1]);
    if (low > high || high > 65535) return undefined;
    for (let id = low; id <= high; id += 1) ids.push(id);
  }
  return ids;
}

/** Where one virtual processor may run: anywhere, or on these processors of the host. */
export type CpuPinning = 'all' | readonly number[];

/** "0-2:all:1,5": one entry for each virtual processor, or a single one for all of them. */
export function parseMultiCpuMask(mask: string): CpuPinning[] | undefined {
  if (mask === '') return [];
  const result: CpuPinning[] = [];
  for (const part of mask.split(':')) {
    if (part === 'all') {
      result.push('all');
      continue;
    }
    const ids = parseCpuMask(part);
    if (ids === undefined) return undefined;
    result.push([...new Set(ids)].sort((a, b) => a - b));
  }
  return result;
}

const multiCpuMask: Check = (value) =>
  parseMultiCpuMask(String(value)) === undefined
    ? 'Multiple CPU mask definition is not well-formed'
    : undefined;

export const singleCpuMask: Check = (value) => {
  const ids = parseCpuMask(String(value));
  return ids === undefined || ids.length === 0 ? 'CPU mask definition is not well-formed' : undefined;
};

/** Definitions that mean the same with every hypervisor that has them. */
export const rebootBehaviour = {
  type: 'string',
  default: 'reboot',
  required: true,
  choices: ['reboot', 'exit'],
  doc: 'What a reboot from inside does: start again, or count as shutdown.',
} as const satisfies ParameterDefinition;

export function migrationModeParameter(byDefault: 'live' | 'non-live') {
  return {
    type: 'string',
    default: byDefault,
    required: true,
    global: true,
    check: migrationMode,
    doc: 'Whether a running instance keeps running while it moves.',
  } as const satisfies ParameterDefinition;
}

export function migrationPort(byDefault: number) {
  return {
    type: 'int',
    default: byDefault,
    required: true,
    global: true,
    check: tcpPort,
    doc: 'TCP port on the receiving node.',
  } as const satisfies ParameterDefinition;
}

export const cpuMask = {
  type: 'string',
  default: 'all',
  check: multiCpuMask,
  doc: 'Host processors to run on: "all", "0-2,5", or one mask for each virtual processor joined by ":".',
} as const satisfies ParameterDefinition;
