/**
 * An instance made from an export: what the request leaves open is taken from config.ini of the export
 * (LUInstanceCreate._ReadExportParams).
 */

import { posix } from 'node:path';
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../../kit/failure.ts';
import { parseSections, type Sections } from '../../../kit/sections.ts';
import type { Configuration } from '../../../model/configuration.ts';
import { nodeNamed } from '../../../model/lookup.ts';
import type { Node } from '../../../model/objects/node.ts';
import { filledNic, filledOs } from '../../../model/params/fill.ts';
import { exportInfo, exportList } from '../../../noderpc/calls/export.ts';
import { reasonOf } from '../../../noderpc/reply.ts';
import { storageAbout } from '../../../storage/catalog.ts';
import { exportVersion } from '../../backup/export-file.ts';
import { requireOnline } from '../../checks.ts';
import type { PlanContext } from '../../operation.ts';
import type { Op } from './request.ts';

const mostDisks = 16;
const mostNics = 8;
const nicParameters = ['mode', 'link', 'vlan'] as const;

export interface ExportOrigin {
  readonly kind: 'export';
  /** Where the export lies. */
  readonly node: Node;
  readonly path: string;
  readonly oldName: string;
  /** Path of each disk's data as it is without a virtual node's root; undefined where there is none. */
  readonly images: readonly (string | undefined)[];
}

interface Place {
  readonly node: Node;
  readonly path: string;
}

/** Where the export lies: said, or looked for on every node. */
async function findPlace(op: Op, context: PlanContext): Promise<Place> {
  const { configuration, paths, nodes } = context;
  const folder = paths.exportDir.slice(paths.root.length);
  const path = op.src_path ?? op.instance_name;
  const isAbsolute = posix.isAbsolute(path);
  if (op.src_node !== null) {
    const node = nodeNamed(configuration, op.src_node);
    return { node, path: isAbsolute ? path : posix.join(folder, path) };
  }
  if (isAbsolute) {
    throw prerequisiteFailure(
      'Importing an instance from a path requires a source node option',
      ErrorCode.invalid,
    );
  }
  const all = configuration.nodes.values().map((node) => node.uuid);
  const replies = await nodes.callAll(all, exportList, {});
  const holder = all.find((uuid) => {
    const reply = replies.get(uuid);
    return reply?.kind === 'answered' && reply.value.includes(path);
  });
  if (holder === undefined)
    throw prerequisiteFailure(`No export found for relative path ${path}`, ErrorCode.invalid);
  return { node: configuration.nodes.get(holder)!, path: posix.join(folder, path) };
}

async function readFile({ node, path }: Place, context: PlanContext): Promise<Sections> {
  requireOnline(node);
  let text: string;
  try {
    text = await context.nodes.call(node.uuid, exportInfo, { path });
  } catch (error) {
    throw executionFailure(`No export or invalid export found in dir ${path}: ${reasonOf(error)}`, error);
  }
  const file = parseSections(text);
  const version = file.get('export')?.get('version');
  if (version !== String(exportVersion)) {
    throw prerequisiteFailure(
      `Wrong export version ${version} (wanted ${exportVersion})`,
      ErrorCode.environment,
    );
  }
  return file;
}

/** A value of the export; undefined for one that isn't there, was None, or is left to the cluster. */
function stated(file: Sections, section: string, option: string): string | undefined {
  const value = file.get(section)?.get(option);
  return value === undefined || value === 'None' || value === 'auto' ? undefined : value;
}

function disksIn(file: Sections): Op['disks'] {
  const disks: Record<string, string | number>[] = [];
  for (let index = 0; index < mostDisks; index += 1) {
    const size = stated(file, 'instance', `disk${index}_size`);
    if (size === undefined) continue;
    const name = stated(file, 'instance', `disk${index}_name`);
    disks.push({ size: Number(size), ...(name === undefined ? {} : { name }) });
  }
  return disks;
}

function nicsIn(file: Sections): Op['nics'] {
  const nics: Record<string, string>[] = [];
  for (let index = 0; index < mostNics; index += 1) {
    const at = (name: string) => stated(file, 'instance', `nic${index}_${name}`);
    if (!file.get('instance')?.has(`nic${index}_mac`)) break;
    const nic: Record<string, string> = {};
    // A network brings link and mode of its own.
    const network = at('network')?.toLowerCase() === 'none' ? undefined : at('network');
    for (const name of ['ip', 'mac', 'name', ...(network ? ['network'] : nicParameters)]) {
      const value = at(name);
      if (value !== undefined && value !== '') nic[name] = value;
    }
    nics.push(nic);
  }
  return nics;
}

/** Options of a section that the request doesn't have itself. */
function filled(file: Sections, section: string, own: object | null): Record<string, unknown> {
  const found = [...(file.get(section) ?? [])].filter(([, value]) => value !== 'None');
  return { ...Object.fromEntries(found), ...own };
}

