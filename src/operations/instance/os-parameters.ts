/**
 * OS parameters of an instance: public ones, private ones that are stored but never shown, secret ones that
 * live in memory for as long as the job does.
 */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { changeLevel } from '../../model/params/family.ts';
import { filledPrivateOs, mergedOs } from '../../model/params/fill.ts';

type Values = Readonly<Record<string, string>>;
type Given = Readonly<Record<string, unknown>> | null | undefined;

/** Name of the public parameter that says which image is to be written to the first disk. */
const imageParameter = 'os-image';

export function osValues(given: Given): Record<string, string> {
  return Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, String(value)]));
}

export interface OsChange {
  readonly osparams: Given;
  readonly osparams_private: Given;
}

/** Public and private parameters after a change; "default" takes a value away. @throws Failure OpPrereqError */
export function changedOs(
  instance: Pick<Instance, 'osparams' | 'osparams_private'>,
  change: OsChange,
): Pick<Instance, 'osparams' | 'osparams_private'> {
  const visible = osValues(change.osparams);
  const hidden = osValues(change.osparams_private);
  const repeated = Object.keys(visible).filter((name) => name in hidden);
  if (repeated.length > 0) {
    throw prerequisiteFailure(
      `OS parameters repeated multiple times: ${repeated.join(', ')}`,
      ErrorCode.invalid,
    );
  }
  return {
    osparams: changeLevel(instance.osparams, visible) as Values,
    osparams_private: changeLevel(instance.osparams_private, hidden) as Values,
  };
}

/** What scripts get beside the public parameters. Never to be journalled, logged or shown. */
export function hiddenOs(cluster: Cluster, os: string, own: Values, secret: Given): Values {
  return mergedOs({}, filledPrivateOs(cluster, os, own), osValues(secret));
}

/** The image that the first disk begins with, if any. @throws Failure OpPrereqError when it can't be one */
export function osImage(osparams: Values): string | undefined {
  const image = osparams[imageParameter] ?? '';
  if (image === '') return undefined;
  if (image.startsWith('/') || /^https?:\/\//.test(image)) return image;
  throw prerequisiteFailure('OS image must be an absolute path or a URL', ErrorCode.invalid);
}
