/**
 * A world in which exactly one effect goes wrong: it fails, or the master dies at it, before or after it
 * has taken hold. Effects are node calls that change something and commits of the configuration; reads
 * go through as long as the master lives.
 */
import type { ConfigStore } from '../config/contract.ts';
import { Failure } from '../kit/failure.ts';
import type { NodeCall, NodeCaller, Reply } from '../noderpc/call.ts';
import type { World } from './operation.ts';

export interface Strike {
  /** Which effect, from 1. */
  readonly at: number;
  readonly when: 'before' | 'after';
  readonly manner: 'fail' | 'die';
}

/** What a dead master's code runs into, wherever it turns. */
export class Death extends Error {
  override readonly name = 'Death';
}

export class Faults {
  readonly #strike: Strike | undefined;
  #effects = 0;
  #isDead = false;
  #struck: string | undefined;
  /** Called at the moment of the strike. */
  onStrike: () => void = () => {};

  constructor(strike?: Strike) {
    this.#strike = strike;
  }

  get effects(): number {
    return this.#effects;
  }

  /** The effect that was struck. */
  get struck(): string | undefined {
    return this.#struck;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  die(what: string): never {
    if (!this.#isDead) {
      this.#isDead = true;
      this.#struck ??= what;
      this.onStrike();
    }
    throw new Death(`the master is dead since ${this.#struck}`);
  }

  async read<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isDead) throw new Death('the master is dead');
    const value = await work();
    if (this.#isDead) throw new Death('the master is dead');
    return value;
  }

  /** @param fail what the caller sees of a failure */
  async effect<T>(name: string, work: () => Promise<T>, fail: (text: string) => T): Promise<T> {
    if (this.#isDead) throw new Death('the master is dead');
    this.#effects += 1;
    const hit = this.#strike?.at === this.#effects ? this.#strike : undefined;
    if (hit?.when === 'before') return this.#hit(name, hit, fail);
    const value = await work();
    if (hit?.when === 'after') return this.#hit(name, hit, fail);
    if (this.#isDead) throw new Death('the master is dead');
    return value;
  }

  #hit<T>(name: string, strike: Strike, fail: (text: string) => T): T {
    this.#struck = name;
    if (strike.manner === 'die') this.die(name);
    this.onStrike();
    return fail(`${name} was made to fail ${strike.when} it took hold`);
  }
}

function rpcFailure(text: string): never {
  throw new Failure('RpcError', [text]);
}

function faultyNodes(nodes: NodeCaller, faults: Faults): NodeCaller {
  return {
    call: (node, call, argument, options) => {
      const work = () => nodes.call(node, call, argument, options);
      if (call.effect === 'read') return faults.read(work);
      return faults.effect(`${call.name} on ${node}`, work, rpcFailure);
    },
    async callAll<A, R>(on: readonly string[], call: NodeCall<A, R>, argument: A | ((node: string) => A)) {
      if (call.effect === 'read') return await faults.read(() => nodes.callAll(on, call, argument));
      const one = async (node: string): Promise<[string, Reply<R>]> => {
        const work = async () => (await nodes.callAll([node], call, argument)).get(node)!;
        const fail = (message: string): Reply<R> => ({ kind: 'unreachable', message });
        return [node, await faults.effect(`${call.name} on ${node}`, work, fail)];
      };
      return new Map(await Promise.all(on.map(one)));
    },
  };
}

function faultyConfig(config: ConfigStore, faults: Faults): ConfigStore {
  return {
    get current() {
      return config.current;
    },
    reservations: config.reservations,
    change: (cause, edit) =>
      faults.effect(
        `a commit of the configuration`,
        () => config.change(cause, edit),
        (text) => {
          throw new Failure('ConfigurationError', [text]);
        },
      ),
    flush: () => faults.read(() => config.flush()),
  };
}

export function faultyWorld(world: World, faults: Faults): World {
  return { ...world, config: faultyConfig(world.config, faults), nodes: faultyNodes(world.nodes, faults) };
}