function backendIn(file: Sections, own: Op['beparams']): Record<string, unknown> {
  if (file.has('backend')) {
    const all = filled(file, 'backend', own);
    const { memory, ...rest } = all;
    return memory === undefined ? rest : { maxmem: memory, minmem: memory, ...rest };
  }
  // Releases before 2.0 had these in the instance's section.
  const names = ['maxmem', 'minmem', 'memory', 'vcpus', 'auto_balance'];
  const old = names.flatMap((name) => {
    const value = stated(file, 'instance', name);
    return value === undefined || name in own ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(old), ...own };
}

/** Takes out of what came from the export what the cluster says as well. */
function withoutDefaults(configuration: Configuration, op: Op): Pick<Op, 'nics' | 'osparams'> {
  const { cluster } = configuration;
  const usual = filledNic(cluster, { nicparams: {} }) as unknown as Readonly<Record<string, unknown>>;
  const nics = (op.nics as readonly Record<string, string | null>[]).map((nic) =>
    Object.fromEntries(
      Object.entries(nic).filter(
        ([name, value]) => !(nicParameters as readonly string[]).includes(name) || usual[name] !== value,
      ),
    ),
  );
  const usualOs = filledOs(cluster, op.os_type ?? '');
  const osparams = Object.fromEntries(
    Object.entries(op.osparams).filter(([name, value]) => usualOs[name] !== value),
  );
  return { nics, osparams } as Pick<Op, 'nics' | 'osparams'>;
}

/** The cluster's first template; where that has no disks but the export does, the export's own. */
function templateFor({ cluster }: Configuration, file: Sections, hasDisks: boolean): string {
  const [first = 'diskless'] = cluster.enabled_disk_templates;
  if (!hasDisks || !storageAbout(first).empty) return first;
  return stated(file, 'instance', 'disk_template') ?? first;
}

function completed(op: Op, file: Sections, context: PlanContext): Op {
  const { configuration } = context;
  const disks = op.disks.length > 0 ? op.disks : disksIn(file);
  const template = op.disk_template ?? templateFor(configuration, file, disks.length > 0);
  if (disks.length === 0 && !storageAbout(template).empty) {
    throw prerequisiteFailure(
      'No disk info specified and the export is missing the disk information',
      ErrorCode.invalid,
    );
  }
  const tags = stated(file, 'instance', 'tags') ?? '';
  const os = stated(file, 'export', 'os') ?? '';
  const whole = {
    ...op,
    disk_template: template,
    os_type: os === '' ? null : os,
    disks: storageAbout(template).empty && op.disk_template !== null ? op.disks : disks,
    nics: op.nics.length > 0 ? op.nics : nicsIn(file),
    tags: op.tags.length > 0 ? op.tags : tags.split(/\s+/).filter((tag) => tag !== ''),
    hypervisor: op.hypervisor ?? stated(file, 'instance', 'hypervisor') ?? null,
    hvparams: filled(file, 'hypervisor', op.hvparams),
    beparams: backendIn(file, op.beparams),
    osparams: filled(file, 'os', op.osparams),
    osparams_private: filled(file, 'os_private', op.osparams_private),
    // What was forced at the first installation must be good enough to come back.
    force_variant: true,
  } as Op;
  return op.identify_defaults ? { ...whole, ...withoutDefaults(configuration, whole) } : whole;
}

/** An interface that is to get any address keeps its own when the instance keeps its name. */
function withOldAddresses(op: Op, file: Sections): Op {
  if (op.instance_name.toLowerCase() !== file.get('instance')?.get('name')?.toLowerCase()) return op;
  const nics = (op.nics as readonly Record<string, string | null>[]).map((nic, index) => {
    const mac = stated(file, 'instance', `nic${index}_mac`);
    return mac !== undefined && (nic.mac ?? 'auto') === 'auto' ? { ...nic, mac } : nic;
  });
  return { ...op, nics } as Op;
}

/** The request with what the export says, and where its data is. @throws Failure OpPrereqError, OpExecError */
export async function readExport(
  op: Op,
  context: PlanContext,
): Promise<{ readonly op: Op; readonly origin: ExportOrigin }> {
  if (op.no_install) context.info('No-installation mode has no effect during import');
  const place = await findPlace(op, context);
  const file = await readFile(place, context);
  const whole = withOldAddresses(completed(op, file, context), file);
  const images = whole.disks.map((_, index) => {
    const dump = stated(file, 'instance', `disk${index}_dump`);
    return dump === undefined ? undefined : posix.join(place.path, posix.basename(dump));
  });
  const oldName = stated(file, 'instance', 'name') ?? whole.instance_name;
  return { op: whole, origin: { kind: 'export', ...place, oldName, images } };
}
