/**
 * Helper virtual machines: an instance that is stopped runs once from an image that the cluster names, which does
 * something with the instance's disks and shuts itself down (doc/design-zeroing, doc/design-os). The image stands on a
 * disk of its own in front of the instance's disks. That disk never enters the configuration: whatever happens to
 * job and master, the instance has the disks that it had.
 */
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Node } from '../../../model/objects/node.ts';
import { imageSize } from '../../../noderpc/calls/disk.ts';
import { storageTemplates } from '../../../storage/catalog.ts';
import type { StorageAbout } from '../../../storage/contract.ts';
import type { PlanContext } from '../../operation.ts';
import { requireDiskSpace } from '../create-checks.ts';
import { hasExclusiveStorage } from '../modify/disk-requests.ts';
import { layDisksOut } from '../plan-disks.ts';

/** Seconds in which a helper has to start, and to finish, when nobody says otherwise (constants.HELPER_VM_*). */
export const defaultStartupTimeout = 300;
export const defaultShutdownTimeout = 7200;

const mebibyte = 1024 * 1024;

export interface HelperWish {
  readonly image: string;
  /** What it does, in front of each message. */
  readonly doing: string;
  /** Seconds until it has to run. */
  readonly startupTimeout: number;
  /** Seconds until it has to have finished. */
  readonly timeout: number;
}

export interface HelperMachine extends HelperWish {
  /** What it boots from. */
  readonly disk: Disk;
}

/** A volume where there is a volume group, as in Ganeti; else a file, where the cluster allows files. */
function templateFor({ cluster }: Configuration): StorageAbout {
  const isOwn = (about: StorageAbout) =>
    about.layout !== undefined && about.mirrored === 'no' && about.adoptable !== 'must' && !about.providers;
  const found = cluster.volume_group_name
    ? storageTemplates.find((about) => isOwn(about) && about.volumeGroup)
    : storageTemplates.find(
        (about) => isOwn(about) && about.fileBased && cluster.enabled_disk_templates.includes(about.name),
      );
  if (found !== undefined) return found;
  throw prerequisiteFailure(
    'A helper virtual machine needs a volume group, or disks that are files, on its node',
    ErrorCode.state,
  );
}

/**
 * Names the helper's disk and sees that there is room for it.
 * @param instanceName of the instance whose disks it works on
 * @throws Failure OpExecError when nothing can be learned of the image
 */
export async function planHelper(
  context: PlanContext,
  instanceName: string,
  node: Node,
  wish: HelperWish,
): Promise<HelperMachine> {
  const { configuration, nodes } = context;
  const about = templateFor(configuration);
  let bytes: number;
  try {
    ({ bytes } = await nodes.call(node.uuid, imageSize, { image: wish.image }));
  } catch (error) {
    throw executionFailure(`Could not create temporary disk: ${messageOf(error)}`, error);
  }
  const layout = {
    ...{ template: about.name, instanceName, nodes: [node.uuid] },
    ...{ fileDriver: null, fileStorageDir: null },
  };
  const [disk] = layDisksOut(context, layout, [
    {
      size: Math.max(1, Math.ceil(bytes / mebibyte)),
      mode: 'rw',
      vg: about.volumeGroup ? (configuration.cluster.volume_group_name ?? null) : null,
      // One that is told apart from the instance's, for whoever meets it in a list of disks.
      ...{ name: 'helper', metaVg: null, adopt: null, provider: null, params: {} },
      spindles: about.exclusiveStorage && hasExclusiveStorage(configuration, [node.uuid]) ? 1 : null,
    },
  ]);
  await requireDiskSpace(context, [disk!], [node]);
  return { ...wish, disk: disk! };
}
