/**
 * The configuration laid out for questions: objects by uuid and name, instances by link and address, disks by node.
 * Private OS parameters and the secrets of mirrors are taken out before anything can be answered with them, since
 * datagrams go over the network as they are. Pure.
 */
import { Failure } from '../kit/failure.ts';
import { storageTemplates } from '../storage/catalog.ts';
import type { Raw, RawConfiguration, RawDisk, RawInstance, RawNode } from './raw.ts';

/** What stands in the place of a secret. */
export const redacted = '<redacted>';
const mirrors = new Set(
  storageTemplates.filter(({ mirrored }) => mirrored === 'internal').map(({ name }) => name),
);

/** A mirror's device: nodes A and B, port, minors on A and B, secret (objects.Disk.logical_id). */
export interface Mirror {
  readonly nodes: readonly [string, string];
  readonly minors: readonly [number, number];
}

export interface View {
  readonly configuration: RawConfiguration;
  readonly nodes: Named<RawNode>;
  readonly instances: Named<RawInstance>;
  /** Link to instance address to instance. */
  readonly addresses: ReadonlyMap<string, ReadonlyMap<string, RawInstance>>;
  readonly defaultLink: string;
}

/** Objects of a table in the order of their uuids, found as users name them. */
export class Named<T extends { readonly uuid: string; readonly name?: string }> {
  readonly #kind: string;
  readonly #byUuid: ReadonlyMap<string, T>;
  readonly #byName: ReadonlyMap<string, T>;

  constructor(kind: string, objects: Readonly<Record<string, T>>) {
    const sorted = Object.entries(objects).sort(([a], [b]) => (a < b ? -1 : 1));
    this.#kind = kind;
    this.#byUuid = new Map(sorted);
    this.#byName = new Map(sorted.flatMap(([, object]) => (object.name ? [[object.name, object]] : [])));
  }

  values(): IterableIterator<T> {
    return this.#byUuid.values();
  }

  byUuid(uuid: string): T | undefined {
    return this.#byUuid.get(uuid);
  }

  /**
   * By uuid, name, or the beginning of exactly one name up to a dot.
   * @throws Failure OpPrereqError in the words of Ganeti's daemon
   */
  find(wanted: string): T {
    const direct = this.#byUuid.get(wanted) ?? this.#byName.get(wanted);
    if (direct !== undefined) return direct;
    const begins = [...this.#byName].filter(([name]) => wanted !== '' && name.startsWith(`${wanted}.`));
    if (begins.length === 1) return begins[0]![1];
    const fault = begins.length === 0 ? 'not found' : 'has multiple matches';
    throw new Failure('OpPrereqError', [`${this.#kind} name ${wanted} ${fault}`]);
  }
}

function withoutValues(parameters: unknown): unknown {
  if (typeof parameters !== 'object' || parameters === null) return parameters;
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'object' ? withoutValues(value) : redacted,
    ]),
  );
}

function diskWithoutSecret(disk: RawDisk): RawDisk {
  const { logical_id: id, children } = disk;
  return {
    ...disk,
    ...(mirrors.has(disk.dev_type) && Array.isArray(id) && id.length > 5
      ? { logical_id: [...(id as unknown[]).slice(0, 5), redacted] }
      : {}),
    ...(children === undefined ? {} : { children: children.map(diskWithoutSecret) }),
  };
}

function mapped<T>(objects: Readonly<Record<string, T>>, change: (object: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(objects).map(([uuid, object]) => [uuid, change(object)]));
}

function withoutSecrets(configuration: RawConfiguration): RawConfiguration {
  const { cluster, instances, disks } = configuration;
  return {
    ...configuration,
    cluster: { ...cluster, osparams_private_cluster: withoutValues(cluster.osparams_private_cluster ?? {}) },
    instances: mapped(instances, (instance) => ({
      ...instance,
      osparams_private: withoutValues(instance.osparams_private ?? {}),
    })),
    disks: mapped(disks, diskWithoutSecret),
  };
}

function addressMap(instances: Iterable<RawInstance>, defaultLink: string): View['addresses'] {
  const links = new Map<string, Map<string, RawInstance>>();
  for (const instance of instances) {
    for (const { ip, nicparams } of instance.nics ?? []) {
      if (!ip) continue;
      const link = nicparams?.link ?? defaultLink;
      const known = links.get(link) ?? new Map<string, RawInstance>();
      known.set(ip, instance);
      links.set(link, known);
    }
  }
  return links;
}

function isTable(value: unknown): value is Readonly<Record<string, Raw>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws Failure ConfigurationError for a value that isn't a configuration of version 2.16 or later */
export function viewOf(raw: unknown): View {
  const whole =
    isTable(raw) &&
    isTable(raw.cluster) &&
    [raw.nodes, raw.instances, raw.disks].every((table) => isTable(table));
  if (!whole) throw new Failure('ConfigurationError', ['config.data has not all of its tables']);
  const configuration = withoutSecrets(raw as unknown as RawConfiguration);
  const defaultLink = configuration.cluster.nicparams?.default?.link ?? '';
  const instances = new Named('Instance', configuration.instances);
  return {
    configuration,
    nodes: new Named('Node', configuration.nodes),
    instances,
    addresses: addressMap(instances.values(), defaultLink),
    defaultLink,
  };
}

/** The mirrors of a disk and of those below it. */
export function mirrorsOf(disk: RawDisk): Mirror[] {
  const below = (disk.children ?? []).flatMap(mirrorsOf);
  if (!mirrors.has(disk.dev_type) || !Array.isArray(disk.logical_id)) return below;
  const [a, b, , minorA, minorB] = disk.logical_id as unknown[];
  return [{ nodes: [String(a), String(b)], minors: [Number(minorA), Number(minorB)] }, ...below];
}

/** In the order in which the guest sees them; a uuid without a disk is left out. */
export function disksOf({ configuration }: View, instance: RawInstance): RawDisk[] {
  return (instance.disks ?? []).flatMap((uuid) => configuration.disks[uuid] ?? []);
}
