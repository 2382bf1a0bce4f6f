/**
 * Pools that follow from what objects claim, kept by every commit so that no operation can forget them:
 * the cluster's free ports and highest port, and the address reservations of networks. As in Ganeti they
 * change without a new serial number of the cluster or the network.
 */
import type { Configuration } from '../model/configuration.ts';
import { addressIndex, isTaken, withBit } from './address-bits.ts';
import type { ClaimIndex } from './claim-index.ts';
import { clusterOwner, factsOf, splitClaim } from './claims.ts';
import type { OpenDraft } from './draft.ts';
import type { Change } from './rules.ts';

/** Ports that are given out (constants.FIRST_DRBD_PORT and LAST_DRBD_PORT). */
export const firstPort = 11000;
export const lastPort = 14999;

interface Turnover {
  readonly taken: ReadonlySet<string>;
  readonly freed: ReadonlySet<string>;
}

function turnover(before: Configuration, changes: readonly Change[], draft: Configuration): Turnover {
  const old = new Set<string>();
  const now = new Set<string>();
  for (const change of changes) {
    if (change.before !== undefined)
      for (const key of factsOf(change.table, change.before, before.cluster).claims) old.add(key);
    if (change.after !== undefined)
      for (const key of factsOf(change.table, change.after, draft.cluster).claims) now.add(key);
  }
  return {
    taken: new Set([...now].filter((key) => !old.has(key))),
    freed: new Set([...old].filter((key) => !now.has(key))),
  };
}

function valuesOf(keys: ReadonlySet<string>, kind: string): string[] {
  return [...keys].map(splitClaim).flatMap((claim) => (claim.kind === kind ? [claim.value] : []));
}

function isManaged(port: number): boolean {
  return port >= firstPort && port <= lastPort;
}

/** Ports below the new highest one that nobody has go to the pool, so that none is lost. */
function skipped(from: number, to: number, index: ClaimIndex): number[] {
  const ports: number[] = [];
  for (let port = from; port < to; port += 1) if (!index.has(`port:${port}`)) ports.push(port);
  return ports;
}

function adjustPorts(draft: OpenDraft, { taken, freed }: Turnover, index: ClaimIndex): void {
  const used = new Set(valuesOf(taken, 'port').map(Number));
  const free = valuesOf(freed, 'port')
    .map(Number)
    .filter((port) => !used.has(port));
  if (used.size === 0 && free.length === 0) return;
  const { tcpudp_port_pool: pool, highest_used_port: highest } = draft.cluster;
  const top = Math.max(highest, ...used);
  const begin = Math.max(highest + 1, firstPort);
  const between = isManaged(top) ? skipped(begin, top, index) : [];
  const next = [...new Set([...free, ...pool, ...between])].filter((port) => !used.has(port));
  const same = next.length === pool.length && next.every((port, place) => port === pool[place]);
  if (top === highest && same) return;
  draft.adjustCluster({ tcpudp_port_pool: next, highest_used_port: top });
}

function adjustAddresses(draft: OpenDraft, { taken, freed }: Turnover): void {
  const mark = (value: string, wanted: boolean) => {
    const slash = value.indexOf('/');
    const network = draft.networks.get(value.slice(0, slash));
    if (network === undefined) return;
    const place = addressIndex(network, value.slice(slash + 1));
    if (place === undefined || isTaken(network.reservations, place) === wanted) return;
    draft.adjust('networks', { ...network, reservations: withBit(network, place, wanted) });
  };
  for (const value of valuesOf(freed, 'network-ip')) mark(value, false);
  for (const value of valuesOf(taken, 'network-ip')) mark(value, true);
}

/** Brings the pools in step with what the draft has changed. `index` is still that of `before`. */
export function adjustPools(draft: OpenDraft, before: Configuration, index: ClaimIndex): void {
  const changes = draft.changes();
  if (changes.length === 0) return;
  const moved = turnover(before, changes, draft);
  adjustPorts(draft, moved, index);
  adjustAddresses(draft, moved);
}

/** Does an object, and not just the free pool, claim the port? */
export function portIsUsed(index: ClaimIndex, port: number): boolean {
  return index.ownersOf(`port:${port}`).some((owner) => owner !== clusterOwner);
}
