/**
 * Auto-repair of instances (harep(1)): what their tags tell of earlier repairs, what is wrong with them now,
 * and which repair would mend it.
 */

import type { NodeTable } from '../state/node-table.ts';
import { quoted } from '../terms/format.ts';
import type { Instance } from '../terms/instance.ts';
import { failoverOpcode, type Opcode, replaceSecondaryOpcode } from '../terms/opcodes.ts';
import {
  afterPrefix,
  type RepairType,
  repairPendingPrefix,
  repairResultPrefix,
  repairTypes,
} from '../terms/tags.ts';

export const repairResults = ['enoperm', 'success', 'failure'] as const;
export type RepairResult = (typeof repairResults)[number];

/** One repair, as a tag keeps it. */
export interface Repair {
  readonly type: RepairType;
  readonly uuid: string;
  /** Seconds since the epoch. */
  readonly time: number;
  readonly jobs: readonly number[];
  readonly result: RepairResult | undefined;
  readonly tag: string;
}

export type RepairState =
  | { readonly kind: 'healthy'; readonly repair: Repair | undefined }
  | { readonly kind: 'needs-repair'; readonly repair: Repair }
  | { readonly kind: 'pending'; readonly repair: Repair }
  | { readonly kind: 'failed'; readonly repair: Repair };

export const stateNames: Readonly<Record<RepairState['kind'], string>> = {
  healthy: 'Healthy',
  failed: 'Failure',
  pending: 'Pending repair',
  'needs-repair': 'Needs repair',
};

/** Names of the repairs in messages. */
export const repairLabels: Readonly<Record<RepairType, string>> = {
  'fix-storage': 'ArFixStorage',
  migrate: 'ArMigrate',
  failover: 'ArFailover',
  reinstall: 'ArReinstall',
};

export interface RepairRecord {
  readonly instance: Instance;
  readonly state: RepairState;
  /** Tags of earlier repairs that no longer count. */
  readonly staleTags: readonly string[];
}

/** Tags that contradict each other. */
export class RepairConflict extends Error {
  override name = 'RepairConflict';
}

