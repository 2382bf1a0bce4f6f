/** Every option of the tools once; a program lists the names of those it takes, in the order of its help. */
import { diskTemplates } from '../core/terms/vocabulary.ts';
import { annotated } from '../load/data-error.ts';
import { readInteger, readNumber, readUnit, splitText } from '../load/scan.ts';
import { readDiskTemplate } from '../load/words.ts';
import type { OptionDefinition } from './getopt.ts';
import { type Options, type ResourceSpec, submitPriorities } from './options.ts';

type Definition = OptionDefinition<Options>;

function flag(
  names: readonly [short: string, long: string],
  help: string,
  apply: (options: Options) => void,
): Definition {
  const [short, long] = names;
  return { short, long, value: { kind: 'none' }, help, completion: 'none', apply };
}

function valued(
  names: readonly [short: string, long: string, label: string],
  help: string,
  completion: string,
  apply: (options: Options, value: string) => void,
): Definition {
  const [short, long, label] = names;
  return {
    short,
    long,
    value: { kind: 'required', label },
    help,
    completion,
    apply: (options, value) => apply(options, value ?? ''),
  };
}

function maybe(
  names: readonly [short: string, long: string, label: string],
  help: string,
  completion: string,
  apply: (options: Options, value: string | undefined) => void,
): Definition {
  const [short, long, label] = names;
  return { short, long, value: { kind: 'optional', label }, help, completion, apply };
}

function yesNo(value: string | undefined): boolean {
  if (value === undefined || value === 'yes') return true;
  if (value === 'no') return false;
  throw new Error(`Invalid choice '${value}', pass one of 'yes' or 'no'`);
}

function resourceSpec(what: string, text: string): ResourceSpec {
  const parts = splitText(text, ',');
  if (parts.length < 3 || parts.length > 4) {
    throw new Error(`Invalid ${what} specification: '${text}', expected disk,ram,cpu`);
  }
  return {
    disk: annotated(`${what} specs disk`, () => readUnit(parts[0]!)),
    memory: annotated(`${what} specs memory`, () => readUnit(parts[1]!)),
    cpus: readInteger(`${what} specs cpus`, parts[2]!),
    spindles: parts[3] === undefined ? 1 : readInteger(`${what} specs spindles`, parts[3]),
  };
}

function nodeFields(text: string | undefined): string[] {
  if (text === undefined) return [];
  return text.startsWith('+') ? ['+', ...splitText(text.slice(1), ',')] : splitText(text, ',');
}

const sources = (socket: string) => ({
  dataFile: valued(['t', 'text-data', 'FILE'], 'the cluster data FILE', 'file', (o, v) => {
    o.dataFile = v;
  }),
  master: valued(['m', 'master', 'ADDRESS'], 'collect data via RAPI at the given ADDRESS', 'host', (o, v) => {
    o.master = v;
  }),
  luxi: maybe(
    ['L', 'luxi', 'SOCKET'],
    `collect data via Luxi, optionally using the given SOCKET path [${socket}]`,
    'file',
    (o, v) => {
      o.luxiSocket = v ?? socket;
    },
  ),
  allocatorSource: valued(
    ['I', 'ialloc-src', 'FILE'],
    'Specify an iallocator spec as the cluster data source',
    'file',
    (o, v) => {
      o.allocatorSource = v;
    },
  ),
  simulate: valued(
    ['', 'simulate', 'SPEC'],
    "simulate an empty cluster, given as 'alloc_policy,num_nodes,disk,ram,cpu'",
    'string',
    (o, v) => {
      o.simulation.unshift(v);
    },
  ),
  utilisationFile: valued(
    ['U', 'dynu-file', 'FILE'],
    'Import dynamic utilisation data from the given FILE',
    'file',
    (o, v) => {
      o.utilisationFile = v;
    },
  ),
  ignoreDynamicUse: flag(['', 'ignore-dynu'], 'Ignore any dynamic utilisation information', (o) => {
    o.ignoreDynamicUse = true;
  }),
  monitoring: maybe(
    ['', 'mond', 'CHOICE'],
    "pass either 'yes' or 'no' to query all monDs",
    'choices=yes,no',
    (o, v) => {
      o.queryMonitoring = yesNo(v);
    },
  ),
  monitoringFile: valued(
    ['', 'mond-data', 'FILE'],
    'Import data provided by MonDs from the given FILE',
    'file',
    (o, v) => {
      o.monitoringFile = v;
    },
  ),
  monitoringXen: flag(['', 'mond-xen'], 'also consider xen-specific collectors in MonD queries', (o) => {
    o.monitoringXen = true;
  }),
  monitoringExitMissing: flag(
    ['', 'exit-on-missing-mond-data'],
    'abort if the data available from the monitoring daemons is incomplete',
    (o) => {
      o.monitoringExitMissing = true;
    },
  ),
  staticKvmNodeMemory: valued(
    ['', 'static-kvm-node-memory', 'N'],
    'use static node memory [in MB] on KVM instead of value reported by hypervisor. Use 0 to take value ' +
      'reported from hypervisor.',
    'integer',
    (o, v) => {
      o.staticKvmNodeMemory = readInteger('static node memory', v);
    },
  ),
});

