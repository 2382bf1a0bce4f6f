/**
 * Values that a job has chosen and not yet written into the configuration (TempRes.hs). They live in
 * memory only: jobs that a crash ends are unwound, and begin again with new ones.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { Failure } from '../kit/failure.ts';
import type { Configuration } from '../model/configuration.ts';
import type { Disk } from '../model/objects/disk.ts';
import type { Network } from '../model/objects/network.ts';
import { addressAt, addressIndex, isTaken, rangeSize } from './address-bits.ts';
import type { ClaimIndex } from './claim-index.ts';
import { type ClaimKind, claim, diskClaims } from './claims.ts';
import type { Reservations } from './contract.ts';
import { firstPort, lastPort, portIsUsed } from './pools.ts';

/** What reservations look at: everything accepted, durable or about to be. */
export interface Taken {
  readonly configuration: Configuration;
  readonly index: ClaimIndex;
}

/** Tries before giving up on a random value (TempRes.hs). */
const tries = 64;
const secretBytes = 20;

export class JobReservations implements Reservations {
  readonly #taken: () => Taken;
  readonly #random: (bytes: number) => Buffer;
  readonly #owners = new Map<string, string>();
  readonly #byJob = new Map<string, Set<string>>();

  constructor(taken: () => Taken, random: (bytes: number) => Buffer = randomBytes) {
    this.#taken = taken;
    this.#random = random;
  }

  generateMac(job: string, prefix?: string): string {
    const first = prefix ?? this.#taken().configuration.cluster.mac_prefix;
    return this.#generate(job, 'mac', () => {
      const bytes = [...this.#random(3)].map((byte) => byte.toString(16).padStart(2, '0'));
      return `${first}:${bytes.join(':')}`;
    });
  }

  reserveMac(job: string, mac: string): void {
    const value = mac.toLowerCase();
    if (this.#taken().index.has(claim('mac', value)))
      throw new Failure('ReservationError', ['MAC already in use']);
    this.#reserve(job, 'mac', value);
  }

  allocatePort(job: string): number {
    const { configuration, index } = this.#taken();
    const { tcpudp_port_pool: pool, highest_used_port: highest } = configuration.cluster;
    const isFree = (port: number) => !this.#owners.has(claim('port', port)) && !portIsUsed(index, port);
    let port = pool.find(isFree);
    if (port === undefined) {
      port = Math.max(highest + 1, firstPort);
      while (port <= lastPort && !isFree(port)) port += 1;
    }
    if (port > lastPort) {
      throw new Failure('ConfigurationError', [
        `The highest used port is greater than ${lastPort}. Aborting.`,
      ]);
    }
    this.#reserve(job, 'port', port);
    return port;
  }

  allocateMinors(job: string, nodes: readonly string[]): number[] {
    const { index } = this.#taken();
    return nodes.map((node) => {
      let minor = 0;
      for (; ; minor += 1) {
        const key = claim('minor', `${node}:${minor}`);
        if (!index.has(key) && !this.#owners.has(key)) break;
      }
      this.#reserve(job, 'minor', `${node}:${minor}`);
      return minor;
    });
  }

  generateDrbdSecret(job: string): string {
    return this.#generate(job, 'secret', () => this.#random(secretBytes).toString('hex'));
  }

  reserveVolume(job: string, volume: string): void {
    if (this.#taken().index.has(claim('volume', volume))) {
      throw new Failure('ReservationError', [`Logical volume ${volume} already in use`]);
    }
    this.#reserve(job, 'volume', volume);
  }

  reserveIp(job: string, network: string, address: string, allowExternal = false): void {
    const found = this.#network(network);
    const place = addressIndex(found, address);
    if (place === undefined) {
      throw new Failure('ReservationError', [`Address '${address}' not in the network '${found.name}'`]);
    }
    if (isTaken(found.reservations, place))
      throw new Failure('ReservationError', ['IP address already in use']);
    if (!allowExternal && isTaken(found.ext_reservations, place)) {
      throw new Failure('ReservationError', ['IP is externally reserved']);
    }
    this.#reserve(job, 'network-ip', `${found.uuid}/${address}`);
  }

  generateIp(job: string, network: string): string {
    const found = this.#network(network);
    for (let place = 0; place < rangeSize(found); place += 1) {
      if (isTaken(found.reservations, place) || isTaken(found.ext_reservations, place)) continue;
      const value = `${found.uuid}/${addressAt(found, place)}`;
      if (this.#owners.has(claim('network-ip', value))) continue;
      this.#reserve(job, 'network-ip', value);
      return addressAt(found, place);
    }
    throw new Failure('ReservationError', ['Cannot generate IP. Network is full']);
  }

  generateUuid(_job: string): string {
    return randomUUID();
  }

  hold(owner: string, disk: Disk): void {
    const { index } = this.#taken();
    for (const key of diskClaims(disk)) {
      if (index.has(key)) continue;
      this.#owners.set(key, owner);
      this.#byJob.set(owner, (this.#byJob.get(owner) ?? new Set()).add(key));
    }
  }

  othersOf(owner: string, disk: Disk): readonly string[] {
    return diskClaims(disk).filter((key) => (this.#owners.get(key) ?? owner) !== owner);
  }

  release(job: string): void {
    // What somebody holds since is no longer the job's.
    for (const key of this.#byJob.get(job) ?? []) if (this.#owners.get(key) === job) this.#owners.delete(key);
    this.#byJob.delete(job);
  }

  #network(wanted: string): Network {
    const { networks } = this.#taken().configuration;
    const network = networks.get(wanted) ?? networks.byName(wanted);
    if (network === undefined) throw new Failure('ReservationError', [`Network '${wanted}' not found`]);
    return network;
  }

  #generate(job: string, kind: ClaimKind, make: () => string): string {
    for (let number = 0; number < tries; number += 1) {
      const value = make();
      const key = claim(kind, value);
      if (this.#taken().index.has(key) || this.#owners.has(key)) continue;
      this.#reserve(job, kind, value);
      return value;
    }
    throw new Failure('ReservationError', ['Not able generate new resource']);
  }

  #reserve(job: string, kind: ClaimKind, value: string | number): void {
    const key = claim(kind, value);
    if (this.#owners.has(key)) {
      throw new Failure('ReservationError', [`Duplicate reservation for resource '${value}'`]);
    }
    this.#owners.set(key, job);
    const keys = this.#byJob.get(job);
    if (keys === undefined) this.#byJob.set(job, new Set([key]));
    else keys.add(key);
  }
}
