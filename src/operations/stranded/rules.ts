/**
 * The rules of stranded steps, by the step's name: what is looked at before an undo that has failed is done again.
 * Steps that change nothing but the configuration have none: what keeps them from being taken back is no node that
 * comes back, so an administrator must look (`gnt-cluster verify` names them).
 */
import type { LateUndo } from '../../jobs/stranded.ts';
import type { World } from '../operation.ts';
import { masterAddressOf, takeMasterIpDown } from '../steps/master-ip.ts';
import { addHostsEntry, enrol } from '../steps/node.ts';
import { setAllocatable } from '../steps/storage.ts';
import { diskRules } from './disks.ts';
import { guestRules } from './guests.ts';
import { lateUndo, settled, undo } from './rule.ts';

const nobody = () => [];

const masterIp = lateUndo(takeMasterIpDown, {
  nodes: ({ node }) => [node],
  instances: nobody,
  judge: ({ config: { current } }, { node, address }) =>
    current.cluster.master_node === node &&
    JSON.stringify(masterAddressOf(current.cluster)) === JSON.stringify(address)
      ? undo
      : settled('the cluster has another master or address by now'),
});

const joining = lateUndo(enrol, {
  nodes: ({ key }) => [key],
  instances: nobody,
  wholeCluster: true,
  judge: ({ config: { current } }, { name }) =>
    current.nodes.byName(name) === undefined ? undo : settled('the node has joined by now'),
});

const hostsEntry = lateUndo(addHostsEntry, {
  nodes: ({ master }) => [master],
  instances: nobody,
  wholeCluster: true,
  judge: ({ config: { current } }, { host }) =>
    current.nodes.byName(host) === undefined ? undo : settled('the node has joined by now'),
});

const allocatable = lateUndo(setAllocatable, {
  nodes: ({ node }) => [node],
  instances: nobody,
  judge: () => undo,
});

export const strandedRules: ReadonlyMap<string, LateUndo<World>> = new Map<string, LateUndo<World>>([
  ...diskRules,
  ...guestRules,
  masterIp,
  joining,
  hostsEntry,
  allocatable,
]);