const searches = {
  diskMoves: flag(
    ['', 'no-disk-moves'],
    "disallow disk moves from the list of allowed instance changes, thus allowing only the 'cheap' " +
      'failover/migrate operations',
    (o) => {
      o.diskMoves = false;
    },
  ),
  instanceMoves: flag(
    ['', 'no-instance-moves'],
    'disallow instance (primary node) moves from the list of allowed, instance changes, thus allowing only ' +
      'slower, but sometimes safer, drbd secondary changes',
    (o) => {
      o.instanceMoves = false;
    },
  ),
  ignoreSoftErrors: flag(['', 'ignore-soft-errors'], 'Ignore any soft restrictions in balancing', (o) => {
    o.ignoreSoftErrors = true;
  }),
  evacuate: flag(
    ['E', 'evac-mode'],
    'enable evacuation mode, where the algorithm only moves instances away from offline and drained nodes',
    (o) => {
      o.evacuate = true;
    },
  ),
  restrictedMigration: flag(
    ['', 'restricted-migration'],
    'disallow replace-primary moves (aka frf-moves); in evacuation mode, this will ensure that the only ' +
      'migrations are off the drained nodes',
    (o) => {
      o.restrictedMigration = true;
    },
  ),
  selectInstances: valued(
    ['', 'select-instances', 'INSTS'],
    'only select given instances for any moves',
    'manyinstances',
    (o, v) => {
      o.selectedInstances = splitText(v, ',');
    },
  ),
  excludeInstances: valued(
    ['', 'exclude-instances', 'INSTS'],
    'exclude given instances from any moves',
    'manyinstances',
    (o, v) => {
      o.excludedInstances = splitText(v, ',');
    },
  ),
  exclusionTags: valued(
    ['', 'exclusion-tags', 'TAG,...'],
    'Enable instance exclusion based on given tag prefix',
    'string',
    (o, v) => {
      o.exclusionTags = splitText(v, ',');
    },
  ),
  minGain: valued(
    ['g', 'min-gain', 'DELTA'],
    'minimum gain to aim for in a balancing step before giving up',
    'float',
    (o, v) => {
      o.minGain = readNumber('min gain', v);
    },
  ),
  minGainLimit: valued(
    ['', 'min-gain-limit', 'SCORE'],
    'minimum cluster score for which we start checking the min-gain',
    'float',
    (o, v) => {
      o.minGainLimit = readNumber('min gain limit', v);
    },
  ),
  minScore: valued(
    ['e', 'min-score', 'EPSILON'],
    'mininum excess to the N+1 limit to aim for',
    'float',
    (o, v) => {
      o.minScore = readNumber('min score', v);
    },
  ),
  maxLength: valued(
    ['l', 'max-length', 'N'],
    'cap the solution at this many balancing or allocation rounds (useful for very unbalanced clusters or ' +
      'empty clusters)',
    'integer',
    (o, v) => {
      o.maxLength = readInteger('max solution length', v);
    },
  ),
  noSimulation: flag(['', 'no-simulation'], 'do not perform rebalancing simulation', (o) => {
    o.noSimulation = true;
  }),
  capacityChecks: flag(
    ['', 'no-capacity-checks'],
    'disable capacity checks (like global N+1 redundancy)',
    (o) => {
      o.capacityChecks = false;
    },
  ),
  independentGroups: flag(['', 'independent-groups'], 'Consider groups independently', (o) => {
    o.independentGroups = true;
  }),
  acceptExisting: flag(
    ['', 'accept-existing-errors'],
    "Accept existing N+1 violations; just don't add new ones",
    (o) => {
      o.acceptExisting = true;
    },
  ),
  restrictToNodes: valued(
    ['', 'restrict-allocation-to', 'NODE,...'],
    'Restrict allocations to the given set of nodes',
    'manynodes',
    (o, v) => {
      o.restrictToNodes = splitText(v, ',');
    },
  ),
};

