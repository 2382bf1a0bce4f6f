/** Options of maintenance, jobs and output. */
import { readNumber, splitText } from '../../load/scan.ts';
import { submitPriorities } from '../options.ts';
import { flag, maybe, valued, yesNo } from './kinds.ts';

function nodeFields(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text.startsWith('+') ? ['+', ...splitText(text.slice(1), ',')] : splitText(text, ',');
}

export const maintenance = {
  nodeTags: valued(
    ['', 'node-tags', 'TAG,...'],
    'Restrict to nodes with the given tags',
    'string',
    (o, v) => {
      o.nodeTags = splitText(v, ',');
    },
  ),
  force: flag(
    ['f', 'force'],
    'force the execution of this program, even if warnings would otherwise prevent it',
    (o) => {
      o.force = true;
    },
  ),
  fullEvacuation: flag(['', 'full-evacuation'], 'fully evacuate the nodes to be rebooted', (o) => {
    o.fullEvacuation = true;
  }),
  ignoreNonRedundant: flag(
    ['', 'ignore-non-redundant'],
    'Pretend that there are no non-redundant instances in the cluster',
    (o) => {
      o.ignoreNonRedundant = true;
    },
  ),
  skipNonRedundant: flag(['', 'skip-non-redundant'], 'Skip nodes that host a non-redundant instance', (o) => {
    o.skipNonRedundant = true;
  }),
  offlineMaintenance: flag(
    ['', 'offline-maintenance'],
    'Schedule offline maintenance, i.e., pretend that all instance are offline.',
    (o) => {
      o.offlineMaintenance = true;
    },
  ),
  oneStepOnly: flag(['', 'one-step-only'], 'Only do the first step', (o) => {
    o.oneStepOnly = true;
  }),
};

export const jobs = {
  execute: flag(
    ['X', 'exec'],
    'execute the suggested moves via Luxi (only available when using it for data gathering)',
    (o) => {
      o.execute = true;
    },
  ),
  dryRun: flag(['', 'dry-run'], 'do not execute any commands and just report what would be done', (o) => {
    o.dryRun = true;
  }),
  firstJobGroup: flag(['', 'first-job-group'], 'only execute the first group of jobs', (o) => {
    o.firstJobGroup = true;
  }),
  jobDelay: valued(
    ['', 'job-delay', 'SECONDS'],
    'insert this much delay before the execution of repair jobs to allow the tool to continue processing ' +
      'instances',
    'float',
    (o, v) => {
      o.jobDelay = readNumber('job delay', v);
    },
  ),
  reason: valued(['', 'reason', 'REASON'], 'The reason to pass to the submitted jobs', 'none', (o, v) => {
    o.reason = v;
  }),
  priority: valued(
    ['', 'priority', 'PRIO'],
    'set the priority of submitted jobs',
    `choices=${submitPriorities.join(',')}`,
    (o, v) => {
      const priority = submitPriorities.find((known) => known === v);
      if (priority === undefined) throw new Error(`Unknown priority '${v}'`);
      o.priority = priority;
    },
  ),
};

export const output = {
  verbose: flag(['v', 'verbose'], 'increase the verbosity level', (o) => {
    o.verbosity += 1;
  }),
  quiet: flag(['q', 'quiet'], 'decrease the verbosity level', (o) => {
    o.verbosity -= 1;
  }),
  machineReadable: maybe(
    ['', 'machine-readable', 'CHOICE'],
    "enable machine readable output (pass either 'yes' or 'no' to explicitly control the flag, or without " +
      'an argument defaults to yes)',
    'choices=yes,no',
    (o, v) => {
      o.machineReadable = yesNo(v);
    },
  ),
  noHeaders: flag(['', 'no-headers'], 'do not show a header line', (o) => {
    o.noHeaders = true;
  }),
  printMoves: flag(['', 'print-moves'], 'print the moves of the instances', (o) => {
    o.printMoves = true;
  }),
  printInstances: flag(['', 'print-instances'], 'print the final instance map', (o) => {
    o.printInstances = true;
  }),
  printNodes: maybe(['p', 'print-nodes', 'FIELDS'], 'print the final node list', 'none', (o, v) => {
    o.nodeFields = nodeFields(v);
  }),
  printCommands: maybe(
    ['C', 'print-commands', 'FILE'],
    'print the ganeti command list for reaching the solution, if an argument is passed then write the ' +
      'commands to a file named as such',
    'none',
    (o, v) => {
      o.commandsFile = v ?? '-';
    },
  ),
  save: valued(
    ['S', 'save', 'FILE'],
    'Save cluster state at the end of the processing to FILE',
    'none',
    (o, v) => {
      o.saveFile = v;
    },
  ),
  outputDirectory: valued(
    ['d', 'output-dir', 'PATH'],
    'directory in which to write output files',
    'dir',
    (o, v) => {
      o.outputDirectory = v;
    },
  ),
};
