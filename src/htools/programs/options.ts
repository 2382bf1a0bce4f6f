/** The settings that the options of all the tools make, with their defaults. */
import { type AlgorithmOptions, defaultAlgorithmOptions } from '../core/terms/algorithm-options.ts';
import type { DiskTemplate } from '../core/terms/vocabulary.ts';

/** Size of an instance to allocate: disk and memory in MiB. */
export interface ResourceSpec {
  readonly cpus: number;
  readonly memory: number;
  readonly disk: number;
  readonly spindles: number;
}

export const submitPriorities = ['low', 'normal', 'high'] as const;
export type SubmitPriority = (typeof submitPriorities)[number];

export interface Options {
  dataFile: string | undefined;
  luxiSocket: string | undefined;
  master: string;
  simulation: string[];
  allocatorSource: string | undefined;
  utilisationFile: string | undefined;
  ignoreDynamicUse: boolean;
  queryMonitoring: boolean;
  monitoringFile: string | undefined;
  monitoringXen: boolean;
  monitoringExitMissing: boolean;
  exclusionTags: string[];
  selectedInstances: string[];
  excludedInstances: string[];
  staticKvmNodeMemory: number;

  diskMoves: boolean;
  instanceMoves: boolean;
  restrictedMigration: boolean;
  ignoreSoftErrors: boolean;
  evacuate: boolean;
  minGain: number;
  minGainLimit: number;
  capacityChecks: boolean;
  restrictToNodes: string[] | undefined;
  acceptExisting: boolean;
  independentGroups: boolean;

  group: string | undefined;
  offlineNodes: string[];
  maxCpu: number | undefined;
  minDisk: number;
  minScore: number;
  maxLength: number;
  diskTemplate: DiskTemplate | undefined;
  spindleUse: number | undefined;
  standardSpec: ResourceSpec | undefined;
  tieredSpec: ResourceSpec | undefined;
  minimalResources: number;
  targetResources: number;
  nodeTags: string[] | undefined;
  force: boolean;
  fullEvacuation: boolean;
  ignoreNonRedundant: boolean;
  skipNonRedundant: boolean;
  offlineMaintenance: boolean;
  oneStepOnly: boolean;
  noSimulation: boolean;

  execute: boolean;
  dryRun: boolean;
  firstJobGroup: boolean;
  jobDelay: number;
  reason: string | undefined;
  priority: SubmitPriority | undefined;

  verbosity: number;
  machineReadable: boolean;
  noHeaders: boolean;
  printMoves: boolean;
  printInstances: boolean;
  /** Undefined: don't print; empty: the usual fields. */
  nodeFields: string[] | undefined;
  /** File for the commands, "-" for standard output. */
  commandsFile: string | undefined;
  saveFile: string | undefined;
  outputDirectory: string;
  /** Names of instances whose possible moves are to be explained; empty for all that matter to the tool. */
  explain: string[] | undefined;
  /** Volume group for the disks of new instances; undefined for the main one. */
  volumeGroup: string | undefined;
  showHelp: boolean;
  showVersion: boolean;
  showCompletion: boolean;
}

export function defaultOptions(): Options {
  return {
    dataFile: undefined,
    luxiSocket: undefined,
    master: '',
    simulation: [],
    allocatorSource: undefined,
    utilisationFile: undefined,
    ignoreDynamicUse: false,
    queryMonitoring: false,
    monitoringFile: undefined,
    monitoringXen: false,
    monitoringExitMissing: false,
    exclusionTags: [],
    selectedInstances: [],
    excludedInstances: [],
    staticKvmNodeMemory: 4096,
    diskMoves: true,
    instanceMoves: true,
    restrictedMigration: false,
    ignoreSoftErrors: false,
    evacuate: false,
    minGain: defaultAlgorithmOptions.minGain,
    minGainLimit: defaultAlgorithmOptions.minGainLimit,
    capacityChecks: true,
    restrictToNodes: undefined,
    acceptExisting: false,
    independentGroups: false,
    group: undefined,
    offlineNodes: [],
    maxCpu: undefined,
    minDisk: 0,
    minScore: 1e-9,
    maxLength: -1,
    diskTemplate: undefined,
    spindleUse: undefined,
    standardSpec: undefined,
    tieredSpec: undefined,
    minimalResources: 2,
    targetResources: 2,
    nodeTags: undefined,
    force: false,
    fullEvacuation: false,
    ignoreNonRedundant: false,
    skipNonRedundant: false,
    offlineMaintenance: false,
    oneStepOnly: false,
    noSimulation: false,
    execute: false,
    dryRun: false,
    firstJobGroup: false,
    jobDelay: 10,
    reason: undefined,
    priority: undefined,
    verbosity: 1,
    machineReadable: false,
    noHeaders: false,
    printMoves: false,
    printInstances: false,
    nodeFields: undefined,
    commandsFile: undefined,
    saveFile: undefined,
    outputDirectory: '.',
    explain: undefined,
    volumeGroup: undefined,
    showHelp: false,
    showVersion: false,
    showCompletion: false,
  };
}

/** What of it reaches the solver. */
export function algorithmOptions(options: Options): AlgorithmOptions {
  return {
    diskMoves: options.diskMoves,
    instanceMoves: options.instanceMoves,
    restrictedMigration: options.restrictedMigration,
    ignoreSoftErrors: options.ignoreSoftErrors,
    evacuate: options.evacuate,
    minGain: options.minGain,
    minGainLimit: options.minGainLimit,
    capacityChecks: options.capacityChecks,
    capacityIgnoredGroups: [],
    restrictToNodes: options.restrictToNodes,
    acceptExisting: options.acceptExisting,
  };
}
