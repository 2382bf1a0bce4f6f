/** The nodes that commands run on: those named or in a group, without the ones that are offline. */
import type { QueryAnswer } from '../output/query-table.ts';
import type { Session } from '../session.ts';
import { anyOf, both, type Filter } from './query-filter.ts';

export interface NodeSelection {
  /** None means all. */
  readonly names: readonly string[];
  readonly group: string | null;
  readonly withoutMaster?: boolean;
  /** Addresses on the replication network instead of names. */
  readonly secondaryAddresses?: boolean;
}

/** Names (or addresses); says on standard error which were left out (cli.GetOnlineNodes). */
export async function onlineNodes(session: Session, selection: NodeSelection): Promise<string[]> {
  const { group } = selection;
  const inGroup: Filter = group === null ? null : ['|', ['==', 'group', group], ['==', 'group.uuid', group]];
  const notMaster: Filter = selection.withoutMaster ? ['!', ['?', 'master']] : null;
  const filter = both(both(anyOf('name', selection.names), inGroup), notMaster);
  const answer = (await session.call('Query', ['node', ['name', 'offline', 'sip'], filter])) as QueryAnswer;
  const nodes = answer.data.map(([name, offline, sip]) => ({
    name: String(name![1]),
    isOffline: Boolean(offline![1]),
    sip: String(sip![1]),
  }));
  const skipped = nodes.filter(({ isOffline }) => isOffline).map(({ name }) => name);
  if (skipped.length > 0) session.warn(`Note: skipping offline node(s): ${skipped.join(', ')}`);
  return nodes
    .filter(({ isOffline }) => !isOffline)
    .map(({ name, sip }) => (selection.secondaryAddresses ? sip : name));
}
