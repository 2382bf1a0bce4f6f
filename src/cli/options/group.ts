/** Options of gnt-group alone. */
import { flag, text } from '../optparse/option.ts';

export const allocPolicy = text(['--alloc-policy'], 'alloc_policy', 'Allocation policy for the node group', {
  metavar: 'POLICY',
});
export const sequential = flag(['--sequential'], 'sequential', 'Execute all resulting jobs sequentially');
export const forceFailover = flag(
  ['--force-failover'],
  'force_failover',
  'Do not use migration, always use failover',
);
export const includeDefaults = flag(['--include-defaults'], 'include_defaults', 'Include default values');
