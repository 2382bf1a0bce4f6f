/**
 * The types of what opcodes speak of: disks, NICs, states, policies. Descriptions are Ganeti's own words,
 * down to the parentheses, because clients show them.
 */
import { diskTemplates, finalJobStates, hypervisorNames, nicModes, storageTypes } from '../model/names.ts';
import { isIpv4Network, isIpv6Network, parseIpv4, parseIpv6 } from './addresses.ts';
import * as t from './types.ts';
import { optionalChecks, verifyCodes } from './verify-codes.ts';

/** Parameters by name whose family is checked later, by the operation that knows it. */
export const parameters = t.dictionaryOf(t.anything as t.ParameterType<string>, t.anything);
/** The same for private and secret OS parameters. */
export const secretParameters = t.dictionaryOf(t.anything as t.ParameterType<string>, t.secret(t.anything));
export const parametersByName = t.dictionaryOf(t.string, parameters);
export const secretParametersByName = t.dictionaryOf(t.string, secretParameters);

export const diskTemplate = t.oneOf(...diskTemplates);
export const diskParameters = t.dictionaryOf(diskTemplate, parameters);
export const hypervisor = t.oneOf(...hypervisorNames);
export const fileDriver = t.oneOf('blktap', 'blktap2', 'loop');
export const storageType = t.described(t.oneOf(...storageTypes), 'TStorageType');
export const maybeStorageType = t.described(t.maybe(storageType), 'None or (TStorageType)');
export const diskIndex = t.restricted(t.nonNegative, 'Less than 16', (index) => index < 16);
export const names = t.listOf(t.nonEmptyString);
export const maybeName = t.maybe(t.nonEmptyString);
export const maybeNames = t.maybe(names);

/** Options of one disk as commands give them: size, mode, vg, metavg, name, adopt, access… */
export const disk = t.dictionaryOf(t.nonEmptyString, t.either(t.nonEmptyString, t.integer));
/** Options of one NIC as commands give them. */
export const nic = t.dictionaryOf(
  t.oneOf('bridge', 'ip', 'link', 'mac', 'mode', 'name', 'network', 'vlan'),
  t.maybe(t.string),
);

const simpleChange = t.oneOf('add', 'attach', 'detach', 'remove');
const change = t.oneOf('add', 'attach', 'detach', 'modify', 'remove');

/**
 * Changes of an instance's disks or NICs: [what, index, options] each, the index a number (-1: the last), a
 * name or a uuid. The older form of two items (what or index, options) is taken as well.
 */
export function changesOf<T>(options: t.ParameterType<T>) {
  return t.either(
    t.listOf(t.itemsOf(change, t.either(t.integer, t.string), options)),
    t.listOf(t.itemsOf(t.either(simpleChange, t.nonNegative), options)),
  );
}

/** One change in the newer form. */
export interface DeviceChange<T> {
  readonly action: 'add' | 'attach' | 'detach' | 'modify' | 'remove';
  readonly target: number | string;
  readonly options: T;
}

/** Both forms of `changesOf` as one; the older form speaks of the last device, or modifies by index. */
export function deviceChanges<T>(
  changes: readonly (
    | readonly [DeviceChange<T>['action'], number | string, T]
    | readonly [string | number, T]
  )[],
): DeviceChange<T>[] {
  return changes.map((item) => {
    if (item.length === 3) return { action: item[0], target: item[1], options: item[2] };
    const [word, options] = item;
    return typeof word === 'number'
      ? { action: 'modify', target: word, options }
      : { action: word as DeviceChange<T>['action'], target: -1, options };
  });
}

/** Which disks to make again: indices, or pairs of an index and options that change. */
export const disksToRecreate = t.either(t.listOf(t.nonNegative), t.listOf(t.itemsOf(t.nonNegative, disk)));

/** Additions to and removals from a list that the cluster keeps. */
export const listChanges = t.listOf(t.tupleOf(simpleChange, t.nonEmptyString));

/** First and last uid of each range. */
export const uidRanges = t.listOf(t.tupleOf(t.integer, t.integer));

const text = (description: string, holds: (value: string) => boolean) =>
  t.restricted(t.string, description, holds);
export const ipv4Address = text('IPv4 address', (value) => parseIpv4(value) !== undefined);
export const ipv6Address = text('IPv6 address', (value) => parseIpv6(value) !== undefined);
/** The value, or the word that takes it away (constants.VALUE_NONE). */
export const orNone = (value: t.ParameterType<string>): t.ParameterType<string> =>
  t.either(t.oneOf('none'), value);
export const ipv4Network = text('IPv4 network', isIpv4Network);
export const ipv6Network = text('IPv6 network', isIpv6Network);

export const allocationPolicy = t.oneOf('last_resort', 'preferred', 'unallocable');
export const nicMode = t.oneOf(...nicModes);
export const migrationMode = t.oneOf('live', 'non-live');
export const rebootType = t.oneOf('full', 'hard', 'soft');
export const createMode = t.oneOf('create', 'import', 'remote-import');
export const replaceMode = t.oneOf(
  'replace_auto',
  'replace_new_secondary',
  'replace_on_primary',
  'replace_on_secondary',
);
export const evacuationMode = t.oneOf('all', 'primary-only', 'secondary-only');
export const exportMode = t.oneOf('local', 'remote');
export const exportTarget = t.either(t.nonEmptyString, t.list);
export const stateSource = t.oneOf('admin', 'user');
export const sshKeyType = t.oneOf('dsa', 'ecdsa', 'rsa');
export const powerCommand = t.oneOf('health', 'power-cycle', 'power-off', 'power-on', 'power-status');
export const tagKind = t.oneOf('cluster', 'instance', 'network', 'node', 'nodegroup');
export const allocatorMode = t.oneOf(
  'allocate',
  'allocate-secondary',
  'change-group',
  'multi-allocate',
  'node-evacuate',
  'relocate',
);
export const ignoredCodes = t.setOf(t.oneOf(...verifyCodes));
export const skippedChecks = t.setOf(t.oneOf(...optionalChecks));

/** What can be queried (constants.QR_VIA_OP and QR_VIA_LUXI). */
export const queryResources = [
  'cluster',
  'export',
  'extstorage',
  'filter',
  'group',
  'instance',
  'job',
  'lock',
  'network',
  'node',
  'os',
] as const;
export const queryResource = t.oneOf(...queryResources);

const jobId = t.described(
  t.either(
    t.nonNegative,
    t.restricted(t.string, 'JobId', (value) => /^\d+$/.test(value)),
  ),
  'JobId',
);
/** Counted back from the job itself among those submitted together: -1 is the one before. */
const relativeJobId = t.described(
  t.restricted(t.integer, 'LessThanZero', (value) => value < 0),
  'RelativeJobId',
);
const dependency = t.itemsOf(t.either(jobId, relativeJobId), t.listOf(t.oneOf(...finalJobStates)));
export const dependencies = t.listOf(
  t.described(dependency, `((List of Anything) or Tuple) and ${dependency.description}`),
);
