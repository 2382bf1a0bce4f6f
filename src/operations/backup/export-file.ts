/**
 * config.ini of an export (backend.FinalizeExport), written and read. Pure. Values are Python's str() of the
 * filled parameters: "None", "True".
 */
import { hypervisorAbout } from '../../hypervisors/catalog.ts';
import { formatSections, type Section, type SectionValue } from '../../kit/sections.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import {
  filledBackend,
  filledHypervisor,
  filledNic,
  filledOs,
  filledPrivateOs,
} from '../../model/params/fill.ts';

/** constants.EXPORT_VERSION. */
export const exportVersion = 0;

function nicLines(configuration: Configuration, instance: Instance): [string, SectionValue][] {
  const lines = instance.nics.flatMap((nic, index): [string, SectionValue][] => {
    const filled = filledNic(configuration.cluster, nic);
    const at = `nic${index}`;
    return [
      [`${at}_mac`, nic.mac],
      [`${at}_ip`, nic.ip],
      [`${at}_network`, nic.network],
      [`${at}_name`, nic.name],
      [`${at}_link`, filled.link],
      [`${at}_mode`, filled.mode],
      [`${at}_vlan`, filled.vlan],
    ];
  });
  return [...lines, ['nic_count', instance.nics.length]];
}

/** One disk of an export: what it was in the instance, and the file that its data is in. */
export interface ExportedDisk {
  readonly disk: Disk;
  readonly dump: string;
}

function diskLines(disks: readonly ExportedDisk[]): [string, SectionValue][] {
  const lines = disks.flatMap(({ disk, dump }, index): [string, SectionValue][] => [
    [`disk${index}_ivname`, disk.iv_name],
    [`disk${index}_dump`, dump],
    [`disk${index}_size`, disk.size],
    [`disk${index}_name`, disk.name],
  ]);
  return [...lines, ['disk_count', disks.length]];
}

const sorted = (values: object): Section =>
  Object.entries(values as Readonly<Record<string, SectionValue>>).sort(([a], [b]) => (a < b ? -1 : 1));

/** @param timestamp seconds since the epoch */
export function exportConfiguration(
  configuration: Configuration,
  instance: Instance,
  disks: readonly ExportedDisk[],
  timestamp: number,
): string {
  const { cluster } = configuration;
  const backend = filledBackend(cluster, instance);
  const { params } = hypervisorAbout(instance.hypervisor);
  const hypervisor = Object.entries(filledHypervisor(cluster, instance)).filter(
    ([name]) => params[name]?.global !== true,
  );
  const { maxmem, minmem, vcpus } = backend;
  return formatSections([
    [
      'export',
      [
        ['version', exportVersion],
        ['timestamp', Math.floor(timestamp)],
        ['source', instance.primary_node],
        ['os', instance.os],
        ['compression', 'none'],
      ],
    ],
    [
      'instance',
      [
        ['name', instance.name],
        ['maxmem', maxmem],
        ['minmem', minmem],
        // Of older releases.
        ['memory', maxmem],
        ['vcpus', vcpus],
        ['disk_template', disks[0]?.disk.dev_type ?? 'diskless'],
        ['hypervisor', instance.hypervisor],
        ['tags', [...instance.tags].join(' ')],
        ...nicLines(configuration, instance),
        ...diskLines(disks),
      ],
    ],
    ['hypervisor', sorted(Object.fromEntries(hypervisor))],
    ['backend', sorted(backend)],
    ['os', sorted(filledOs(cluster, instance.os, instance.osparams))],
    ['os_private', sorted(filledPrivateOs(cluster, instance.os, instance.osparams_private))],
  ]);
}
