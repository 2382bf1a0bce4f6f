/**
 * The rules of stranded steps, by the step's name: what is looked at before an undo that has failed is done again.
 * Steps that change nothing but the configuration have none: what keeps them from being taken back is no node that
 * comes back, so an administrator must look (`gnt-cluster verify` names them).
 */
import type { LateUndo } from '../../jobs/stranded.ts';
import { filledNode } from '../../model/params/fill.ts';
import { joiningKey } from '../node/joining.ts';
import type { World } from '../operation.ts';
import { masterAddressOf, takeMasterIpDown } from '../steps/master-ip.ts';
import { addHostsEntry, enrol } from '../steps/node.ts';
import { setAllocatable } from '../steps/storage.ts';
import { configureSwitch } from '../steps/switch.ts';
import { diskRules } from './disks.ts';
import { guestRules } from './guests.ts';
import { lateUndo, settled, undo } from './rule.ts';
import { transferRules } from './transfers.ts';

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

/** A node that is a member by then has the switch that its parameters ask for. */
const switches = lateUndo(configureSwitch, {
  nodes: ({ node }) => [node],
  instances: nobody,
  wholeCluster: true,
  judge: ({ config: { current } }, { node, name }) => {
    const member =
      current.nodes.get(node) ??
      current.nodes.values().find(({ name: host, primary_ip }) => joiningKey(host, primary_ip) === node);
    if (member === undefined) return undo;
    const { ovs, ovs_name } = filledNode(current.cluster, current.nodegroups.get(member.group), member);
    return ovs && ovs_name === name ? settled('its parameters ask for the switch by now') : undo;
  },
});

export const strandedRules: ReadonlyMap<string, LateUndo<World>> = new Map<string, LateUndo<World>>([
  ...diskRules,
  ...guestRules,
  ...transferRules,
  masterIp,
  joining,
  hostsEntry,
  allocatable,
  switches,
]);
