/** The built-in instance policy (constants.IPOLICY_DEFAULTS). Sizes are MiB. */
import { diskTemplates } from '../names.ts';
import type { InstancePolicy, PartialInstancePolicy } from '../objects/instance-policy.ts';

const least = {
  'memory-size': 128,
  'cpu-count': 1,
  'disk-count': 1,
  'disk-size': 1024,
  'nic-count': 1,
  'spindle-use': 1,
};
const most = {
  'memory-size': 32768,
  'cpu-count': 8,
  'disk-count': 16,
  'disk-size': 1048576,
  'nic-count': 8,
  'spindle-use': 12,
};

export const defaultInstancePolicy: InstancePolicy = {
  minmax: [{ min: least, max: most }],
  std: least,
  'vcpu-ratio': 4,
  'spindle-ratio': 32,
  'disk-templates': [...diskTemplates].sort(),
};

/** A group's policy over the cluster's (objects.FillIPolicy): keys of the group win, `std` is merged. */
export function fillInstancePolicy(cluster: InstancePolicy, group: PartialInstancePolicy): InstancePolicy {
  const own = Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined));
  return { ...cluster, ...own, std: { ...cluster.std, ...group.std } };
}
