/**
 * The mixed load of the crash campaign, and what is known of it: every job that the master has acknowledged,
 * and every end of a job that it has told. What was told must hold after the crash.
 */
import { connectLuxi, type LuxiClient } from '../../src/luxi/client.ts';
import type { Chance } from './random.ts';

export type Kind =
  | 'create'
  | 'remove'
  | 'startup'
  | 'shutdown'
  | 'reboot'
  | 'migrate'
  | 'failover'
  | 'tag'
  | 'delay';

export interface Acknowledged {
  readonly id: number;
  readonly kind: Kind;
  /** The instance, or the tag. */
  readonly name: string;
  /** Does it run a create script? Instances without disks have none. */
  readonly scripted: boolean;
  /** The end that the master has told of; undefined: none. */
  end: string | undefined;
}

const most = 14;
const weights: readonly (readonly [Kind, number])[] = [
  ['create', 5],
  ['remove', 3],
  ['startup', 2],
  ['shutdown', 2],
  ['reboot', 2],
  ['migrate', 2],
  ['failover', 2],
  ['tag', 3],
  ['delay', 3],
];

function chooseKind(chance: Chance): Kind {
  let left = chance.below(weights.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [kind, weight] of weights) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'delay';
}

export const osName = 'counting';

function createOpcode(name: string, chance: Chance, nodes: readonly string[]): object {
  const template = chance.pick(['sharedfile', 'file', 'diskless']);
  const disks =
    template === 'diskless' ? [] : Array.from({ length: 1 + chance.below(2) }, () => ({ size: 4 }));
  return {
    OP_ID: 'OP_INSTANCE_CREATE',
    instance_name: name,
    mode: 'create',
    disk_template: template,
    os_type: osName,
    disks,
    nics: [],
    pnode: chance.pick(nodes),
    hypervisor: 'fake',
    beparams: { memory: 16, vcpus: 1 },
    name_check: false,
    ip_check: false,
    start: chance.below(4) > 0,
  };
}

/** The instances that a load works on: those that the last check has found. */
export interface Known {
  readonly name: string;
  readonly pnode: string;
  readonly template: string;
}

export class Load {
  readonly acknowledged: Acknowledged[] = [];
  readonly #socket: string;
  readonly #chance: Chance;
  readonly #nodes: readonly string[];
  #count = 0;

  constructor(socket: string, chance: Chance, nodes: readonly string[]) {
    this.#socket = socket;
    this.#chance = chance;
    this.#nodes = nodes;
  }

  #request(known: readonly Known[]): { readonly kind: Kind; readonly name: string; readonly opcode: object } {
    const chance = this.#chance;
    this.#count += 1;
    let kind = chooseKind(chance);
    if (kind === 'create' && known.length >= most) kind = 'remove';
    if (!['create', 'tag', 'delay'].includes(kind) && known.length === 0) kind = 'create';
    const shared = known.filter(({ template }) => template === 'sharedfile');
    if ((kind === 'migrate' || kind === 'failover') && shared.length === 0) kind = 'reboot';
    const fresh = `c${this.#count}.virtual.example`;
    if (kind === 'create') return { kind, name: fresh, opcode: createOpcode(fresh, chance, this.#nodes) };
    if (kind === 'tag') {
      const tag = `tag${this.#count}`;
      return { kind, name: tag, opcode: { OP_ID: 'OP_TAGS_SET', kind: 'cluster', name: null, tags: [tag] } };
    }
    if (kind === 'delay') {
      const opcode = {
        OP_ID: 'OP_TEST_DELAY',
        duration: chance.fraction() / 5,
        on_master: true,
        on_nodes: [],
      };
      return { kind, name: fresh, opcode };
    }
    const { name, pnode } = chance.pick(kind === 'migrate' || kind === 'failover' ? shared : known);
    const target = chance.pick(this.#nodes.filter((node) => node !== pnode));
    const opcodes: Record<string, object> = {
      remove: { OP_ID: 'OP_INSTANCE_REMOVE', instance_name: name },
      startup: { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: name },
      shutdown: { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: name },
      reboot: { OP_ID: 'OP_INSTANCE_REBOOT', instance_name: name, reboot_type: 'hard' },
      migrate: { OP_ID: 'OP_INSTANCE_MIGRATE', instance_name: name, target_node: target },
      failover: { OP_ID: 'OP_INSTANCE_FAILOVER', instance_name: name, target_node: target },
    };
    return { kind, name, opcode: opcodes[kind]! };
  }

  /** Submits `count` jobs, some one after the other and some together, until that is done or the master is gone. */
  async submit(known: readonly Known[], count: number): Promise<void> {
    const client = await connectLuxi(this.#socket, { retryMs: [] }).catch(() => undefined);
    if (client === undefined) return;
    try {
      for (let left = count; left > 0; ) {
        const batch = Math.min(left, 1 + this.#chance.below(4));
        left -= batch;
        const requests = Array.from({ length: batch }, () => this.#request(known));
        const answers = (await client.call('SubmitManyJobs', [requests.map(({ opcode }) => [opcode])])) as [
          boolean,
          number,
        ][];
        for (const [index, [isTaken, id]] of answers.entries()) {
          const { kind, name, opcode } = requests[index]!;
          const scripted = kind === 'create' && (opcode as { disks: unknown[] }).disks.length > 0;
          if (isTaken) this.acknowledged.push({ id, kind, name, scripted, end: undefined });
        }
      }
    } catch {
      // The crash has come.
    } finally {
      client.close();
    }
  }

  /** Notes the ends of jobs as the master tells them, until it is gone or `signal` aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    const client = await connectLuxi(this.#socket, { retryMs: [] }).catch(() => undefined);
    if (client === undefined) return;
    try {
      while (!signal.aborted) {
        await this.note(client);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } catch {
      // The crash has come.
    } finally {
      client.close();
    }
  }

  /** Asks once. @returns how many jobs have not ended, acknowledged or not, and what is wrong with those that are */
  async note(client: LuxiClient): Promise<{ readonly open: number; readonly faults: readonly string[] }> {
    const rows = (await client.call('QueryJobs', [[], ['id', 'status']])) as [number, string][];
    const statuses = new Map(rows);
    const faults: string[] = [];
    for (const job of this.acknowledged) {
      const status = statuses.get(job.id);
      if (status === undefined)
        faults.push(`job ${job.id} (${job.kind} ${job.name}) was acknowledged and is lost`);
      else if (job.end !== undefined && job.end !== status)
        faults.push(`job ${job.id} (${job.kind} ${job.name}) had ended as ${job.end} and is ${status} now`);
      else if (isEnd(status)) job.end = status;
    }
    return { open: rows.filter(([, status]) => !isEnd(status)).length, faults };
  }
}

const isEnd = (status: string) => status === 'success' || status === 'error' || status === 'canceled';
