/** Version numbers of config.data: 3010000 is 3.1, revision 0 (utils.version). */
import { Failure } from '../../kit/failure.ts';

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly revision: number;
}

export function splitVersion(version: number): Version {
  return {
    major: Math.floor(version / 1_000_000),
    minor: Math.floor(version / 10_000) % 100,
    revision: version % 10_000,
  };
}

export function describeVersion(version: number): string {
  const { major, minor } = splitVersion(version);
  return `${major}.${minor}`;
}

/** The oldest and the newest version that can be read. */
const oldest = 2_070_000;
const newest = 3_029_999;

/** @throws Failure ConfigVersionMismatch */
export function checkReadable(version: unknown): asserts version is number {
  if (typeof version !== 'number' || !Number.isInteger(version) || version < oldest || version > newest) {
    const shown = typeof version === 'number' ? `${version} (${describeVersion(version)})` : String(version);
    throw new Failure('ConfigVersionMismatch', [
      `Configuration version ${shown} is not supported: ${describeVersion(oldest)} to ${describeVersion(newest)} can be read`,
      version,
    ]);
  }
}