function wordOf<T extends string>(words: readonly T[], text: string | undefined): T | undefined {
  return words.find((word) => word === text);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** The repair a tag tells of; undefined when it is another tag or malformed. */
export function parseRepairTag(tag: string): Repair | undefined {
  const pending = afterPrefix(repairPendingPrefix, tag);
  const finished = afterPrefix(repairResultPrefix, tag);
  const fields = (pending ?? finished ?? '').split(':');
  const isResult = pending === undefined;
  if (fields.length !== (isResult ? 5 : 4)) return undefined;
  const [typeText, uuid, timeText] = fields;
  const result = isResult ? wordOf(repairResults, fields[3]) : undefined;
  const type = wordOf(repairTypes, typeText);
  const time = wholeNumber(timeText);
  const jobsText = fields.at(-1)!;
  const jobs = jobsText === '' ? [] : jobsText.split('+').map(wholeNumber);
  if (type === undefined || time === undefined || (isResult && result === undefined)) return undefined;
  if (jobs.some((job) => job === undefined)) return undefined;
  return { type, uuid: uuid!, time, jobs: jobs as number[], result, tag };
}

/** The repair with the tag that keeps it. */
export function taggedRepair(repair: Omit<Repair, 'tag'>): Repair {
  const { type, uuid, time, jobs, result } = repair;
  const middle = result === undefined ? [] : [result];
  const prefix = result === undefined ? repairPendingPrefix : repairResultPrefix;
  const tag = prefix + [type, uuid, String(Math.trunc(time)), ...middle, jobs.join('+')].join(':');
  return { ...repair, tag };
}

/** Of a task's tags the one that counts: the gravest result, a pending one last; of equal ones the latest. */
function gravest(task: readonly Repair[]): Repair {
  const rank = ({ result }: Repair) => (result === undefined ? -1 : repairResults.indexOf(result));
  return [...task].sort((a, b) => rank(a) - rank(b) || a.time - b.time).at(-1)!;
}

function stateOf(repair: Repair): RepairState {
  if (repair.result === undefined) return { kind: 'pending', repair };
  return repair.result === 'failure' ? { kind: 'failed', repair } : { kind: 'healthy', repair };
}

/** Takes in the tags of one repair task, after those of older ones. */
function withTask(record: RepairRecord, task: readonly Repair[]): RepairRecord {
  const newest = gravest(task);
  const { state, instance } = record;
  if (state.kind === 'failed') return record;
  if (state.kind === 'pending') {
    throw new RepairConflict(
      `An unfinished repair was found in instance ${instance.name}: found tag ${quoted(newest.tag)}, ` +
        `but older pending tag ${quoted(state.repair.tag)}exists.`,
    );
  }
  const stale = state.repair === undefined ? record.staleTags : [state.repair.tag, ...record.staleTags];
  return { instance, state: stateOf(newest), staleTags: stale };
}

/** What an instance's tags say of its repairs. Throws RepairConflict. */
export function initialRecord(instance: Instance): RepairRecord {
  const tasks = new Map<string, Repair[]>();
  const repairs = instance.tags.flatMap((tag) => parseRepairTag(tag) ?? []);
  for (const repair of repairs.sort((a, b) => (a.uuid < b.uuid ? -1 : a.uuid > b.uuid ? 1 : 0))) {
    const task = tasks.get(repair.uuid);
    if (task === undefined) tasks.set(repair.uuid, [repair]);
    else task.push(repair);
  }
  const begun = (task: readonly Repair[]) => Math.min(...task.map(({ time }) => time));
  return [...tasks.values()]
    .sort((a, b) => begun(a) - begun(b))
    .reduce<RepairRecord>(withTask, {
      instance,
      state: { kind: 'healthy', repair: undefined },
      staleTags: [],
    });
}

/** The record after its state changed; the tag of the old state becomes stale. */
export function withState(record: RepairRecord, state: RepairState): RepairRecord {
  const old = record.state.repair?.tag;
  const staleTags = old === undefined ? record.staleTags : [old, ...record.staleTags];
  return { ...record, state, staleTags };
}

export interface SuggestedRepair {
  readonly type: RepairType;
  readonly opcodes: readonly Opcode[];
}

const allocator = 'hail';

function recreate(instance: Instance): Opcode[] {
  return [
    {
      OP_ID: 'OP_INSTANCE_RECREATE_DISKS',
      instance_name: instance.name,
      disks: [],
      nodes: [],
      iallocator: allocator,
    },
    { OP_ID: 'OP_INSTANCE_REINSTALL', instance_name: instance.name, force_variant: false },
  ];
}

/** What would mend the instance; undefined when nothing is wrong, or nothing known helps. */
export function suggestRepair(nodes: NodeTable, instance: Instance): SuggestedRepair | undefined {
  const primaryDead = nodes.offline[instance.primary] === 1;
  if (instance.template === 'plain') {
    return primaryDead ? { type: 'reinstall', opcodes: recreate(instance) } : undefined;
  }
  if (instance.template !== 'drbd') return undefined;
  const secondaryDead = nodes.offline[instance.secondary] === 1;
  if (primaryDead && secondaryDead) return { type: 'reinstall', opcodes: recreate(instance) };
  if (primaryDead) return { type: 'failover', opcodes: [failoverOpcode(instance, undefined)] };
  if (!secondaryDead) return undefined;
  return { type: 'fix-storage', opcodes: [replaceSecondaryOpcode(instance, { allocator })] };
}

/** Whether a policy that goes up to one kind of repair allows another. */
export function isAllowed(type: RepairType, upTo: string): boolean {
  return repairTypes.indexOf(type) <= repairTypes.indexOf(upTo as RepairType);
}
