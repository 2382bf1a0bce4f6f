/** harep: mends instances on dead nodes as far as their tags allow (harep(1)). */
import type { LuxiClient } from '../../luxi/client.ts';
import {
  initialRecord,
  isAllowed,
  RepairConflict,
  type RepairRecord,
  repairLabels,
  type SuggestedRepair,
  stateNames,
  suggestRepair,
  taggedRepair,
  withState,
} from '../core/maintenance/repair.ts';
import { quoted } from '../core/terms/format.ts';
import type { RepairPolicy } from '../core/terms/instance.ts';
import type { Opcode } from '../core/terms/opcodes.ts';
import type { RepairType } from '../core/terms/tags.ts';
import { encodeJson } from '../load/json.ts';
import { annotate, runQuietly, submitJobs, viewJobs, withMaster } from './jobs.ts';
import { loadCluster } from './load-cluster.ts';
import type { Options } from './options.ts';
import { failure, type Program, type ProgramContext } from './program.ts';

const tool = { tool: 'harep', comment: 'automated repairs by harep' } as const;
const unfinished = new Set(['queued', 'waiting', 'canceling', 'running']);

/** The steps of one run, with what they all need. */
class RepairRun {
  private readonly client: LuxiClient;
  private readonly options: Options;
  private readonly context: ProgramContext;

  constructor(client: LuxiClient, options: Options, context: ProgramContext) {
    this.client = client;
    this.options = options;
    this.context = context;
  }

  private annotated(opcodes: readonly Opcode[]): Opcode[] {
    return opcodes.map((opcode) => annotate(opcode, tool, this.options, this.context));
  }

  private async runTagJob(opcode: Opcode): Promise<void> {
    if (this.options.dryRun) return;
    await runQuietly(this.client, [this.annotated([opcode])], this.context);
  }

  /** Writes the tag of the record's state and removes stale ones. */
  private async commit(record: RepairRecord): Promise<RepairRecord> {
    const { name } = record.instance;
    const tag = record.state.repair?.tag;
    if (tag !== undefined) {
      this.context.out(`>>> Adding the following tag to ${name}:\n${quoted(tag)}\n`);
      await this.runTagJob({ OP_ID: 'OP_TAGS_SET', kind: 'instance', tags: [tag], name });
    }
    if (record.staleTags.length > 0) {
      const tags = record.staleTags.map((stale) => `${quoted(stale)}\n`).join('');
      this.context.out(`>>> Removing the following tags from ${name}:\n${tags}`);
      await this.runTagJob({
        OP_ID: 'OP_TAGS_DEL',
        kind: 'instance',
        tags: [...record.staleTags],
        name,
      });
    }
    return { ...record, staleTags: [] };
  }

  /** Looks whether the jobs of a pending repair have ended. */
  async settlePending(record: RepairRecord): Promise<RepairRecord> {
    const { state } = record;
    if (state.kind !== 'pending') return record;
    const jobs = await viewJobs(this.client, state.repair.jobs);
    if (jobs.some(({ status }) => unfinished.has(status))) return record;
    const succeeded = jobs.every(({ status }) => status === 'success');
    const repair = taggedRepair({
      ...state.repair,
      result: succeeded ? 'success' : 'failure',
      time: this.context.now(),
    });
    const next = withState(record, { kind: succeeded ? 'healthy' : 'failed', repair });
    this.context.out(
      `Moving ${record.instance.name} from ${quoted(stateNames.pending)} to ` +
        `${quoted(stateNames[next.state.kind])}\n`,
    );
    return await this.commit(next);
  }

  private async submit(opcodes: readonly Opcode[]): Promise<number[]> {
    if (!this.options.dryRun) return await submitJobs(this.client, [this.annotated(opcodes)]);
    this.context.out(`jobs: ${encodeJson([opcodes])}\n`);
    return [];
  }

  /** Does what the instance's policy allows of a suggested repair. */
  async mend(record: RepairRecord, suggested: SuggestedRepair): Promise<RepairRecord> {
    const { instance } = record;
    const policy = instance.repairPolicy;
    const { type } = suggested;
    if (policy.kind !== 'enabled') {
      this.context.out(`Not repairing ${instance.name} because it's in state ${policyShown(policy)}\n`);
      return record;
    }
    const fresh = { type, uuid: this.context.newUuid(), time: this.context.now() };
    if (!isAllowed(type, policy.upTo)) {
      this.context.out(
        `Not performing a repair of type ${repairLabels[type]} on ${instance.name} because only repairs up ` +
          `to ${repairLabels[policy.upTo as RepairType]} are allowed\n`,
      );
      const repair = taggedRepair({ ...fresh, jobs: [], result: 'enoperm' });
      return await this.commit(withState(record, { kind: 'needs-repair', repair }));
    }
    this.context.out(`Executing ${repairLabels[type]} repair on ${instance.name}\n`);
    // The delay lets the job that writes the tag pass before the repair takes the instance's lock.
    const delay = {
      OP_ID: 'OP_TEST_DELAY',
      duration: this.options.jobDelay,
      on_master: true,
      on_nodes: [],
      repeat: 0,
      interruptible: false,
      no_locks: false,
    };
    const opcodes = this.options.jobDelay > 0 ? [delay, ...suggested.opcodes] : suggested.opcodes;
    const jobs = await this.submit(opcodes);
    const repair = taggedRepair({ ...fresh, jobs, result: undefined });
    return await this.commit(withState(record, { kind: 'pending', repair }));
  }
}

function policyShown(policy: RepairPolicy): string {
  if (policy.kind === 'suspended') {
    return policy.until === 'forever'
      ? 'ArSuspended Forever'
      : `ArSuspended (Until ${new Date(policy.until * 1000).toUTCString()})`;
  }
  return 'ArNotEnabled';
}

function showCounts(records: readonly RepairRecord[], context: ProgramContext): void {
  const counts = new Map<string, number>();
  for (const { state } of records) {
    const name = stateNames[state.kind];
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const rule = '---------------------\n';
  context.out(`${rule}Instance status count\n${rule}`);
  for (const [name, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    context.out(`${name}: ${count}\n`);
  }
}

async function main(options: Options, args: readonly string[], context: ProgramContext): Promise<void> {
  if (args.length > 0) throw failure("this program doesn't take any arguments.");
  const socketPath = options.luxiSocket ?? context.querySocket;
  const cluster = await loadCluster({ ...options, luxiSocket: socketPath }, context);
  let records: RepairRecord[];
  try {
    records = cluster.instances.map(initialRecord);
  } catch (error) {
    if (!(error instanceof RepairConflict)) throw error;
    throw failure(`when parsing auto-repair tags: ${error.message}`);
  }
  const done: RepairRecord[] = [];
  await withMaster(context, socketPath, async (client) => {
    const run = new RepairRun(client, options, context);
    for (const [at, record] of records.entries()) records[at] = await run.settlePending(record);
    for (const record of records) {
      const suggested = suggestRepair(cluster.nodes, record.instance);
      const mendable = suggested !== undefined && record.state.kind === 'healthy';
      done.push(mendable ? await run.mend(record, suggested) : record);
    }
  });
  showCounts(done, context);
}

export const harep: Program = {
  name: 'harep',
  purpose: 'repairs instances whose tags allow it, after finding out what is wrong with them',
  options: ['luxi', 'jobDelay', 'reason', 'dryRun'],
  further: ['verbose'],
  arguments: [],
  main,
};
