/**
 * The IPv4 addresses of a network: which are taken by instances and which are reserved by hand. The two
 * maps are strings of config.data, one character an address, '1' where it is taken (lib/network.py).
 * Pure: every change gives new maps.
 */
import { Failure } from '../kit/failure.ts';

/** Networks that are too big would make the maps too long, smaller ones have no room for a host. */
const biggestPrefix = 16;
const smallestPrefix = 30;

export interface Subnet {
  /** Of the first address. */
  readonly base: number;
  readonly prefix: number;
  /** Number of addresses, with those of network and broadcast. */
  readonly size: number;
}

/** What a pool keeps in its network's object; missing maps are all free. */
export interface PoolState {
  /** null: a network of IPv6 alone, which has no address to give. */
  readonly network: string | null;
  readonly reservations?: string | null | undefined;
  readonly ext_reservations?: string | null | undefined;
}

export interface PoolMaps {
  readonly reservations: string;
  readonly ext_reservations: string;
}

/** Who takes an address: an instance, or somebody outside the cluster. */
export type Reserver = 'instance' | 'external';

function fail(message: string): Failure {
  return new Failure('AddressPoolError', [message]);
}

/** The 32 bits of a dotted address, or undefined. */
export function addressNumber(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) {
    return undefined;
  }
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}

/**
 * A network as "10.0.0.0/24".
 * @throws Failure AddressPoolError when it isn't one, has host bits, or is too big or small for a pool
 */
export function parseSubnet(network: string): Subnet {
  const [address = '', length] = network.split('/');
  const base = addressNumber(address);
  const prefix = length === undefined ? 32 : Number(length);
  if (base === undefined || !/^\d{1,2}$/.test(length ?? '32') || prefix > 32) {
    throw fail(`'${network}' does not appear to be an IPv4 or IPv6 network`);
  }
  const size = 2 ** (32 - prefix);
  if (base % size !== 0) throw fail(`${network} has host bits set`);
  if (prefix < biggestPrefix) {
    throw fail(
      `A big network with ${size} host(s) is currently not supported. please specify at most a /${biggestPrefix} network`,
    );
  }
  if (prefix > smallestPrefix) {
    throw fail(
      `A network with only ${size} host(s) is too small, please specify at least a /${smallestPrefix} network`,
    );
  }
  return { base, prefix, size };
}

const noSubnet: Subnet = { base: 0, prefix: 32, size: 0 };

export class AddressPool {
  readonly subnet: Subnet;
  readonly maps: PoolMaps;
  readonly #network: string | null;

  /** @throws Failure AddressPoolError when network or maps are wrong */
  constructor(state: PoolState) {
    this.#network = state.network;
    this.subnet = state.network === null ? noSubnet : parseSubnet(state.network);
    const free = '0'.repeat(this.subnet.size);
    this.maps = {
      reservations: state.reservations || free,
      ext_reservations: state.ext_reservations || free,
    };
    for (const map of Object.values(this.maps)) {
      if (map.length !== this.subnet.size || /[^01]/.test(map)) {
        throw fail(`The address map of ${state.network} doesn't fit the network`);
      }
    }
  }

  /** A new network's pool: its own address, broadcast and gateway belong to nobody. */
  static initialise(network: string | null, gateway?: string | null): AddressPool {
    const empty = new AddressPool({ network });
    if (network === null) return empty;
    const { base, size } = empty.subnet;
    const own = [addressText(base), addressText(base + size - 1)];
    return (gateway ? [...own, gateway] : own).reduce((pool, ip) => pool.reserve(ip, 'external'), empty);
  }

  contains(address: string): boolean {
    const number = addressNumber(address);
    return number !== undefined && number >= this.subnet.base && number < this.subnet.base + this.subnet.size;
  }

  #indexOf(address: string): number {
    if (!this.contains(address))
      throw fail(`${this.#network ?? 'A network of IPv6 alone'} does not contain ${address}`);
    return addressNumber(address)! - this.subnet.base;
  }

  #isFree(index: number): boolean {
    return this.maps.reservations[index] === '0' && this.maps.ext_reservations[index] === '0';
  }

  /** @throws Failure AddressPoolError for an address outside */
  isReserved(address: string, by: Reserver): boolean {
    const map = by === 'instance' ? this.maps.reservations : this.maps.ext_reservations;
    return map[this.#indexOf(address)] === '1';
  }

  #marked(address: string, by: Reserver, taken: boolean): AddressPool {
    const index = this.#indexOf(address);
    const name = by === 'instance' ? 'reservations' : 'ext_reservations';
    const map = this.maps[name];
    const changed = `${map.slice(0, index)}${taken ? '1' : '0'}${map.slice(index + 1)}`;
    return new AddressPool({ network: this.#network, ...this.maps, [name]: changed });
  }

  /** @throws Failure AddressPoolError when it is outside or taken already in that map */
  reserve(address: string, by: Reserver): AddressPool {
    if (this.isReserved(address, by)) {
      throw fail(
        by === 'external'
          ? `IP ${address} is already externally reserved`
          : `IP ${address} is already used by an instance`,
      );
    }
    return this.#marked(address, by, true);
  }

  /** @throws Failure AddressPoolError when it is outside or not taken in that map */
  release(address: string, by: Reserver): AddressPool {
    if (!this.isReserved(address, by)) {
      throw fail(
        by === 'external'
          ? `IP ${address} is not externally reserved`
          : `IP ${address} is not used by an instance`,
      );
    }
    return this.#marked(address, by, false);
  }

  /**
   * The first address that is in neither map, nor among `held` (reserved by running jobs).
   * @throws Failure AddressPoolError when there is none
   */
  firstFree(held: ReadonlySet<string> = new Set()): string {
    for (let index = 0; index < this.subnet.size; index += 1) {
      const address = addressText(this.subnet.base + index);
      if (this.#isFree(index) && !held.has(address)) return address;
    }
    if (this.#network === null) throw fail('A network of IPv6 alone has no IPv4 address to give');
    throw fail(`${this.#network} is full`);
  }

  get freeCount(): number {
    let count = 0;
    for (let index = 0; index < this.subnet.size; index += 1) if (this.#isFree(index)) count += 1;
    return count;
  }

  get reservedCount(): number {
    return this.subnet.size - this.freeCount;
  }

  /** One character an address: X taken, . free. */
  get map(): string {
    return Array.from({ length: this.subnet.size }, (_, index) => (this.#isFree(index) ? '.' : 'X')).join('');
  }

  /** Addresses reserved by hand, in order. */
  get externalReservations(): string[] {
    return Array.from(this.maps.ext_reservations).flatMap((taken, index) =>
      taken === '1' ? [addressText(this.subnet.base + index)] : [],
    );
  }
}
