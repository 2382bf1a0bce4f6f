/**
 * What must hold of each object by itself and with what it stands on: types of parameters, states of
 * nodes, names of disks, the cluster's own lists (ConfigWriter._UnlockedVerifyConfig and ConfigVerify.hs).
 */
import { messageOf } from '../../kit/failure.ts';
import type { Configuration, Objects, TableName } from '../../model/configuration.ts';
import { disksOf } from '../../model/lookup.ts';
import { nicModes } from '../../model/names.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Network } from '../../model/objects/network.ts';
import type { Node } from '../../model/objects/node.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { backendParameters } from '../../model/params/backend.ts';
import { enforceTypes, type ParameterFamily, type ParameterValues } from '../../model/params/family.ts';
import { filledBackend, filledNic, filledNode } from '../../model/params/fill.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { nicParameters } from '../../model/params/nic.ts';
import { nodeParameters } from '../../model/params/node.ts';
import { networkAbouts } from '../../networks/catalog.ts';
import { storageTemplates } from '../../storage/catalog.ts';
import { rangeSize } from '../address-bits.ts';
import { instancePolicyFault } from './instance-policy.ts';

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const accessModes = ['kernelspace', 'userspace'];
const globalNodeParameters = Object.entries(nodeParameters as ParameterFamily)
  .filter(([, definition]) => definition.global)
  .map(([name]) => name);

function typeFault(
  owner: string,
  attribute: string,
  values: ParameterValues,
  family: ParameterFamily,
): string[] {
  try {
    enforceTypes(family, values);
    return [];
  } catch (error) {
    return [`${owner} has invalid ${attribute}: ${messageOf(error)}`];
  }
}

function nicFaults(owner: string, values: ReturnType<typeof filledNic>): string[] {
  const faults = typeFault(owner, 'nicparams', values, nicParameters);
  if (!(nicModes as readonly string[]).includes(values.mode) && values.mode !== 'auto') {
    faults.push(`${owner} has invalid nicparams: Invalid NIC mode '${values.mode}'`);
  }
  const about = networkAbouts.find((candidate) => candidate.name === values.mode);
  if (about?.linkIsDevice && values.link === '') {
    faults.push(`${owner} has invalid nicparams: Missing ${values.mode} NIC link`);
  }
  return faults;
}

function policyFaults(owner: string, fault: string | undefined): string[] {
  return fault === undefined ? [] : [`${owner} has invalid instance policy: ${fault}`];
}

function wrongDiskNames(instance: Instance, configuration: Configuration): string[] {
  const wrong = disksOf(configuration, instance).flatMap((disk, index) =>
    disk.iv_name === `disk/${index}`
      ? []
      : [`name of disk ${index} should be 'disk/${index}', but is '${disk.iv_name}'`],
  );
  return wrong.length === 0
    ? []
    : [`Instance '${instance.name}' has wrongly named disks: ${wrong.join('; ')}`];
}

function instanceFaults(instance: Instance, configuration: Configuration): string[] {
  const { cluster } = configuration;
  const faults = instance.nics.flatMap((nic, index) =>
    Object.keys(nic.nicparams).length === 0
      ? []
      : nicFaults(`instance ${instance.name} nic ${index}`, filledNic(cluster, nic)),
  );
  if (Object.keys(instance.beparams).length > 0) {
    faults.push(
      ...typeFault(
        `instance ${instance.name}`,
        'beparams',
        filledBackend(cluster, instance),
        backendParameters,
      ),
    );
  }
  faults.push(...wrongDiskNames(instance, configuration));
  return faults;
}

function nodeFaults(node: Node, configuration: Configuration): string[] {
  const faults: string[] = [];
  if ([node.master_candidate, node.drained, node.offline].filter(Boolean).length > 1) {
    const word = (value: boolean) => (value ? 'True' : 'False');
    faults.push(
      `Node ${node.name} state is invalid: master_candidate=${word(node.master_candidate)},` +
        ` drain=${word(node.drained)}, offline=${word(node.offline)}`,
    );
  }
  const group = configuration.nodegroups.get(node.group);
  faults.push(
    ...typeFault(
      `node ${node.name}`,
      'ndparams',
      filledNode(configuration.cluster, group, node),
      nodeParameters,
    ),
  );
  const globals = globalNodeParameters.filter((name) => name in node.ndparams);
  if (globals.length > 0)
    faults.push(`Node '${node.name}' has some global parameters set: ${globals.join(', ')}`);
  return faults;
}

