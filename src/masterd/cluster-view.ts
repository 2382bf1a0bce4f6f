/**
 * The cluster as any of its nodes knows it without a master: its ssconf files. Who is master, which nodes
 * there are and where, which of them may become master.
 */
import { readFile } from 'node:fs/promises';
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { isOwnName } from '../kit/resolve.ts';
import { joiningKey } from '../operations/node/joining.ts';

export interface KnownNode {
  readonly name: string;
  /** Names it in node calls. */
  readonly key: string;
  readonly isOffline: boolean;
  readonly isCandidate: boolean;
}

export interface ClusterView {
  readonly master: KnownNode | undefined;
  /** This node; undefined when the cluster doesn't know it. */
  readonly own: KnownNode | undefined;
  /** The master's name as it is written down. */
  readonly masterName: string;
  readonly nodes: readonly KnownNode[];
}

/** The value of an ssconf file. @throws Failure wrong_input when there is none */
export async function ssconfValue(paths: Pick<Paths, 'dataDir'>, name: string): Promise<string> {
  try {
    return (await readFile(`${paths.dataDir}/ssconf_${name}`, 'utf8')).trimEnd();
  } catch (error) {
    throw prerequisiteFailure(
      'Cluster not initialized or this machine is not part of a cluster',
      ErrorCode.invalid,
      error,
    );
  }
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** @throws Failure wrong_input when this machine is in no cluster */
export async function readClusterView(paths: Pick<Paths, 'dataDir'>): Promise<ClusterView> {
  const list = async (name: string) => linesOf(await ssconfValue(paths, name));
  const masterName = await ssconfValue(paths, 'master_node');
  const addresses = new Map(
    (await list('node_primary_ips')).map((line) => line.split(' ') as [string, string]),
  );
  const offline = new Set(linesOf(await ssconfValue(paths, 'offline_nodes').catch(() => '')));
  const candidates = new Set(await list('master_candidates'));
  const nodes = [...addresses].map(([name, ip]) => ({
    name,
    key: joiningKey(name, ip),
    isOffline: offline.has(name),
    isCandidate: candidates.has(name),
  }));
  return {
    master: nodes.find(({ name }) => name === masterName),
    masterName,
    own: nodes.find(({ name }) => isOwnName(name)),
    nodes,
  };
}
