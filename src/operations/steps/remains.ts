/** Steps that remove what is nobody's. */
import * as z from 'zod';
import { addressAt, isTaken, withBit } from '../../config/address-bits.ts';
import type { Draft } from '../../config/contract.ts';
import { MinorFacts, minorDown, remainsRemove } from '../../noderpc/calls/remains.ts';
import { step } from '../operation.ts';

const Reservations = z.object({
  addresses: z.array(z.object({ network: z.string(), place: z.int() })),
  ports: z.array(z.int()),
});

function markAddresses(
  draft: Draft,
  addresses: z.infer<typeof Reservations>['addresses'],
  taken: boolean,
): void {
  for (const { network: uuid, place } of addresses) {
    const network = draft.networks.get(uuid);
    if (network == null || isTaken(network.reservations, place) === taken) continue;
    const address = addressAt(network, place);
    const isUsed = draft.instances
      .values()
      .some(({ nics }) => nics.some((nic) => nic.network === uuid && nic.ip === address));
    if (!isUsed) draft.put('networks', { ...network, reservations: withBit(network, place, taken) });
  }
}

/** Gives addresses and ports back that no object has; undone by taking them again. */
export const freeReservations = step({
  name: 'free-reservations',
  input: Reservations,
  run: async ({ config }, { addresses, ports }) => {
    await config.change('free what nobody has reserved', (draft) => {
      markAddresses(draft, addresses, false);
      const pool = draft.cluster.tcpudp_port_pool;
      const freed = ports.filter((port) => !pool.includes(port));
      if (freed.length > 0) draft.changeCluster({ tcpudp_port_pool: [...pool, ...freed] });
    });
  },
  undo: async ({ config }, { addresses, ports }) => {
    await config.change('reserve again', (draft) => {
      markAddresses(draft, addresses, true);
      const pool = draft.cluster.tcpudp_port_pool;
      const left = pool.filter((port) => !ports.includes(port));
      if (left.length < pool.length) draft.changeCluster({ tcpudp_port_pool: left });
    });
  },
});

/** Takes a mirror of nobody down on a node. */
export const takeMinorDown = step({
  name: 'take-minor-down',
  input: z.object({ node: z.string(), facts: MinorFacts }),
  run: async ({ nodes }, { node, facts }) => {
    await nodes.call(node, minorDown, facts);
  },
  undo: 'none',
});

/** Removes a volume of nobody from a node, for good. */
export const removeRemains = step({
  name: 'remove-remains',
  input: z.object({ node: z.string(), vg: z.string(), name: z.string(), mark: z.string() }),
  run: async ({ nodes }, { node, ...volume }) => {
    await nodes.call(node, remainsRemove, volume);
  },
  undo: 'none',
});
