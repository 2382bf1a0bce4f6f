/** From the disks that a user asks for to disks with names, minors and ports: nothing is made yet. */
import { posix } from 'node:path';
import { ErrorCode, executionFailure, prerequisiteFailure } from '../../kit/failure.ts';
import { parseUnit } from '../../kit/units.ts';
import type { Configuration } from '../../model/configuration.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { filledDisk } from '../../model/params/fill.ts';
import { storageAbout, storageTemplates } from '../../storage/catalog.ts';
import type { StorageAbout } from '../../storage/contract.ts';
import type { PlanContext } from '../operation.ts';
import { accessModes, kernelAccess } from '../settings/disk-parameters.ts';

/** One entry of an opcode's `disks`. */
export type DiskRequest = Readonly<Record<string, string | number | undefined>>;

export interface DiskDefaults {
  readonly template: string;
  readonly fileDriver: string | null;
  /** Folder below the template's storage folder. */
  readonly fileStorageDir: string | null;
  readonly instanceName: string;
  /** Uuids, primary first. */
  readonly nodes: readonly string[];
  /** Position of the first of them in the instance; 0 when not said. */
  readonly firstIndex?: number;
}

/** A checked request, sizes in MiB. */
export interface WantedDisk {
  readonly size: number;
  readonly mode: 'rw' | 'ro';
  readonly vg: string | null;
  readonly metaVg: string | null;
  readonly name: string | null;
  readonly adopt: string | null;
  readonly provider: string | null;
  readonly spindles: number | null;
  /** Parameters of the provider, and `access`. */
  readonly params: Readonly<Record<string, string>>;
}

const known = new Set(['size', 'mode', 'vg', 'metavg', 'name', 'adopt', 'provider', 'spindles', 'dev_type']);
const text = (value: string | number | boolean | null | undefined) =>
  value === undefined || value === null || value === 'none' ? null : String(value);

function sizeOf(request: DiskRequest): number {
  const { size } = request;
  if (size === undefined) throw prerequisiteFailure('Missing disk size', ErrorCode.invalid);
  try {
    const value = typeof size === 'number' ? size : parseUnit(String(size));
    if (Number.isInteger(value) && value > 0) return value;
  } catch {
    // Said below, in the words for a disk.
  }
  throw prerequisiteFailure(`Invalid disk size '${size}'`, ErrorCode.invalid);
}

/** How the hypervisor reaches a disk can be said where the template leaves it open. */
function requireAccess(about: StorageAbout, access: string | null): void {
  if (access === null) return;
  if (!accessModes.includes(access)) {
    throw prerequisiteFailure(
      `Invalid disk access '${access}': it is one of ${accessModes.join(', ')}`,
      ErrorCode.invalid,
    );
  }
  if (!about.userspaceAccess && access !== kernelAccess) {
    throw prerequisiteFailure(
      `Disks of the template '${about.name}' can't be accessed in ${access}`,
      ErrorCode.invalid,
    );
  }
}

/** Checks one request against its template. @throws Failure wrong_input */
export function wantedDisk(
  configuration: Configuration,
  about: StorageAbout,
  request: DiskRequest,
  group?: NodeGroup,
): WantedDisk {
  const mode = request.mode ?? 'rw';
  if (mode !== 'rw' && mode !== 'ro') {
    throw prerequisiteFailure(`Invalid disk access mode '${mode}'`, ErrorCode.invalid);
  }
  const adopt = text(request.adopt);
  if (adopt !== null && about.adoptable === 'no') {
    throw prerequisiteFailure(
      `Disk adoption is not supported for the '${about.name}' disk template`,
      ErrorCode.invalid,
    );
  }
  const extra = Object.entries(request).filter(([key]) => !known.has(key));
  for (const [key] of extra) {
    if (!about.providers && key !== 'access')
      throw prerequisiteFailure(`Unknown disk parameter '${key}'`, ErrorCode.invalid);
  }
  requireAccess(about, text(request.access));
  const provider = text(request.provider);
  if (about.providers && provider === null) {
    throw prerequisiteFailure(`Missing provider for template '${about.name}'`, ErrorCode.invalid);
  }
  if (!about.providers && provider !== null) {
    const others = storageTemplates.filter((each) => each.providers).map((each) => each.name);
    throw prerequisiteFailure(
      `The 'provider' option is only valid for the ${others.join(', ')} disk template, not ${about.name}`,
      ErrorCode.invalid,
    );
  }
  const { cluster } = configuration;
  return {
    size: adopt === null ? sizeOf(request) : 0,
    mode,
    vg: about.volumeGroup ? (text(request.vg) ?? cluster.volume_group_name ?? null) : null,
    metaVg: about.volumeGroup
      ? (text(request.metavg) ?? text(filledDisk(cluster, group, about.name).metavg))
      : null,
    name: text(request.name),
    adopt,
    provider,
    spindles: request.spindles === undefined ? null : Number(request.spindles),
    params: Object.fromEntries(extra.map(([key, value]) => [key, String(value)])),
  };
}

