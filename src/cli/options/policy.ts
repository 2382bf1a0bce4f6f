/** Options of instance policies: bounds, standard sizes, ratios. */
import {
  flag,
  keyValues,
  list,
  maybeDecimal,
  maybeKeyValues,
  specificationLists,
} from '../optparse/option.ts';

export const ignoreIpolicy = flag(
  ['--ignore-ipolicy'],
  'ignore_ipolicy',
  'Ignore instance policy violations',
);
export const ipolicyStdSpecs = maybeKeyValues(
  ['--ipolicy-std-specs'],
  'ipolicy_std_specs',
  'Complete standard instance specs',
);
export const ipolicyBoundsSpecs = specificationLists(
  ['--ipolicy-bounds-specs'],
  'ipolicy_bounds_specs',
  'Complete instance specs limits',
);
export const ipolicyDiskTemplates = list(
  ['--ipolicy-disk-templates'],
  'ipolicy_disk_templates',
  'Comma-separated list of enabled disk templates',
);
export const ipolicyVcpuRatio = maybeDecimal(
  ['--ipolicy-vcpu-ratio'],
  'ipolicy_vcpu_ratio',
  'The maximum allowed vcpu-to-cpu ratio',
);
export const ipolicySpindleRatio = maybeDecimal(
  ['--ipolicy-spindle-ratio'],
  'ipolicy_spindle_ratio',
  'The maximum allowed instances to spindle ratio',
);
export const specsCpuCount = keyValues(
  ['--specs-cpu-count'],
  'ispecs_cpu_count',
  'CPU count specs: list of key=value, where key is one of min, max, std',
);
export const specsDiskCount = keyValues(
  ['--specs-disk-count'],
  'ispecs_disk_count',
  'Disk count specs: list of key=value, where key is one of min, max, std',
);
export const specsDiskSize = keyValues(
  ['--specs-disk-size'],
  'ispecs_disk_size',
  'Disk size specs: list of key=value, where key is one of min, max, std (in MB or using a unit)',
);
export const specsMemSize = keyValues(
  ['--specs-mem-size'],
  'ispecs_mem_size',
  'Memory size specs: list of key=value, where key is one of min, max, std (in MB or using a unit)',
);
export const specsNicCount = keyValues(
  ['--specs-nic-count'],
  'ispecs_nic_count',
  'NIC count specs: list of key=value, where key is one of min, max, std',
);
