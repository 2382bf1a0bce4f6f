/** Options of gnt-backup alone. */
import { decimal, flag, integer, negativeFlag, text } from '../optparse/option.ts';

export const transportCompression = text(
  ['--transport-compression'],
  'transport_compression',
  'The compression mode to use during transport',
  { default: 'none' },
);
export const noshutdown = negativeFlag(['--noshutdown'], 'shutdown', "Don't shutdown the instance (unsafe)");
export const removeInstance = flag(
  ['--remove-instance'],
  'remove_instance',
  'Remove the instance from the cluster',
);
export const ignoreRemoveFailures = flag(
  ['--ignore-remove-failures'],
  'ignore_remove_failures',
  'Remove the instance from the cluster configuration even if there are failures during the removal process',
);
export const zeroFreeSpace = flag(
  ['--zero-free-space'],
  'zero_free_space',
  'Whether to zero the free space on the disks of the instance prior to the export',
);
export const zeroingTimeoutFixed = integer(
  ['--zeroing-timeout-fixed'],
  'zeroing_timeout_fixed',
  'The fixed amount of time to wait before assuming that the zeroing failed',
);
export const zeroingTimeoutPerMib = decimal(
  ['--zeroing-timeout-per-mib'],
  'zeroing_timeout_per_mib',
  'The amount of time to wait per MiB of data to zero, in addition to the fixed timeout',
);
export const longSleep = flag(
  ['--long-sleep'],
  'long_sleep',
  'Allow long shutdowns when backing up instances',
);
export const identifyDefaults = flag(
  ['--identify-defaults'],
  'identify_defaults',
  'Identify which saved instance parameters are equal to the current cluster defaults and set them as such, instead of marking them as overridden',
);
export const srcDir = text(['--src-dir'], 'src_dir', 'Source directory', { metavar: '<dir>' });
export const srcNode = text(['--src-node'], 'src_node', 'Source node', {
  metavar: '<node>',
  completes: 'one_node',
});