/** The instance's folder of a file-based template, inside the storage folder for certain. */
export function fileStorageFolder(
  configuration: Configuration,
  about: StorageAbout,
  defaults: DiskDefaults,
): string | null {
  if (!about.fileBased) return null;
  const { cluster } = configuration;
  const folders: Readonly<Record<string, string>> = {
    file: cluster.file_storage_dir,
    sharedfile: cluster.shared_file_storage_dir,
    gluster: cluster.gluster_storage_dir,
  };
  const base = folders[about.storageType] ?? '';
  if (base === '')
    throw prerequisiteFailure(
      `Cluster file storage dir for '${about.name}' storage type not defined`,
      ErrorCode.state,
    );
  const asked = defaults.fileStorageDir ?? '';
  const folder = asked.startsWith('/')
    ? posix.join(asked, defaults.instanceName)
    : posix.join(base, asked, defaults.instanceName);
  if (asked.split('/').includes('..')) {
    throw executionFailure(
      `Invalid parameters to PathJoin: '('${base}', '${asked}', '${defaults.instanceName}')'`,
    );
  }
  if (!folder.startsWith(`${posix.normalize(base)}/`)) {
    throw executionFailure(`Error: path joining resulted in different prefix (${folder} != ${base})`);
  }
  return folder;
}

/** Names everything of the disks, under the job's reservations. */
export function layDisksOut(
  context: PlanContext,
  defaults: DiskDefaults,
  wanted: readonly WantedDisk[],
): Disk[] {
  const { configuration, reservations, owner } = context;
  const about = storageAbout(defaults.template);
  const { layout } = about;
  if (layout === undefined) return [];
  const folder = fileStorageFolder(configuration, about, defaults);
  const nodes = about.needsSecondary ? defaults.nodes : defaults.nodes.slice(0, 1);
  const internal = about.mirrored === 'internal';
  return wanted.map((disk, position) => {
    const index = (defaults.firstIndex ?? 0) + position;
    const unique = reservations.generateUuid(owner);
    const made = layout({
      unique,
      index,
      size: disk.size,
      nodes,
      vg: disk.vg,
      metaVg: disk.metaVg,
      minors: internal ? reservations.allocateMinors(owner, nodes) : [],
      port: internal ? reservations.allocatePort(owner) : null,
      secret: internal ? reservations.generateDrbdSecret(owner) : null,
      directory: folder,
      fileDriver: defaults.fileDriver,
      adopt: disk.adopt,
      provider: disk.provider,
    });
    const common = {
      serial_no: 1,
      ctime: context.now(),
      mtime: context.now(),
      mode: disk.mode,
      // Storage that every node sees is on none: an instance on it has no secondary when it moves.
      nodes: about.mirrored === 'external' ? [] : [...nodes],
    };
    const children = made.children?.map(
      (child): Disk => ({
        ...common,
        mode: 'rw',
        uuid: reservations.generateUuid(owner),
        dev_type: child.template,
        logical_id: child.logicalId,
        iv_name: '',
        size: child.size,
        params: {},
        children: [],
      }),
    );
    return {
      ...common,
      uuid: reservations.generateUuid(owner),
      dev_type: about.name,
      logical_id: made.logicalId,
      iv_name: `disk/${index}`,
      size: disk.size,
      params: { ...(disk.provider === null ? {} : { provider: disk.provider }), ...disk.params },
      ...(children === undefined ? {} : { children }),
      ...(disk.name === null ? {} : { name: disk.name }),
      ...(disk.spindles === null ? {} : { spindles: disk.spindles }),
    };
  });
}
