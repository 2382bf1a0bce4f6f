/**
 * A cluster's nodes in memory: what node calls change is kept as plain values (machine/), so that a test can
 * look at everything that an operation left behind. Calls are checked against their definitions as on the wire.
 */
import { Failure } from '../../src/kit/failure.ts';
import type { NodeCall, NodeCaller, Reply } from '../../src/noderpc/call.ts';
import { cryptoHandlers } from './machine/crypto.ts';
import { diskHandlers } from './machine/disks.ts';
import { instanceHandlers } from './machine/guests.ts';
import { type Handler, type MachineState, machineSeen, type Neighbours } from './machine/machine.ts';
import { nodeHandlers } from './machine/node.ts';
import { remainsHandlers } from './machine/remains.ts';
import { siteHandlers } from './machine/site.ts';
import { sshHandlers } from './machine/ssh.ts';
import { transferHandlers } from './machine/transfers.ts';

const handlers: Readonly<Record<string, Handler>> = {
  ...diskHandlers,
  ...instanceHandlers,
  ...nodeHandlers,
  ...siteHandlers,
  ...cryptoHandlers,
  ...sshHandlers,
  ...transferHandlers,
  ...remainsHandlers,
};

/** Time of every clock in this cluster, seconds. */
export const memoryTime = 1_800_000_000;

export class MemoryNodes implements NodeCaller, Neighbours {
  /** By uuid, and by the key of a joining node. */
  readonly machines: Map<string, MachineState>;
  /** Which machine an address belongs to. */
  readonly addresses: ReadonlyMap<string, string>;

  /** Told of every call to one node, with its argument as it came over the wire. */
  watch: (call: string, argument: unknown) => void = () => {};

  constructor(machines: Map<string, MachineState>, addresses: ReadonlyMap<string, string>) {
    this.machines = machines;
    this.addresses = addresses;
  }

  at(address: string): MachineState {
    return this.machine(this.addresses.get(address) ?? address);
  }

  machine(key: string): MachineState {
    const machine = this.machines.get(key);
    if (machine === undefined) throw new Failure('RpcError', [`no node ${key}`]);
    return machine;
  }

  async call<A, R>(node: string, call: NodeCall<A, R>, argument: A): Promise<R> {
    const machine = this.machine(node);
    if (!machine.reachable) throw new Failure('RpcError', [`node ${node} can't be reached for ${call.name}`]);
    const handler = handlers[call.name];
    if (handler === undefined)
      throw new Failure('ProgrammerError', [`nodes in memory don't know ${call.name}`]);
    const checked = call.argument.parse(structuredClone(argument));
    this.watch(call.name, checked);
    return call.result.parse(handler(machine, checked as never, this));
  }

  async callAll<A, R>(
    nodes: readonly string[],
    call: NodeCall<A, R>,
    argument: A | ((node: string) => A),
  ): Promise<ReadonlyMap<string, Reply<R>>> {
    const replies = new Map<string, Reply<R>>();
    for (const node of nodes) {
      try {
        const own = typeof argument === 'function' ? (argument as (node: string) => A)(node) : argument;
        replies.set(node, { kind: 'answered', value: await this.call(node, call, own) });
      } catch (error) {
        const failure = error as Failure;
        replies.set(
          node,
          failure.errorClass === 'RpcError'
            ? { kind: 'unreachable', message: failure.message }
            : { kind: 'refused', message: failure.message, error: [failure.errorClass, failure.args] },
        );
      }
    }
    return replies;
  }

  /** Everything that nodes hold, as a value to compare. */
  snapshot(): unknown {
    return [...this.machines].map(([key, machine]) => [key, machineSeen(machine)]).sort();
  }
}
