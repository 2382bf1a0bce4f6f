/** Settings that stand for themselves: limits, lists, switches, names of programs. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlanContext } from '../../operation.ts';
import { macPrefixOf } from '../../settings/mac-prefix.ts';
import { type ClusterChange, isGiven, type Modification, type Op, wrongInput } from './request.ts';

/** Taken over as they are when they are given. */
const plain = [
  'candidate_pool_size',
  'max_running_jobs',
  'max_tracked_jobs',
  'maintain_node_health',
  'modify_etc_hosts',
  'prealloc_wipe_disks',
  'default_iallocator',
  'default_iallocator_params',
  'reserved_lvs',
  'use_external_mip_script',
  'enabled_user_shutdown',
  'compression_tools',
] as const satisfies readonly Extract<keyof Op, keyof ClusterChange>[];

type UidRange = readonly [number, number];

/** constants.UIDPOOL_UID_MIN and UIDPOOL_UID_MAX. */
const lowestUid = 0;
const highestUid = 4_294_967_295;

function requireRanges(ranges: readonly UidRange[] | null): void {
  for (const [lower, higher] of ranges ?? []) {
    if (lower > higher) {
      throw wrongInput(
        `Lower user-id range boundary value (${lower}) is larger than higher boundary value (${higher})`,
      );
    }
    if (lower < lowestUid) {
      throw wrongInput(
        `Lower user-id range boundary value (${lower}) is smaller than UIDPOOL_UID_MIN (${lowestUid}).`,
      );
    }
    if (higher > highestUid) {
      throw wrongInput(
        `Higher user-id boundary value (${higher}) is larger than UIDPOOL_UID_MAX (${highestUid}).`,
      );
    }
  }
}

/** First what comes, then what goes; a whole new pool replaces both. */
function modifyUidPool({ op, cluster, change }: Modification): void {
  for (const ranges of [op.uid_pool, op.add_uids, op.remove_uids]) requireRanges(ranges);
  if (op.uid_pool === null && op.add_uids === null && op.remove_uids === null) return;
  const isSame = (a: readonly number[], b: readonly number[]) => a[0] === b[0] && a[1] === b[1];
  let pool: (readonly number[])[] = [...cluster.uid_pool];
  for (const range of op.add_uids ?? []) if (!pool.some((each) => isSame(each, range))) pool.push(range);
  for (const range of op.remove_uids ?? []) {
    if (!pool.some((each) => isSame(each, range))) {
      throw wrongInput(
        `User-id range to be removed is not found in the current user-id pool: (${range.join(', ')})`,
      );
    }
    pool = pool.filter((each) => !isSame(each, range));
  }
  const next = op.uid_pool ?? pool.sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
  change.uid_pool = next.map((range) => [...range]);
}

/** Allocators that are part of this software. */
const ownAllocators = ['hail'];

async function requireAllocator({ paths }: PlanContext, name: string): Promise<void> {
  if (ownAllocators.includes(name)) return;
  if (/^[\w.-]+$/.test(name)) {
    for (const folder of paths.iallocatorSearchPath) {
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (found?.isFile()) return;
    }
  }
  throw wrongInput(`Invalid default iallocator script '${name}' specified`);
}

function requireTools(tools: readonly string[]): void {
  const illegal = tools.filter((tool) => !/^[-_a-zA-Z0-9]+$/.test(tool));
  if (illegal.length > 0) {
    throw wrongInput(
      `The tools '${illegal.join(', ')}' contain illegal characters: only alphanumeric values, dashes, and underscores are allowed`,
    );
  }
  if (!tools.includes('gzip'))
    throw wrongInput(
      'For compatibility reasons, the gzip utility must be present among the compression tools',
    );
  if (tools.includes('none'))
    throw wrongInput(
      'none is a reserved value used for no compression, and cannot be used as the name of a tool',
    );
}

/** An image is named by an absolute path or by a URL. */
function requireImage(image: string, title: string): void {
  if (!/^(https?|ftp|file):\/\//.test(image) && !image.startsWith('/'))
    throw wrongInput(`${title} must be an absolute path or a URL`);
}

function requirePatterns(patterns: readonly string[]): void {
  for (const pattern of patterns) {
    try {
      new RegExp(pattern);
    } catch {
      throw wrongInput(`'${pattern}' is not a pattern of names of logical volumes`);
    }
  }
}

function modifyCollectors({ op, cluster, change }: Modification): void {
  const collectors = { ...cluster.data_collectors };
  const collector = (name: string) => {
    const found = collectors[name];
    if (found === undefined) throw wrongInput(`There is no data collector '${name}'`);
    return found;
  };
  for (const [name, active] of Object.entries(op.enabled_data_collectors ?? {}))
    collectors[name] = { ...collector(name), active };
  for (const [name, interval] of Object.entries(op.data_collector_interval ?? {}))
    collectors[name] = { ...collector(name), interval };
  if (isGiven(op.enabled_data_collectors) || isGiven(op.data_collector_interval))
    change.data_collectors = collectors;
}

export async function modifySimple(modification: Modification): Promise<void> {
  const { op, change, context } = modification;
  if (op.default_iallocator) await requireAllocator(context, op.default_iallocator);
  if (op.compression_tools !== null) requireTools(op.compression_tools);
  if (op.reserved_lvs !== null) requirePatterns(op.reserved_lvs);
  if (op.install_image !== null) {
    requireImage(op.install_image, 'Install image');
    change.install_image = op.install_image;
  }
  if (op.zeroing_image !== null) {
    requireImage(op.zeroing_image, 'Zeroing image');
    change.zeroing_image = op.zeroing_image;
  }
  if (op.mac_prefix !== null) change.mac_prefix = macPrefixOf(op.mac_prefix);
  for (const name of plain) {
    const value = op[name];
    if (value !== null) Object.assign(change, { [name]: value });
  }
  modifyUidPool(modification);
  modifyCollectors(modification);
}
