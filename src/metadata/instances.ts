/**
 * What the metadata daemon knows of instances, by the address under which they ask. It outlives the daemon in files that
 * only root reads, in the run folder, which goes with the node's memory; secret parameters are kept in memory alone.
 */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import { communicationAddress, type InstanceMetadata } from './client/control.ts';

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface Known extends InstanceMetadata {
  readonly osparams_secret: Readonly<Record<string, string>>;
}

function texts(value: unknown, what: string): Record<string, string> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isObject && Object.values(value).every((text) => typeof text === 'string'))
    return value as Record<string, string>;
  throw new Failure('ParameterError', [`Could not find ${what} OS parameters`]);
}

/** @throws Failure ParameterError for what doesn't describe an instance */
export function metadataIn(value: unknown): InstanceMetadata {
  if (typeof value !== 'object' || value === null)
    throw new Failure('ParameterError', ['Expecting a dictionary']);
  const { name, uuid, os, nics, osparams, osparams_private, osparams_secret } = value as Record<
    string,
    unknown
  >;
  if (typeof name !== 'string') throw new Failure('ParameterError', ['Could not find instance name']);
  if (typeof uuid !== 'string' || !uuidPattern.test(uuid))
    throw new Failure('ParameterError', ['Could not find instance uuid']);
  if (!Array.isArray(nics)) throw new Failure('ParameterError', ["Could not find OS parameters key 'nics'"]);
  return {
    ...{ name, uuid, os: typeof os === 'string' ? os : '' },
    nics: nics as InstanceMetadata['nics'],
    osparams: texts(osparams, 'public'),
    osparams_private: texts(osparams_private ?? {}, 'private'),
    ...(osparams_secret === undefined ? {} : { osparams_secret: texts(osparams_secret, 'secret') }),
  };
}

export class Instances {
  readonly #folder: string;
  readonly #log: Log;
  readonly #byUuid = new Map<string, Known>();
  readonly #byAddress = new Map<string, Known>();

  /** Takes up what an earlier daemon left in the folder. */
  constructor(folder: string, log: Log) {
    this.#folder = folder;
    this.#log = log;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
      try {
        this.#put(metadataIn(JSON.parse(readFileSync(join(folder, file), 'utf8'))));
      } catch (error) {
        log.warning(`${join(folder, file)} is left out: ${messageOf(error)}`);
      }
    }
  }

  #put(metadata: InstanceMetadata): boolean {
    const before = this.#byUuid.get(metadata.uuid);
    const address = communicationAddress(metadata.nics);
    this.#drop(metadata.uuid);
    if (address === undefined) return false;
    const known: Known = {
      ...metadata,
      osparams_secret: metadata.osparams_secret ?? before?.osparams_secret ?? {},
    };
    // Whoever had the address before has it no longer.
    const former = this.#byAddress.get(address);
    if (former !== undefined) this.#drop(former.uuid);
    this.#byUuid.set(metadata.uuid, known);
    this.#byAddress.set(address, known);
    return true;
  }

  #drop(uuid: string): void {
    const known = this.#byUuid.get(uuid);
    this.#byUuid.delete(uuid);
    for (const [address, of] of this.#byAddress) if (of === known) this.#byAddress.delete(address);
  }

  #file(uuid: string): string {
    if (!uuidPattern.test(uuid)) throw new Failure('ParameterError', ['this is no uuid']);
    return join(this.#folder, `${uuid}.json`);
  }

  at(address: string): Known | undefined {
    return this.#byAddress.get(address);
  }

  async update(metadata: InstanceMetadata): Promise<void> {
    const { osparams_secret: _secret, ...lasting } = metadata;
    if (!this.#put(metadata)) {
      this.#log.info(`No communication NIC for instance ${metadata.name}, skipping`);
      rmSync(this.#file(metadata.uuid), { force: true });
      return;
    }
    await writeFileAtomic(this.#file(metadata.uuid), JSON.stringify(lasting), {
      mode: 0o600,
      durable: false,
    });
    this.#log.info(`Updated instance ${metadata.name} configuration`);
  }

  forget(uuid: string): void {
    rmSync(this.#file(uuid), { force: true });
    this.#drop(uuid);
  }
}