const clusterSettings = {
  group: valued(['G', 'group', 'ID'], 'the target node group (name or UUID)', 'onegroup', (o, v) => {
    o.group = v;
  }),
  offline: valued(['O', 'offline', 'NODE'], 'set node as offline', 'onenode', (o, v) => {
    o.offlineNodes.unshift(v);
  }),
  maxCpu: valued(
    ['', 'max-cpu', 'RATIO'],
    'maximum virtual-to-physical cpu ratio for nodes (from 0 upwards) [default read from cluster]',
    'float',
    (o, v) => {
      const ratio = readNumber('parsing max-cpu', v);
      if (ratio <= 0) throw new Error('Invalid value of the max-cpu ratio, expected >0');
      o.maxCpu = ratio;
    },
  ),
  minDisk: valued(
    ['', 'min-disk', 'RATIO'],
    'minimum free disk space for nodes (between 0 and 1) [0]',
    'float',
    (o, v) => {
      o.minDisk = readNumber('min free disk space', v);
    },
  ),
  diskTemplate: valued(
    ['', 'disk-template', 'TEMPLATE'],
    'select the desired disk template',
    `choices=${diskTemplates.join(',')}`,
    (o, v) => {
      o.diskTemplate = readDiskTemplate(v);
    },
  ),
  spindleUse: valued(
    ['', 'spindle-use', 'SPINDLES'],
    'select how many virtual spindle instances use [default read from cluster]',
    'float',
    (o, v) => {
      const spindles = readInteger('parsing spindle-use', v);
      if (spindles < 0) throw new Error('Invalid value of the spindle-use (expected >= 0)');
      o.spindleUse = spindles;
    },
  ),
  standardSpec: valued(
    ['', 'standard-alloc', 'STDSPEC'],
    "enable standard specs allocation, given as 'disk,ram,cpu'",
    'string',
    (o, v) => {
      o.standardSpec = resourceSpec('standard', v);
    },
  ),
  tieredSpec: valued(
    ['', 'tiered-alloc', 'TSPEC'],
    "enable tiered specs allocation, given as 'disk,ram,cpu'",
    'string',
    (o, v) => {
      o.tieredSpec = resourceSpec('tiered', v);
    },
  ),
  minimalResources: valued(
    ['', 'minimal-resources', 'FACTOR'],
    'minimal resources to be present on each in multiples of the standard allocation for not onlining ' +
      'standby nodes',
    'float',
    (o, v) => {
      o.minimalResources = readNumber('minimal resources', v);
    },
  ),
  targetResources: valued(
    ['', 'target-resources', 'FACTOR'],
    'target resources to be left on each node after squeezing in multiples of the standard allocation',
    'float',
    (o, v) => {
      o.targetResources = readNumber('target resources', v);
    },
  ),
};

const maintenance = {
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

const jobs = {
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

const output = {
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

export const genericOptions: readonly Definition[] = [
  flag(['V', 'version'], 'show the version of the program', (o) => {
    o.showVersion = true;
  }),
  flag(['h', 'help'], 'show help', (o) => {
    o.showHelp = true;
  }),
  flag(['', 'help-completion'], 'show completion info', (o) => {
    o.showCompletion = true;
  }),
];

/** All options by name; `socket` is the LUXI path shown in the help. */
export function optionDefinitions(socket: string) {
  return {
    ...sources(socket),
    ...searches,
    ...clusterSettings,
    ...maintenance,
    ...jobs,
    ...output,
  } satisfies Record<string, Definition>;
}

export type OptionName = keyof ReturnType<typeof optionDefinitions>;

/** Options beyond Ganeti's; they work everywhere and stay out of the listing that tools compare. */
export const hiddenOptions: readonly Definition[] = [
  maybe(
    ['', 'explain', 'INSTS'],
    'say for the given instances, or for a failed allocation, which nodes were refused and why',
    'none',
    (o, v) => {
      o.explain = v === undefined ? [] : splitText(v, ',');
    },
  ),
];
