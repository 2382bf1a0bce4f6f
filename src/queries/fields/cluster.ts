/** The cluster: one row. */
import { configurationVersion } from '../../model/configuration.ts';
import type { Cluster } from '../../model/objects/cluster.ts';
import { releaseVersion } from '../../model/release.ts';
import { ifKnown, ifSet, valued } from '../cell.ts';
import { needed } from '../context.ts';
import { alias, described, type FieldKind, type StaticField } from '../field.ts';
import { resource } from '../resource.ts';

type ClusterField = StaticField<Cluster>;

function fixed(name: string, title: string, kind: FieldKind, doc: string, value: unknown): ClusterField {
  return { ...described(name, title, kind, doc), read: () => valued(value) };
}

/** The newest version of the interface of OS definitions (man page ganeti-os-interface). */
const osApiVersion = 20;
/** Version of the layout of exports. */
const exportVersion = 0;

const name: ClusterField = {
  ...described('cluster_name', 'Name', 'text', 'Name of the cluster'),
  match: 'hostname',
  read: (cluster) => valued(cluster.cluster_name),
};

const fields: ClusterField[] = [
  name,
  alias('name', name) as ClusterField,
  {
    ...described('master_node', 'Master', 'text', 'Name of the master'),
    match: 'hostname',
    read: (cluster, { configuration }) => ifKnown(configuration.nodes.get(cluster.master_node)?.name),
  },
  {
    ...described('volume_group_name', 'VgName', 'text', 'Volume group for disks'),
    read: (cluster) => ifSet(cluster.volume_group_name),
  },
  {
    ...described('drain_flag', 'QueueDrained', 'bool', 'Whether no jobs are taken in'),
    read: (_cluster, { context }) => valued(needed(context, 'state').queueDrained),
  },
  {
    ...described('watcher_pause', 'WatcherPause', 'timestamp', 'Until when the watcher rests'),
    read: (_cluster, { context }) => ifSet(needed(context, 'state').watcherPausedUntil),
  },
  fixed('architecture', 'ArchInfo', 'other', 'Word size and processor type of the master', [
    '64bits',
    process.arch === 'x64' ? 'x86_64' : process.arch,
  ]),
  fixed('software_version', 'SoftwareVersion', 'text', 'Version of the software', releaseVersion),
  fixed('vcs_version', 'VCSVersion', 'text', 'Version in full', `(gantry) version ${releaseVersion}`),
  fixed(
    'protocol_version',
    'ProtocolVersion',
    'number',
    'Version between master and nodes',
    configurationVersion,
  ),
  fixed('config_version', 'ConfigVersion', 'number', 'Version of the configuration', configurationVersion),
  fixed('os_api_version', 'OsApiVersion', 'number', 'Version of the OS interface', osApiVersion),
  fixed('export_version', 'ExportVersion', 'number', 'Version of exports', exportVersion),
  {
    ...described('ctime', 'CTime', 'timestamp', 'When it was made'),
    read: (cluster) => valued(cluster.ctime),
  },
  {
    ...described('mtime', 'MTime', 'timestamp', 'When it was last changed'),
    read: (cluster) => valued(cluster.mtime),
  },
  { ...described('tags', 'Tags', 'other', 'Tags'), read: (cluster) => valued(cluster.tags) },
];

export const clusters = resource<Cluster, undefined>({
  name: 'cluster',
  nameField: 'name',
  uuidField: 'name',
  fields,
  items: ({ configuration }) => [configuration.cluster],
});
