/** Options that commands on several kinds of things share. */
import { diskTemplates } from '../../model/names.ts';
import {
  choice,
  flag,
  integer,
  keyValues,
  mappedChoice,
  maybeTexts,
  negativeFlag,
  secretKeyValues,
  text,
  texts,
} from '../optparse/option.ts';

const priorities = { low: 10, normal: 0, high: -10 };

export const nodes = texts(
  ['-n', '--node'],
  'nodes',
  'Use only this node (can be used multiple times, if not given defaults to all nodes)',
  { metavar: '<node>', completes: 'one_node' },
);
export const force = flag(['-f', '--force'], 'force', 'Force the operation');
export const shutdownTimeout = integer(
  ['--shutdown-timeout'],
  'shutdown_timeout',
  'Maximum time (in seconds) to wait for instance shutdown',
  { default: 120 },
);
export const dryRun = flag(
  ['--dry-run'],
  'dry_run',
  'Do not execute the operation, just run the check steps and verify if it could be executed',
);
export const priority = mappedChoice(
  ['--priority'],
  'priority',
  priorities,
  'Priority for opcode processing',
  { metavar: 'low|normal|high' },
);
export const submit = flag(
  ['--submit'],
  'submit_only',
  "Submit the job and return the job ID, but don't wait for the job to finish",
);
export const printJobId = flag(
  ['--print-jobid'],
  'print_jobid',
  'Additionally print the job as first line on stdout (for scripting).',
);
export const backendParameters = keyValues(['-B', '--backend-parameters'], 'beparams', 'Backend parameters');
export const diskTemplate = choice(
  ['-t', '--disk-template'],
  'disk_template',
  diskTemplates,
  `Custom disk setup (${diskTemplates.join(', ')})`,
  { metavar: 'TEMPL' },
);
export const iallocator = text(
  ['-I', '--iallocator'],
  'iallocator',
  'Select nodes for the instance automatically using the <NAME> iallocator plugin',
  { metavar: '<NAME>', completes: 'one_iallocator' },
);
export const nodeGroup = text(['-g', '--node-group'], 'nodegroup', 'Node group (name or uuid)', {
  metavar: '<nodegroup>',
  completes: 'one_nodegroup',
});
export const noConflictsCheck = negativeFlag(
  ['--no-conflicts-check'],
  'conflicts_check',
  "Don't check for conflicting IPs",
);
export const osParameters = keyValues(['-O', '--os-parameters'], 'osparams', 'OS parameters');
export const osParametersPrivate = secretKeyValues(
  ['--os-parameters-private'],
  'osparams_private',
  "Private OS parameters (won't be logged)",
);
export const osParametersSecret = secretKeyValues(
  ['--os-parameters-secret'],
  'osparams_secret',
  "Secret OS parameters (won't be logged or saved; you must supply these for every operation.)",
);
export const tags = text(['--tags'], 'tags', 'Comma-separated list of instance tags');
export const tagsFrom = text(['--from'], 'tags_source', 'File with tag names');
export const showAll = flag(
  ['--all'],
  'show_all',
  'Show info on all instances on the cluster. This can take a long time to run, use wisely',
);
export const osType = text(['-o', '--os-type'], 'os', 'What OS to run', {
  metavar: '<os>',
  completes: 'one_os',
});
export const toGroup = maybeTexts(['--to'], 'to', 'Destination node group (name or uuid)', {
  metavar: '<group>',
  completes: 'one_nodegroup',
});
export const earlyRelease = flag(
  ['--early-release'],
  'early_release',
  'Release the locks on the secondary node(s) early',
);
export const ignoreConsistency = flag(
  ['--ignore-consistency'],
  'ignore_consistency',
  'Ignore the consistency of the disks on the secondary. The source node must be marked offline first for this to succeed.',
);
export const targetNode = text(
  ['-n', '--target-node'],
  'dst_node',
  'Specifies the new node for the instance',
  { metavar: 'NODE', completes: 'one_node' },
);
export const nonLive = negativeFlag(
  ['--non-live'],
  'live',
  'Do a non-live migration (this usually means freeze the instance, save the state, transfer and only then resume running on the secondary node)',
);
export const migrationMode = choice(
  ['--migration-mode'],
  'migration_mode',
  ['non-live', 'live'],
  'Override default migration mode (choose either live or non-live',
);
export const noRuntimeChanges = negativeFlag(
  ['--no-runtime-changes'],
  'allow_runtime_chgs',
  "Don't allow runtime changes",
);
export const newSecondary = text(['-n', '--new-secondary'], 'dst_node', 'Specifies the new secondary node', {
  metavar: 'NODE',
  completes: 'one_node',
});
