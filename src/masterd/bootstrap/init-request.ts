/** What `gnt-cluster init` asks for, checked before anything is made; the words are Ganeti's. */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { defaultHypervisor, hypervisorAbout, hypervisorNames } from '../../hypervisors/catalog.ts';
import { ErrorCode, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import { runProcess } from '../../kit/process.ts';
import { backendParameters, splitMemory } from '../../model/params/backend.ts';
import {
  defaultsOf,
  enforceTypes,
  fillParameters,
  findFault,
  type ParameterValues,
} from '../../model/params/family.ts';
import { nicParameters } from '../../model/params/nic.ts';
import { nodeParameters } from '../../model/params/node.ts';
import { storageAbout, storageTemplates } from '../../storage/catalog.ts';

export type InitInput = Readonly<Record<string, unknown>>;

/** MiB that a volume group must have (constants.MIN_VG_SIZE). */
const leastVolumeGroup = 20480;
/** Templates of a cluster that doesn't say (constants.DEFAULT_ENABLED_DISK_TEMPLATES). */
const defaultTemplates = ['drbd', 'plain'];
export const defaultVolumeGroup = 'xenvg';

export function textOf(input: InitInput, key: string): string | null {
  const value = input[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

export function flagOf(input: InitInput, key: string, otherwise: boolean): boolean {
  const value = input[key];
  return typeof value === 'boolean' ? value : otherwise;
}

export function listOf(input: InitInput, key: string): string[] | null {
  const value = input[key];
  if (Array.isArray(value)) return value.map(String);
  if (typeof value === 'string' && value !== '') return value.split(',');
  return null;
}

const pythonSet = (names: readonly string[]) => `{${names.map((name) => `'${name}'`).join(', ')}}`;

export function hypervisorsOf(input: InitInput): string[] {
  const enabled = listOf(input, 'enabled_hypervisors') ?? [defaultHypervisor];
  const unknown = enabled.filter((name) => !hypervisorNames.includes(name));
  if (unknown.length > 0) {
    throw prerequisiteFailure(
      `Enabled hypervisors contains invalid entries: ${pythonSet(unknown)}`,
      ErrorCode.invalid,
    );
  }
  return enabled;
}

export function templatesOf(input: InitInput): string[] {
  const enabled = listOf(input, 'enabled_disk_templates') ?? defaultTemplates;
  const known = storageTemplates.map((about) => about.name);
  const unknown = enabled.filter((name) => !known.includes(name));
  if (enabled.length === 0)
    throw prerequisiteFailure(
      'Enabled disk templates list must contain at least one member',
      ErrorCode.invalid,
    );
  if (unknown.length > 0) {
    throw prerequisiteFailure(
      `Enabled disk templates list contains invalid entries: ${pythonSet(unknown)}`,
      ErrorCode.invalid,
    );
  }
  return enabled;
}

/** The volume group, looked for on this machine; null when no template needs one. */
export async function volumeGroupOf(input: InitInput, templates: readonly string[]): Promise<string | null> {
  const needed = templates.some((template) => storageAbout(template).volumeGroup);
  const asked = textOf(input, 'vg_name');
  if (!needed) return asked;
  const name = asked ?? defaultVolumeGroup;
  let size: number | undefined;
  try {
    const found = await runProcess(
      ['vgs', '--noheadings', '--nosuffix', '--units=m', '-ovg_size', '--', name],
      { timeoutMs: 30_000 },
    );
    if (found.code === 0) size = Math.floor(Number(found.stdout.trim()));
  } catch (error) {
    throw prerequisiteFailure(
      `Error: can't look for volume groups: ${(error as Error).message} (is the package lvm2 installed?)`,
      ErrorCode.environment,
    );
  }
  if (size === undefined)
    throw prerequisiteFailure(`Error: volume group '${name}' missing`, ErrorCode.invalid);
  if (size < leastVolumeGroup) {
    throw prerequisiteFailure(
      `Error: volume group '${name}' too small (${leastVolumeGroup} MiB required, ${size} MiB found)`,
      ErrorCode.invalid,
    );
  }
  return name;
}

/** The cluster's hypervisor parameters: every hypervisor's defaults with what was given over them. */
export function hypervisorParametersOf(input: InitInput): Record<string, ParameterValues> {
  const given = (input.hvparams ?? {}) as Readonly<Record<string, ParameterValues>>;
  const result: Record<string, ParameterValues> = {};
  for (const name of hypervisorNames) {
    const { params, crossCheck } = hypervisorAbout(name);
    const own = enforceTypes(params, given[name] ?? {});
    const filled = fillParameters(defaultsOf(params), own);
    const fault = findFault(params, filled) ?? crossCheck?.(filled);
    if (fault !== undefined && name in given) throw new Failure('HypervisorError', [fault]);
    result[name] = filled;
  }
  for (const name of Object.keys(given)) {
    if (!hypervisorNames.includes(name))
      throw prerequisiteFailure(`Invalid hypervisor '${name}'`, ErrorCode.invalid);
  }
  return result;
}

export interface Inherited {
  readonly beparams: ParameterValues;
  readonly nicparams: ParameterValues;
  readonly ndparams: ParameterValues;
}

export function inheritedOf(input: InitInput): Inherited {
  const values = (key: string) => (input[key] ?? {}) as ParameterValues;
  return {
    beparams: fillParameters(
      defaultsOf(backendParameters),
      enforceTypes(backendParameters, splitMemory(values('beparams'))),
    ),
    nicparams: fillParameters(defaultsOf(nicParameters), enforceTypes(nicParameters, values('nicparams'))),
    ndparams: fillParameters(defaultsOf(nodeParameters), enforceTypes(nodeParameters, values('ndparams'))),
  };
}

/** The address of the replication network, which must be this machine's. */
export function secondaryAddressOf(input: InitInput, primary: string): string {
  const asked = textOf(input, 'secondary_ip') ?? primary;
  if (isIP(asked) !== 4)
    throw prerequisiteFailure(
      `Secondary IP address (${asked}) has to be a valid IPv4 address.`,
      ErrorCode.invalid,
    );
  const own = Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((entry) => entry.address),
  );
  if (asked !== primary && !own.includes(asked) && !asked.startsWith('127.')) {
    throw prerequisiteFailure(
      `You gave ${asked} as secondary IP, but it does not belong to this host.`,
      ErrorCode.environment,
    );
  }
  return asked;
}
