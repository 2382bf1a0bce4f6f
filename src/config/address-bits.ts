/**
 * The reservations of a network: one character an address of its range, '1' where it is taken
 * (objects.Network.reservations). IPv4 only, as in Ganeti.
 */
import { isIPv4 } from 'node:net';
import type { Network } from '../model/objects/network.ts';

type Range = Pick<Network, 'network'>;

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function rangeOf({ network }: Range): { base: number; size: number } | undefined {
  const [address = '', bits = '32'] = (network ?? '').split('/');
  if (!isIPv4(address)) return undefined;
  const size = 2 ** (32 - Number(bits));
  return { base: Math.floor(toNumber(address) / size) * size, size };
}

/** How many addresses the network has. */
export function rangeSize(network: Range): number {
  return rangeOf(network)?.size ?? 0;
}

/** Place of an address in the network's range; undefined when it lies outside. */
export function addressIndex(network: Range, address: string): number | undefined {
  const range = rangeOf(network);
  if (range === undefined || !isIPv4(address)) return undefined;
  const index = toNumber(address) - range.base;
  return index >= 0 && index < range.size ? index : undefined;
}

export function addressAt(network: Range, index: number): string {
  const value = (rangeOf(network)?.base ?? 0) + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

export function isTaken(bits: string | null | undefined, index: number): boolean {
  return bits?.[index] === '1';
}

/** The reservations with one address taken or free. */
export function withBit(network: Network, index: number, taken: boolean): string {
  const bits = network.reservations ?? '0'.repeat(rangeSize(network));
  return `${bits.slice(0, index)}${taken ? '1' : '0'}${bits.slice(index + 1)}`;
}
