/** Which versions a cluster can be brought to, and how (utils/version.py). Pure. */

/** Major, minor, revision. */
export type Version = readonly [number, number, number];

/** "3.1" and "3.1.2", with what a distribution appends; undefined for anything else. */
export function parseVersion(text: string): Version | undefined {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?(?:$|[-~+].*$)/.exec(text);
  if (match === null) return undefined;
  const [, major, minor, revision = '0'] = match;
  return [Number(major), Number(minor), Number(revision)];
}

/** The version of config.data as its field says it: 3010000 is 3.1.0. */
export function configurationVersionOf(field: number): Version {
  return [Math.floor(field / 1_000_000), Math.floor(field / 10_000) % 100, field % 10_000];
}

/** The folder name of a version below /usr/lib/ganeti: "3.1". */
export const folderOf = ([major, minor]: Version) => `${major}.${minor}`;

const isFirst = ([major, minor]: Version) => major > 2 || (major === 2 && minor >= 10);

/** Why that can't be done by itself, or nothing. */
export function upgradeFault(target: Version, current: Version): string | undefined {
  if (!isFirst(target) || !isFirst(current)) return 'automatic upgrades only supported from 2.10 onwards';
  if (target[0] !== current[0]) {
    const pair = [folderOf(current), folderOf(target)].sort().join();
    if (pair === '2.16,3.0') return undefined;
    return 'major version up- or downgrades are only supported between 2.16 and 3.0';
  }
  if (target[1] < current[1] - 1) return 'can only downgrade one minor version at a time';
  return undefined;
}

/** Has the configuration to be written in the older form before the older programs start? */
export function needsDowngrade(target: Version, current: Version): boolean {
  return target[0] === current[0] && target[1] === current[1] - 1;
}

/** What `intent-to-upgrade` says: an upgrade that has begun, with its two versions. */
export interface Intent {
  readonly from: string;
  readonly to: string;
}

/** The file has three values, joined by commas; a backslash protects one. undefined when it is malformed. */
export function parseIntent(text: string): Intent | undefined {
  const parts = text.match(/(?:\\.|[^,\\])+/gs)?.map((part) => part.replaceAll(/\\(.)/gs, '$1')) ?? [];
  const [from, to] = parts;
  return parts.length === 3 && from !== undefined && to !== undefined ? { from, to: to.trim() } : undefined;
}

export function formatIntent({ from, to }: Intent, pid: number): string {
  return [from, to, String(pid)].map((part) => part.replaceAll(/([\\,])/g, '\\$1')).join(',');
}

/**
 * Does the configuration belong to the new version already, when an upgrade is taken up again? Two versions of the
 * same minor number can't be told apart by it: then it has not been touched yet unless the new programs run.
 */
export function isConfigurationChanged(target: Version, configuration: Version, running: Version): boolean {
  if (target[0] !== configuration[0] || target[1] !== configuration[1]) return false;
  return folderOf(target) === folderOf(running) || folderOf(configuration) !== folderOf(running);
}