function groupFaults(group: NodeGroup, configuration: Configuration): string[] {
  const { cluster } = configuration;
  const owner = `group ${group.name}`;
  const faults: string[] = [];
  if (uuidPattern.test(group.name.toLowerCase())) {
    faults.push(`node group '${group.name}' (uuid: '${group.uuid}') has uuid-like name`);
  }
  const policy = fillInstancePolicy(cluster.ipolicy, group.ipolicy);
  faults.push(...policyFaults(owner, instancePolicyFault(policy, false)));
  faults.push(...typeFault(owner, 'ndparams', filledNode(cluster, group), nodeParameters));
  return faults;
}

function networkFaults(network: Network): string[] {
  const size = rangeSize(network);
  const pools = [network.reservations, network.ext_reservations];
  return pools.some((pool) => pool != null && pool.length !== size)
    ? [`network '${network.name}' has an address pool whose length is not that of ${network.network}`]
    : [];
}

/** Everything that is wrong with one object. */
export function objectFaults<K extends TableName>(
  table: K,
  object: Objects[K],
  configuration: Configuration,
): string[] {
  switch (table) {
    case 'instances':
      return instanceFaults(object as Instance, configuration);
    case 'nodes':
      return nodeFaults(object as Node, configuration);
    case 'nodegroups':
      return groupFaults(object as NodeGroup, configuration);
    case 'networks':
      return networkFaults(object as Network);
    default:
      return [];
  }
}

/** Everything that is wrong with the cluster object. */
export function clusterFaults(configuration: Configuration): string[] {
  const { cluster } = configuration;
  const faults: string[] = [];
  if (cluster.enabled_hypervisors.length === 0)
    faults.push("enabled hypervisors list doesn't have any entries");
  const missing = cluster.enabled_hypervisors.filter((name) => cluster.hvparams[name] === undefined);
  if (missing.length > 0) {
    faults.push(`hypervisor parameters missing for the enabled hypervisor(s) ${missing.join(', ')}`);
  }
  if (cluster.enabled_disk_templates.length === 0) {
    faults.push("enabled disk templates list doesn't have any entries");
  }
  faults.push(
    ...typeFault('cluster', 'beparams', filledBackend(cluster, { beparams: {} }), backendParameters),
    ...nicFaults('cluster', filledNic(cluster, { nicparams: {} })),
    ...typeFault('cluster', 'ndparams', filledNode(cluster), nodeParameters),
    ...policyFaults('cluster', instancePolicyFault(cluster.ipolicy, true)),
  );
  for (const { name } of storageTemplates.filter((about) => 'access' in about.params)) {
    const access = cluster.diskparams[name]?.access ?? accessModes[0]!;
    if (!accessModes.includes(String(access))) {
      faults.push(
        `Invalid value of '${name}:access': '${String(access)}' (expected one of ${accessModes.join(', ')})`,
      );
    }
  }
  const master = configuration.nodes.get(cluster.master_node);
  if (master !== undefined && !master.master_candidate) faults.push('Master node is not a master candidate');
  return faults;
}

/**
 * Are there as many master candidates as the cluster wants? Not a condition of a commit: nodes go offline,
 * and the pool is refilled by another commit.
 */
export function candidatePoolFault(configuration: Configuration): string | undefined {
  let now = 0;
  let possible = 0;
  for (const node of configuration.nodes) {
    if (!node.offline && !node.drained && node.master_capable) possible += 1;
    if (node.master_candidate) now += 1;
  }
  const target = Math.min(possible, configuration.cluster.candidate_pool_size);
  return now < target ? `Not enough master candidates: actual ${now}, target ${target}` : undefined;
}
