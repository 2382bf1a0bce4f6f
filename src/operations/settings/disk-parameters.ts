/** Changes of disk parameters, of the cluster and of groups. */

import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { ErrorCode, Failure, prerequisiteFailure } from '../../kit/failure.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import type { Parameters } from '../../model/objects/common.ts';
import type { Instance } from '../../model/objects/instance.ts';
import { changeLevel, enforceTypes, type ParameterValues } from '../../model/params/family.ts';
import { storageAbout, storageTemplates } from '../../storage/catalog.ts';

type ByTemplate = Readonly<Record<string, Parameters>>;

export const kernelAccess = 'kernelspace';
export const accessModes = [kernelAccess, 'userspace'];

function requireKnown(change: Readonly<Record<string, ParameterValues>>): void {
  const known = new Set(storageTemplates.flatMap(({ params }) => Object.keys(params)));
  const foreign: string[] = [];
  for (const [template, values] of Object.entries(change)) {
    const { params } = storageAbout(template);
    for (const name of Object.keys(values)) {
      if (!known.has(name)) throw new Failure('TypeEnforcementError', [`Unknown parameter '${name}'`]);
      if (!(name in params)) foreign.push(`${template}/${name}`);
    }
  }
  if (foreign.length > 0) {
    throw prerequisiteFailure(
      `While verify diskparams options: Provided option keys not supported: ${foreign.join(', ')}`,
      ErrorCode.invalid,
    );
  }
}

/**
 * The parameters of each template after a user's change: "default" takes a value away.
 * @throws Failure for names and values that the template doesn't have
 */
export function changedDiskParameters(
  old: ByTemplate,
  change: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Record<string, Parameters> {
  const wanted = change as Readonly<Record<string, ParameterValues>>;
  requireKnown(wanted);
  const result: Record<string, Parameters> = { ...old };
  for (const [template, values] of Object.entries(wanted)) {
    const { params } = storageAbout(template);
    const next = changeLevel(old[template] ?? {}, enforceTypes(params, values));
    const access = next.access ?? kernelAccess;
    if (!accessModes.includes(String(access))) {
      throw prerequisiteFailure(
        `Invalid value of '${template}:access': '${String(access)}' (expected one of ${accessModes.join(', ')})`,
        ErrorCode.invalid,
      );
    }
    result[template] = next;
  }
  return result;
}

/** @throws Failure OpPrereqError when an instance's hypervisor can't reach its disks the way that is asked for */
export function requireReachableDisks(
  configuration: Configuration,
  instances: Iterable<Instance>,
  parameters: ByTemplate,
): void {
  for (const instance of instances) {
    for (const { dev_type: template } of disksOf(configuration, instance)) {
      const access = parameters[template]?.access ?? kernelAccess;
      if (!storageAbout(template).userspaceAccess || access === kernelAccess) continue;
      if (hypervisorAbout(instance.hypervisor).userspaceDisks) continue;
      throw prerequisiteFailure(
        `While verify diskparams options: Instance ${instance.name}: cannot use '${access}' access setting` +
          ` with ${instance.hypervisor} hypervisor and ${template} disk type.`,
        ErrorCode.invalid,
      );
    }
  }
}
