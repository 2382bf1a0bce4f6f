/** Disk templates, volume group, DRBD helper, folders of file-based disks, disk parameters. */

import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { pythonRepr } from '../../../kit/python-text.ts';
import type { Configuration } from '../../../model/configuration.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import { drbdHelper, vgList } from '../../../noderpc/calls/node.ts';
import { offlineReason } from '../../../noderpc/reply.ts';
import { storageAbout, storageTemplates } from '../../../storage/catalog.ts';
import { nodesByName } from '../../node/wanted.ts';
import { faultOf } from '../../replies.ts';
import { changedDiskParameters, requireReachableDisks } from '../../settings/disk-parameters.ts';
import { changedDiskState } from '../../settings/resource-state.ts';
import { isGiven, type Modification, wrongInput, wrongState } from './request.ts';

/** MiB (constants.MIN_VG_SIZE). */
const leastVolumeGroup = 20_480;

/** Templates after the change, and those that it brings and takes away. */
interface Templates {
  readonly enabled: readonly string[];
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

export function templatesOf({ op, cluster }: Modification): Templates {
  const before = cluster.enabled_disk_templates;
  const enabled = isGiven(op.enabled_disk_templates) ? op.enabled_disk_templates : before;
  return {
    enabled,
    gained: enabled.filter((template) => !before.includes(template)),
    lost: before.filter((template) => !(enabled as readonly string[]).includes(template)),
  };
}

/** As Python shows the disk (objects.Disk.__str__), for messages that list disks. */
function shownDisk(disk: Disk): string {
  const identity = (disk.logical_id ?? []).map(pythonRepr).join(', ');
  const children = (disk.children ?? []).map(shownDisk).join(', ');
  return `<Disk(type=${disk.dev_type}, logical_id=(${identity}), children=[${children}], visible as /dev/${disk.iv_name}, size=${disk.size}m)>`;
}

function disksOfTemplate({ disks }: Configuration, template: string): Disk[] {
  const has = (disk: Disk): boolean => disk.dev_type === template || (disk.children ?? []).some(has);
  return disks.filter(has);
}

function requireUnused({ context: { configuration } }: Modification, lost: readonly string[]): void {
  for (const template of lost) {
    const about = storageAbout(template);
    const users = configuration.instances.filter(({ disks }) => about.empty === true && disks.length === 0);
    if (users.length > 0) {
      throw wrongState(
        `Cannot disable disk template '${template}', because there is at least one instance using it:\n * ${users[0]!.name}`,
      );
    }
    const disks = configuration.disks.filter((disk) => disk.dev_type === template);
    if (disks.length === 0) continue;
    const lines = disks.map((disk) => {
      const owner = configuration.instances.find((instance) => instance.disks.includes(disk.uuid));
      return `${shownDisk(disk)} (${owner === undefined ? 'detached' : `on ${owner.name}`})`;
    });
    throw wrongState(
      `Cannot disable disk template '${template}', because there is at least one disk using it:\n * ${lines.join('\n * ')}`,
    );
  }
}

const vmNodes = ({ context }: Modification) =>
  nodesByName(context.configuration).filter(({ vm_capable }) => vm_capable);

async function requireVolumeGroup(modification: Modification, group: string): Promise<void> {
  const { context } = modification;
  const nodes = vmNodes(modification);
  const replies = await context.nodes.callAll(
    nodes.map(({ uuid }) => uuid),
    vgList,
    {},
  );
  for (const { uuid, name } of nodes) {
    const reply = replies.get(uuid);
    if (reply?.kind !== 'answered') {
      const fault = faultOf(reply) ?? offlineReason;
      context.warn(`Error while gathering data on node ${name} (ignoring node): ${fault}`);
      continue;
    }
    const size = reply.value[group]?.size;
    const fault =
      size === undefined
        ? `volume group '${group}' missing`
        : size < leastVolumeGroup
          ? `volume group '${group}' too small (${leastVolumeGroup} MiB required, ${Math.floor(size)} MiB found)`
          : undefined;
    if (fault !== undefined)
      throw prerequisiteFailure(`Error on node '${name}': ${fault}`, ErrorCode.environment);
  }
}

async function changeVolumeGroup(modification: Modification, templates: Templates): Promise<void> {
  const { op, cluster, change, context, notes } = modification;
  const current = cluster.volume_group_name || null;
  const usesLvm = (names: readonly string[]) => names.some((name) => storageAbout(name).volumeGroup);
  if (op.vg_name === '' && usesLvm(templates.enabled))
    throw wrongInput('Cannot unset volume group if lvm-based disk templates are or get enabled.');
  if (op.vg_name === null && current === null && usesLvm(templates.enabled))
    throw wrongInput('Please specify a volume group when enabling lvm-based disk-templates.');
  const lvmTemplates = storageTemplates.filter(({ volumeGroup }) => volumeGroup);
  if (
    op.vg_name === '' &&
    lvmTemplates.some(({ name }) => disksOfTemplate(context.configuration, name).length > 0)
  )
    throw wrongInput('Cannot disable lvm storage while lvm-based instances exist');
  const group = op.vg_name ?? current;
  if (group && ((op.vg_name !== null && usesLvm(templates.enabled)) || usesLvm(templates.gained)))
    await requireVolumeGroup(modification, group);
  if (op.vg_name === null) return;
  if ((op.vg_name || null) === current)
    notes.push('Cluster LVM configuration already in desired state, not changing');
  else change.volume_group_name = op.vg_name || null;
}

async function requireHelper(modification: Modification, helper: string): Promise<void> {
  const { context } = modification;
  const nodes = vmNodes(modification);
  const replies = await context.nodes.callAll(
    nodes.map(({ uuid }) => uuid),
    drbdHelper,
    {},
  );
  for (const { uuid, name, offline } of nodes) {
    if (offline) {
      context.info(`Not checking drbd helper on offline node ${name}`);
      continue;
    }
    const reply = replies.get(uuid);
    if (reply?.kind !== 'answered') {
      throw prerequisiteFailure(
        `Error checking drbd helper on node '${name}': ${faultOf(reply) ?? ''}`,
        ErrorCode.environment,
      );
    }
    if (reply.value !== helper)
      throw prerequisiteFailure(
        `Error on node '${name}': drbd helper is ${reply.value}`,
        ErrorCode.environment,
      );
  }
}

async function changeHelper(modification: Modification, templates: Templates): Promise<void> {
  const { op, cluster, change, context, notes } = modification;
  const mirrors = storageTemplates.filter(({ mirrored }) => mirrored === 'internal').map(({ name }) => name);
  const has = (names: readonly string[]) => names.some((name) => mirrors.includes(name));
  const current = cluster.drbd_usermode_helper || null;
  if (op.drbd_helper === '') {
    if (has(templates.enabled)) throw wrongState('Cannot disable drbd helper while DRBD is enabled.');
    if (mirrors.some((name) => disksOfTemplate(context.configuration, name).length > 0))
      throw wrongInput('Cannot disable drbd helper while drbd-based instances exist');
  } else if (op.drbd_helper !== null && has(templates.enabled)) {
    await requireHelper(modification, op.drbd_helper);
  } else if (has(templates.gained)) {
    if (current === null) throw wrongState('Cannot enable DRBD without a DRBD usermode helper set.');
    await requireHelper(modification, current);
  }
  if (op.drbd_helper === null) return;
  if (!has(templates.enabled))
    notes.push('Note that you specified a drbd user helper, but did not enable the drbd disk template.');
  if ((op.drbd_helper || null) === current)
    notes.push('Cluster DRBD helper already in desired state, not changing');
  else change.drbd_usermode_helper = op.drbd_helper || null;
}

const folders = [
  { field: 'file_storage_dir', template: 'file', title: 'Global file storage dir' },
  { field: 'shared_file_storage_dir', template: 'sharedfile', title: 'Global shared file storage dir' },
  { field: 'gluster_storage_dir', template: 'gluster', title: 'Global gluster storage dir' },
] as const;

function changeFolders({ op, cluster, change, context, notes }: Modification, { enabled }: Templates): void {
  for (const { field, template, title } of folders) {
    const wanted = op[field];
    if (wanted === null) continue;
    const isEnabled = enabled.includes(template);
    if (wanted === '' && isEnabled) {
      throw wrongInput(
        `Unsetting the '${template}' storage directory while having '${template}' storage enabled is not permitted.`,
      );
    }
    if (wanted !== '' && !isEnabled)
      context.warn(`Specified a ${template} storage directory, although ${template} storage is not enabled.`);
    if (wanted === cluster[field]) notes.push(`${title} already set to value '${wanted}'`);
    else change[field] = wanted;
  }
}

function changeParameters({ op, cluster, change, context }: Modification): void {
  if (op.diskparams === null) return;
  const mirrors = storageTemplates.filter(({ mirrored }) => mirrored === 'internal').map(({ name }) => name);
  if (mirrors.some((name) => name in op.diskparams!)) {
    context.warn('Changing DRBD parameters only affects devices created in the future, not existing ones');
    context.warn('You need to shutdown and start (not reboot!) existing instances to adopt the changes');
    context.warn(
      'Alternatively you can swap the secondary node by running `gnt-instance replace-disks --new-secondary $instance`',
    );
  }
  const changed = changedDiskParameters(cluster.diskparams, op.diskparams);
  // What a user takes away at this level stands at the driver's own default again.
  for (const template of Object.keys(op.diskparams)) {
    const defaults = Object.entries(storageAbout(template).params).map(([name, about]) => [
      name,
      about.default,
    ]);
    changed[template] = { ...Object.fromEntries(defaults), ...changed[template] };
  }
  requireReachableDisks(context.configuration, context.configuration.instances, changed);
  change.diskparams = changed;
}

export async function modifyStorage(modification: Modification): Promise<void> {
  const { op, cluster, change } = modification;
  const templates = templatesOf(modification);
  requireUnused(modification, templates.lost);
  await changeVolumeGroup(modification, templates);
  changeFolders(modification, templates);
  await changeHelper(modification, templates);
  changeParameters(modification);
  if (isGiven(op.enabled_disk_templates)) change.enabled_disk_templates = [...op.enabled_disk_templates];
  if (isGiven(op.disk_state))
    change.disk_state_static = changedDiskState(cluster.disk_state_static, op.disk_state);
}
