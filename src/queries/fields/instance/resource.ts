/** Instances: every field, and the second names that some have. */
import type { Instance } from '../../../model/objects/instance.ts';
import { alias, type Field } from '../../field.ts';
import { fetchInstances, type InstanceLive } from '../../live/instance.ts';
import { namedObjects } from '../../objects.ts';
import { resource } from '../../resource.ts';
import { identityFields, tagsField } from '../common.ts';
import { basicFields } from './basic.ts';
import { diskFields, otherVolumeGroupsField } from './disks.ts';
import { liveFields } from './live.ts';
import { nicFields } from './nics.ts';
import { parametersFields } from './parameters.ts';

const aliases: readonly (readonly [name: string, of: string])[] = [
  ['vcpus', 'be/vcpus'],
  ['be/memory', 'be/maxmem'],
  ['sda_size', 'disk.size/0'],
  ['sdb_size', 'disk.size/1'],
  ['ip', 'nic.ip/0'],
  ['mac', 'nic.mac/0'],
  ['bridge', 'nic.bridge/0'],
  ['nic_mode', 'nic.mode/0'],
  ['nic_link', 'nic.link/0'],
  ['nic_network', 'nic.network/0'],
];

const fields: Field<Instance, InstanceLive>[] = [
  ...basicFields,
  ...parametersFields,
  ...diskFields,
  ...nicFields,
  ...liveFields,
  ...identityFields<Instance>('instance'),
  tagsField<Instance>(),
];

function aliasOf([name, of]: readonly [string, string]): Field<Instance, InstanceLive> {
  return alias(name, fields.find((field) => field.name === of)!);
}

export const instances = resource<Instance, InstanceLive>({
  name: 'instance',
  nameField: 'name',
  uuidField: 'uuid',
  fields: [...fields, ...aliases.map(aliasOf)],
  further: [otherVolumeGroupsField],
  items: ({ configuration }, wish) => namedObjects('Instance', configuration.instances, wish),
  fetch: fetchInstances,
});
