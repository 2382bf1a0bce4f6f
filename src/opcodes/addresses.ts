/**
 * Reading IP addresses and networks, for the checks of network opcodes (Python's ipaddress, which Ganeti's
 * ht.py asks). Without node:net, so that a browser can check the same opcodes.
 */

/** The bits of a dotted address, undefined when it isn't one. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const embedded = i === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (embedded !== undefined) groups.push(Math.floor(embedded / 65536), embedded % 65536);
    else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** The 128 bits of an IPv6 address, undefined when it isn't one. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const left = parseGroups(halves[0]!);
  const right = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => 0), ...right];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n);
}

/** The address of a network and its prefix length; without "/…" it is a single address. */
function parseNetwork<T>(
  text: string,
  address: (text: string) => T | undefined,
  bits: number,
): { readonly address: T; readonly prefix: number } | undefined {
  const [base, length, ...more] = text.split('/');
  const value = address(base ?? '');
  if (value === undefined || more.length > 0) return undefined;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return undefined;
  const prefix = length === undefined ? bits : Number(length);
  return prefix > bits ? undefined : { address: value, prefix };
}

/** "192.0.2.0/24". Bits set behind the prefix are refused by the operation, which says so. */
export function isIpv4Network(text: string): boolean {
  return parseNetwork(text, parseIpv4, 32) !== undefined;
}

/** "2001:db8::/64", with no bits set behind the prefix. */
export function isIpv6Network(text: string): boolean {
  const network = parseNetwork(text, parseIpv6, 128);
  return network !== undefined && BigInt.asUintN(128 - network.prefix, network.address) === 0n;
}
