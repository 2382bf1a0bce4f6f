/** The network over which instances reach the metadata service: made and connected by jobs of their own. */
import type { Configuration } from '../../../model/configuration.ts';
import type { Network } from '../../../model/objects/network.ts';
import type { FollowUpJobs, PlanContext } from '../../operation.ts';
import type { Modification } from './request.ts';

/** constants.INSTANCE_COMMUNICATION_*. */
const usual = { network: '169.254.0.0/16', network6: 'fe80::/10', mac_prefix: '52:54:00' };
const link = 'communication_rt';

export function connectCommunication(group: string, network: string): Readonly<Record<string, unknown>> {
  return {
    OP_ID: 'OP_NETWORK_CONNECT',
    group_name: group,
    network_name: network,
    network_mode: 'routed',
    network_link: link,
    conflicts_check: true,
  };
}

function warnOfRisks(network: Network, context: PlanContext): void {
  const expect = (text: string, value: string | null | undefined, wanted: string | null) => {
    if ((value ?? null) === wanted) return;
    context.warn(
      `Supplied instance communication network '${network.name}' ${text} '${value ?? 'None'}', this might pose a security risk (default is '${wanted ?? 'None'}').`,
    );
  };
  expect('has an IPv4 gateway', network.gateway, null);
  expect('has a non-standard IPv4 network address', network.network, usual.network);
  expect('has an IPv6 gateway', network.gateway6, null);
  expect('has a non-standard IPv6 network address', network.network6, usual.network6);
  expect('has a non-standard MAC prefix', network.mac_prefix, usual.mac_prefix);
}

/** One job: the network where there is none yet, then its connections that are missing. */
function jobsFor({ networks, nodegroups }: Configuration, name: string): FollowUpJobs | undefined {
  const network = networks.byName(name) ?? networks.get(name);
  const add = {
    OP_ID: 'OP_NETWORK_ADD',
    network_name: name,
    ...usual,
    conflicts_check: true,
    tags: [],
  };
  const missing = nodegroups.filter(
    (group) => network === undefined || group.networks[network.uuid] === undefined,
  );
  const opcodes = [
    ...(network === undefined ? [add] : []),
    ...missing.map(({ uuid }) => connectCommunication(uuid, name)),
  ];
  return opcodes.length === 0 ? undefined : { jobs: [opcodes] };
}

/** @returns the jobs that go with the change */
export function modifyCommunication(modification: Modification): FollowUpJobs | undefined {
  const { op, cluster, change, context, notes } = modification;
  const wanted = op.instance_communication_network;
  if (wanted === null) return undefined;
  const { networks } = context.configuration;
  const found = wanted === '' ? undefined : (networks.byName(wanted) ?? networks.get(wanted));
  if (found !== undefined) warnOfRisks(found, context);
  const before = cluster.instance_communication_network;
  if (wanted === before) {
    notes.push(`Instance communication network already is '${wanted}', nothing to do.`);
    return undefined;
  }
  if (networks.byName(before) !== undefined)
    notes.push(`Previous instance communication network '${before}' should be removed manually.`);
  notes.push(
    wanted === ''
      ? 'Disabling instance communication network, only new instances will be affected.'
      : `Changing instance communication network to '${wanted}', only new instances will be affected.`,
  );
  change.instance_communication_network = wanted;
  return wanted === '' ? undefined : jobsFor(context.configuration, wanted);
}
