/**
 * The command lines whose answers by Ganeti's own tools are kept in src/htools/testdata/recorded.json, on
 * clusters that are made from seeds. `bench/htools/record.ts` makes that file on a machine that has those tools.
 */
import { SampleCluster } from '../load/sample-cluster.ts';
import { type Variety, variedCluster } from '../load/varied-cluster.ts';

export interface RecordedCase {
  /** Names the cluster; the file c.data holds it when the command runs. */
  readonly cluster: string;
  readonly command: string;
}

export interface RecordedAnswer extends RecordedCase {
  readonly exit: number;
  readonly stdout: string;
}

const plain: Variety = {
  groups: 1,
  locations: false,
  migrationTags: false,
  exclusionTags: false,
  exclusiveStorage: false,
  forthcoming: false,
  offline: false,
  alike: false,
  onlyDrbd: false,
};

/** The clusters by name. */
export const recordedClusters: Readonly<Record<string, () => string>> = {
  plain: () => variedCluster(1, plain),
  alike: () => variedCluster(2, { ...plain, alike: true, onlyDrbd: true }),
  locations: () => variedCluster(3, { ...plain, locations: true, exclusionTags: true }),
  migration: () => variedCluster(4, { ...plain, migrationTags: true, offline: true }),
  exclusive: () => variedCluster(5, { ...plain, exclusiveStorage: true }),
  forthcoming: () => variedCluster(6, { ...plain, forthcoming: true }),
  offline: () => variedCluster(7, { ...plain, offline: true, onlyDrbd: true }),
  groups: () => variedCluster(8, { ...plain, groups: 2, offline: true, exclusionTags: true }),
  everything: () =>
    variedCluster(9, { ...plain, locations: true, migrationTags: true, exclusionTags: true, offline: true }),
  sample: () => new SampleCluster({ nodes: 10, instances: 100 }).text(),
};

const commands = [
  'hbal -tc.data -G0 -C -pname,umem,rmem,peermap,ptags',
  'hbal -tc.data -G0 --evac-mode --ignore-soft-errors -v -v',
  'hinfo -tc.data -v -v',
  'hcheck -tc.data --machine-readable',
  'hspace -tc.data --machine-readable -l 12',
  'hspace -tc.data --disk-template plain --accept-existing -l 12',
  'hroller -f -tc.data --one-step-only --print-moves',
  'hsqueeze -tc.data -v -C',
];

export const recordedCases: readonly RecordedCase[] = Object.keys(recordedClusters).flatMap((cluster) =>
  commands.map((command) => {
    const group = cluster === 'sample' ? 'group01' : 'group-0';
    return { cluster, command: command.replace('-G0', `-G ${group}`) };
  }),
);
