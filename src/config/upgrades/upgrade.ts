/** A config.data of any version from 2.7 to 3.2 as one of the version that is written (3.1). */
import { Failure } from '../../kit/failure.ts';
import { configurationVersion } from '../../model/configuration.ts';
import { defaultInstancePolicy } from '../../model/params/instance-policy.ts';
import { fillDefaults } from './defaults.ts';
import {
  liftDisks,
  nameToUuid,
  nodesOfDisks,
  upgradeCluster,
  upgradeInstances,
  upgradePolicies,
} from './older.ts';
import { isRaw, type Raw } from './raw.ts';
import { checkReadable } from './version.ts';

export interface Upgraded {
  /** What parseConfiguration takes. */
  readonly data: Raw;
  /** The version that it had, when it was another than the one that is written. */
  readonly from: number | undefined;
  /** What had to be left out, for the log. */
  readonly notes: readonly string[];
}

/**
 * Changes `raw` in place.
 * @throws Failure ConfigVersionMismatch for a version that can't be read
 */
export function upgradeConfiguration(raw: unknown): Upgraded {
  if (!isRaw(raw)) throw new Failure('ConfigurationError', ['config.data is no JSON object']);
  const version = raw.version;
  checkReadable(version);
  if (!isRaw(raw.cluster)) throw new Failure('ConfigurationError', ['config.data has no cluster']);
  if (version < configurationVersion) {
    upgradePolicies(raw, defaultInstancePolicy as Raw);
    upgradeCluster(raw);
    upgradeInstances(raw);
    liftDisks(raw);
    nameToUuid(raw);
    nodesOfDisks(raw);
  }
  const notes = fillDefaults(raw);
  raw.version = configurationVersion;
  return { data: raw, from: version === configurationVersion ? undefined : version, notes };
}
