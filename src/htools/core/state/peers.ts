/**
 * For a node: how much memory the primaries of each other node would need here after a failover.
 * A value list kept in descending order of memory, so that the first entry is what must stay free. Never
 * changed in place: an undone move puts the old list back.
 */

export interface Peers {
  readonly nodes: readonly number[];
  /** MiB, descending. */
  readonly memory: readonly number[];
}

export const noPeers: Peers = { nodes: [], memory: [] };

/** Memory needed for primaries of `node`, 0 when it has none here. */
export function peerMemory(peers: Peers, node: number): number {
  const at = peers.nodes.indexOf(node);
  return at < 0 ? 0 : peers.memory[at]!;
}

/** What must stay free: the greatest need of one peer. */
export function largestNeed(peers: Peers): number {
  return peers.memory[0] ?? 0;
}

export function totalNeed(peers: Peers): number {
  let sum = 0;
  for (const memory of peers.memory) sum += memory;
  return sum;
}

export function withoutPeer(peers: Peers, node: number): Peers {
  const at = peers.nodes.indexOf(node);
  if (at < 0) return peers;
  return { nodes: peers.nodes.toSpliced(at, 1), memory: peers.memory.toSpliced(at, 1) };
}

/** Sets the need of one peer; it comes before others of equal need, as in Ganeti's listing. */
export function withPeer(peers: Peers, node: number, memory: number): Peers {
  const rest = withoutPeer(peers, node);
  let at = 0;
  while (at < rest.memory.length && rest.memory[at]! > memory) at++;
  return { nodes: rest.nodes.toSpliced(at, 0, node), memory: rest.memory.toSpliced(at, 0, memory) };
}

/** Builds the list from (node, memory) pairs; the last pair goes in first. */
export function peersOf(pairs: readonly (readonly [node: number, memory: number])[]): Peers {
  let peers = noPeers;
  for (let i = pairs.length - 1; i >= 0; i--) {
    const [node, memory] = pairs[i]!;
    peers = withPeer(peers, node, peerMemory(peers, node) + memory);
  }
  return peers;
}
