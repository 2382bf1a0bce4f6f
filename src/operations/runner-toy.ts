/**
 * A toy world for the tests of the runner and of the proof: nodes hold named things, the configuration
 * holds tags. Just enough of the contracts, and all of it inspectable.
 */
import * as z from 'zod';
import type { ConfigStore, Draft, Reservations } from '../config/contract.ts';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import type { Cluster } from '../model/objects/cluster.ts';
import { type NodeCall, type NodeCaller, nodeCall, type Reply } from '../noderpc/call.ts';
import type { World } from './operation.ts';

const Thing = z.object({ name: z.string() });

/** Puts a thing on a node; there already: fine. */
export const putThing = nodeCall({
  name: 'toy_put',
  deadline: 1,
  effect: 'change',
  argument: Thing,
  result: z.null(),
});

/** Takes a thing off a node; not there: fine. */
export const takeThing = nodeCall({
  name: 'toy_take',
  deadline: 1,
  effect: 'change',
  argument: Thing,
  result: z.null(),
});

export const listThings = nodeCall({
  name: 'toy_list',
  deadline: 1,
  effect: 'read',
  argument: z.null(),
  result: z.array(z.string()),
});

export class ToyWorld {
  readonly things = new Map<string, Set<string>>([
    ['n1', new Set()],
    ['n2', new Set()],
  ]);
  readonly reserved = new Map<string, string[]>();
  tags: readonly string[] = [];
  #serial = 1;

  readonly world: World = {
    config: this.#config(),
    nodes: this.#nodes(),
    paths: pathsFor({ GANETI_ROOTDIR: '/toy' }),
    log: silentLog,
    now: () => 1000,
  };

  snapshot(): unknown {
    return {
      tags: [...this.tags],
      things: [...this.things].map(([node, things]) => [node, [...things].sort()]),
    };
  }

  #config(): ConfigStore {
    const read = () =>
      ({ serial_no: this.#serial, cluster: { tags: this.tags } }) as unknown as Configuration;
    const reservations = {
      reserveVolume: (job: string, volume: string) => {
        this.reserved.set(job, [...(this.reserved.get(job) ?? []), volume]);
      },
      release: (job: string) => {
        this.reserved.delete(job);
      },
    } as Partial<Reservations> as Reservations;
    return {
      get current() {
        return read();
      },
      reservations,
      change: async (_cause, edit) => {
        let tags = this.tags;
        const draft = {
          ...read(),
          changeCluster: (change: Partial<Cluster>) => {
            tags = change.tags ?? tags;
          },
        } as unknown as Draft;
        const result = edit(draft);
        this.tags = tags;
        this.#serial += 1;
        return await Promise.resolve(result);
      },
      flush: () => Promise.resolve(),
    };
  }

  #nodes(): NodeCaller {
    const ask = <A, R>(node: string, call: NodeCall<A, R>, argument: A): R => {
      const things = this.things.get(node)!;
      if (call.effect === 'read') return [...things] as R;
      const { name } = Thing.parse(argument);
      if (call.name === putThing.name) things.add(name);
      else things.delete(name);
      return null as R;
    };
    return {
      call: async (node, call, argument) => await Promise.resolve(ask(node, call, argument)),
      callAll: async <A, R>(
        nodes: readonly string[],
        call: NodeCall<A, R>,
        argument: A | ((node: string) => A),
      ) => {
        const argumentOf = (node: string) =>
          typeof argument === 'function' ? (argument as (node: string) => A)(node) : argument;
        const reply = (node: string): Reply<R> => ({
          kind: 'answered',
          value: ask(node, call, argumentOf(node)),
        });
        return await Promise.resolve(new Map(nodes.map((node) => [node, reply(node)])));
      },
    };
  }
}
