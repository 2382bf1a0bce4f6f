/** Options about where clusters come from and how they are taken to be. */
import { diskTemplates } from '../../core/terms/vocabulary.ts';
import { annotated } from '../../load/data-error.ts';
import { readInteger, readNumber, readUnit, splitText } from '../../load/scan.ts';
import { readDiskTemplate } from '../../load/words.ts';
import type { ResourceSpec } from '../options.ts';
import { flag, maybe, valued, yesNo } from './kinds.ts';

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

export const sources = (socket: string) => ({
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

export const clusterSettings = {
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
