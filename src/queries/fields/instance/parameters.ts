/** Parameters of an instance: as they hold, as it has its own, and each by name. */
import { hypervisorAbouts } from '../../../hypervisors/catalog.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { backendParameters } from '../../../model/params/backend.ts';
import type { ParameterDefinition, ParameterValues } from '../../../model/params/family.ts';
import { filledOs } from '../../../model/params/fill.ts';
import { ifSet } from '../../cell.ts';
import type { View } from '../../field.ts';
import { parameterFields } from '../common.ts';
import { type InstanceField, plain } from './builders.ts';

/** Parameters that an instance can have, of all hypervisors; those that stand at cluster level only left out. */
const families = hypervisorAbouts.map((about) => about.params);
const ofInstances: Record<string, ParameterDefinition> = {};
const ofCluster = new Set<string>();
for (const [name, definition] of families.flatMap((family) => Object.entries(family))) {
  if (definition.global === true) ofCluster.add(name);
  else ofInstances[name] ??= definition;
}

function hypervisorValues(instance: Instance, { relations }: View): ParameterValues {
  return relations.hvparams(instance);
}

function withoutGlobals(values: ParameterValues): ParameterValues {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !ofCluster.has(name)));
}

export const parametersFields: InstanceField[] = [
  plain(
    'beparams',
    'BackendParameters',
    'other',
    'Back-end parameters, inherited ones included',
    (i, { relations }) => relations.beparams(i),
  ),
  plain(
    'custom_beparams',
    'CustomBackendParameters',
    'other',
    'Back-end parameters of its own',
    (i) => i.beparams,
  ),
  ...parameterFields<Instance>('be', 'back-end', backendParameters, (instance, { relations }) =>
    relations.beparams(instance),
  ),
  plain(
    'hvparams',
    'HypervisorParameters',
    'other',
    'Hypervisor parameters, inherited ones included',
    (instance, view) => withoutGlobals(hypervisorValues(instance, view)),
  ),
  plain(
    'custom_hvparams',
    'CustomHypervisorParameters',
    'other',
    'Hypervisor parameters of its own',
    (i) => i.hvparams,
  ),
  ...parameterFields<Instance>('hv', 'hypervisor', ofInstances, hypervisorValues, ifSet),
  plain(
    'osparams',
    'OpSysParameters',
    'other',
    'OS parameters, inherited ones included; never private ones',
    (instance, { configuration }) => filledOs(configuration.cluster, instance.os, instance.osparams),
  ),
  plain('custom_osparams', 'CustomOpSysParameters', 'other', 'OS parameters of its own', (i) => i.osparams),
  plain('custom_nicparams', 'CustomNicParameters', 'other', "Parameters of its interfaces' own", (instance) =>
    instance.nics.map((nic) => nic.nicparams),
  ),
];
