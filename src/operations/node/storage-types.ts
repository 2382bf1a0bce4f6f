/** What types of storage a cluster has, and the folders that types of file storage stand for. */
import { Failure } from '../../kit/failure.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import { storageAbout, storageTemplates } from '../../storage/catalog.ts';

const physicalVolumes = 'lvm-pv';
const volumeGroups = 'lvm-vg';

/** Types whose units nodes can list (constants.STS_REPORT_NODE_STORAGE), in Ganeti's order. */
export const reportedTypes: readonly string[] = [
  volumeGroups,
  'sharedfile',
  physicalVolumes,
  'gluster',
  'file',
];

/** The type of the cluster's first template. */
export function defaultStorageType({ enabled_disk_templates }: Cluster): string {
  return storageAbout(enabled_disk_templates[0] ?? '').storageType;
}

/** @throws Failure OpPrereqError when no enabled template is of the type */
export function requireStorageType(cluster: Cluster, type: string): void {
  const asked = type === physicalVolumes ? volumeGroups : type;
  const templates = storageTemplates.filter(({ storageType }) => storageType === asked);
  if (templates.some(({ name }) => cluster.enabled_disk_templates.includes(name))) return;
  throw new Failure('OpPrereqError', [
    `No disk template of storage type '${asked}' is enabled in this cluster. Enabled disk templates are: ${cluster.enabled_disk_templates.join(',')}`,
  ]);
}

/** The folder of a type of file storage; null for other types. */
export function folderOf(cluster: Cluster, type: string): string | null {
  const folders: Readonly<Record<string, string>> = {
    file: cluster.file_storage_dir,
    sharedfile: cluster.shared_file_storage_dir,
    gluster: cluster.gluster_storage_dir,
  };
  return folders[type] ?? null;
}
