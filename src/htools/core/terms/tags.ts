/**
 * Tags that steer the tools (htools(1), "TAGS HONORED"): exclusion, locations, migration, standby,
 * auto-repair.
 */
import type { RepairPolicy } from './instance.ts';

export const standbyPrefix = 'htools:standby:';
export const standbyAutoTag = 'htools:standby:auto';
export const repairPrefix = 'ganeti:watcher:autorepair:';
export const repairPendingPrefix = `${repairPrefix}pending:`;
export const repairResultPrefix = `${repairPrefix}result:`;
const repairSuspendPrefix = `${repairPrefix}suspend:`;

/** Kinds of repair, from the least to the most destructive. */
export const repairTypes = ['fix-storage', 'migrate', 'failover', 'reinstall'] as const;
export type RepairType = (typeof repairTypes)[number];

/**
 * What follows a prefix that ends in a separator. The separator may be missing when nothing follows;
 * undefined when the tag has another prefix.
 */
export function afterPrefix(prefix: string, tag: string): string | undefined {
  if (tag.startsWith(prefix)) return tag.slice(prefix.length);
  return tag === prefix.slice(0, -1) ? '' : undefined;
}

function allAfter(prefix: string, tags: readonly string[]): string[] {
  return tags.flatMap((tag) => afterPrefix(prefix, tag) || []);
}

/** Instances with a common tag of one of these beginnings must not share a node. */
export function exclusionPrefixes(clusterTags: readonly string[]): string[] {
  return allAfter('htools:iextags:', clusterTags);
}

export function desiredLocationPrefixes(clusterTags: readonly string[]): string[] {
  return allAfter('htools:desiredlocation:', clusterTags);
}

function sortedSet(tags: readonly string[]): string[] {
  return [...new Set(tags)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Node tags that begin with what a cluster tag of the given prefix names, and a colon. */
function namedTags(prefix: string, clusterTags: readonly string[], nodeTags: readonly string[]): string[] {
  return sortedSet(
    clusterTags
      .filter((tag) => tag.startsWith(prefix))
      .flatMap((tag) => nodeTags.filter((nodeTag) => nodeTag.startsWith(`${tag.slice(prefix.length)}:`))),
  );
}

export function locationsOf(clusterTags: readonly string[], nodeTags: readonly string[]): string[] {
  return namedTags('htools:nlocation:', clusterTags, nodeTags);
}

export function migrationRestrictions(clusterTags: readonly string[], nodeTags: readonly string[]): string[] {
  return namedTags('htools:migration:', clusterTags, nodeTags);
}

/** "a::b": instances may go from nodes with tag a to nodes with tag b. */
function allowedMigrations(clusterTags: readonly string[]): [from: string, to: string][] {
  const prefix = 'htools:allowmigration:';
  return clusterTags.flatMap((tag) => {
    if (!tag.startsWith(prefix)) return [];
    const body = tag.slice(prefix.length);
    const at = body.indexOf('::');
    if (at < 0 || body.slice(at + 2).includes('::')) return [];
    return [[body.slice(0, at), body.slice(at + 2)] as [string, string]];
  });
}

/** Restrictions of a source node that a node with these tags can meet. */
export function acceptedMigrations(
  clusterTags: readonly string[],
  nodeTags: readonly string[],
): ReadonlySet<string> {
  const allowed = allowedMigrations(clusterTags);
  return new Set(
    migrationRestrictions(clusterTags, nodeTags).flatMap((tag) => [
      tag,
      ...allowed.filter(([, to]) => to === tag).map(([from]) => from),
    ]),
  );
}

export function isStandby(nodeTags: readonly string[]): boolean {
  return nodeTags.some((tag) => tag.startsWith(standbyPrefix));
}

/**
 * The auto-repair policy that tags set; undefined when they set none. A suspension counts even where nothing
 * is enabled, so that a group or an instance can suspend what its cluster enables.
 */
export function autoRepairPolicy(tags: readonly string[], now: number): RepairPolicy | undefined {
  const suspended = tags.flatMap((tag) => afterPrefix(repairSuspendPrefix, tag) ?? []);
  if (suspended.includes('')) return { kind: 'suspended', until: 'forever' };
  const until = suspended.filter((text) => /^-?\d+$/.test(text)).map(Number);
  const latest = Math.max(...until.filter((time) => time > now));
  if (latest > now) return { kind: 'suspended', until: latest };
  const enabled = tags.flatMap((tag) => afterPrefix(repairPrefix, tag) ?? []);
  const allowed = repairTypes.find((type) => enabled.includes(type));
  return allowed === undefined ? undefined : { kind: 'enabled', upTo: allowed };
}
