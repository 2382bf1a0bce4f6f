/**
 * What holds for an object once everything it inherits is counted in (the Fill… methods of
 * objects.Cluster and objects.NodeGroup). One function a family; each gives a new value.
 *
 *   hypervisor   driver's defaults → cluster → cluster by OS → instance
 *   back-end     built-in → cluster → instance
 *   NIC          built-in → cluster → NIC
 *   node         built-in → cluster → group → node
 *   disk         driver's defaults → cluster → group
 *   OS           cluster by OS → cluster by OS and variant → instance
 *
 * The defaults of drivers are handed in by who has the catalog; after `gnt-cluster init` they all stand in
 * the configuration, so leaving them out matters only for parameters newer than the cluster.
 */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Cluster } from '../objects/cluster.ts';
import type { Instance } from '../objects/instance.ts';
import type { NicParameters } from '../objects/nic.ts';
import type { Node } from '../objects/node.ts';
import type { NodeGroup } from '../objects/node-group.ts';
import { type BackendParameters, backendParameters } from './backend.ts';
import { defaultsOf, fillParameters, type ParameterValues } from './family.ts';
import { nicParameters } from './nic.ts';
import { nodeParameters } from './node.ts';

/** The one level of names below which cluster-wide values stand (constants.PP_DEFAULT). */
const defaultLevel = 'default';

const backendDefaults = defaultsOf(backendParameters);
const nicDefaults = defaultsOf(nicParameters);
const nodeDefaults = defaultsOf(nodeParameters);

type Filled = Record<string, string | number | boolean | null>;

/** Back-end parameters of an instance; memory in MiB. Also for one that is still to be made. */
export function filledBackend(
  cluster: Pick<Cluster, 'beparams'>,
  instance: Pick<Instance, 'beparams'>,
): BackendParameters & Filled {
  return fillParameters(
    backendDefaults,
    cluster.beparams[defaultLevel],
    instance.beparams,
  ) as unknown as BackendParameters & Filled;
}

/** What a hypervisor's parameters are before any instance has a say; `os` as in instances ("debian+min"). */
export function hypervisorDefaults(
  cluster: Pick<Cluster, 'hvparams' | 'os_hvp'>,
  hypervisor: string,
  os?: string,
  defaults?: ParameterValues,
): Filled {
  return fillParameters(
    defaults,
    cluster.hvparams[hypervisor],
    os === undefined ? undefined : cluster.os_hvp[os]?.[hypervisor],
  );
}

/**
 * Hypervisor parameters of an instance.
 * @param defaults of the driver (`defaultsOf(about.params)`), for parameters the cluster doesn't know yet
 */
export function filledHypervisor(
  cluster: Pick<Cluster, 'hvparams' | 'os_hvp'>,
  instance: Pick<Instance, 'hypervisor' | 'os' | 'hvparams'>,
  defaults?: ParameterValues,
): Filled {
  return Object.assign(
    hypervisorDefaults(cluster, instance.hypervisor, instance.os, defaults),
    instance.hvparams,
  );
}

export interface FilledNicParameters {
  readonly mode: string;
  readonly link: string;
  readonly vlan: string;
}

export function filledNic(
  cluster: Pick<Cluster, 'nicparams'>,
  nic: { readonly nicparams: NicParameters },
): FilledNicParameters & Filled {
  return fillParameters(
    nicDefaults,
    cluster.nicparams[defaultLevel] as ParameterValues | undefined,
    nic.nicparams as ParameterValues,
  ) as unknown as FilledNicParameters & Filled;
}

export interface FilledNodeParameters {
  readonly cpu_speed: number;
  readonly exclusive_storage: boolean;
  readonly oob_program: string;
  readonly ovs: boolean;
  readonly ovs_link: string;
  readonly ovs_name: string;
  readonly spindle_count: number;
  readonly ssh_port: number;
}

/** Node parameters; without a node, those of the group, and without a group, those of the cluster. */
export function filledNode(
  cluster: Pick<Cluster, 'ndparams'>,
  group?: Pick<NodeGroup, 'ndparams'>,
  node?: Pick<Node, 'ndparams'>,
): FilledNodeParameters & Filled {
  return fillParameters(
    nodeDefaults,
    cluster.ndparams,
    group?.ndparams,
    node?.ndparams,
  ) as unknown as FilledNodeParameters & Filled;
}

/** Parameters of a disk template in a group; without a group, the cluster's. `defaults`: the driver's. */
export function filledDisk(
  cluster: Pick<Cluster, 'diskparams'>,
  group: Pick<NodeGroup, 'diskparams'> | undefined,
  template: string,
  defaults?: ParameterValues,
): Filled {
  return fillParameters(defaults, cluster.diskparams[template], group?.diskparams[template]);
}

/** "debian" of "debian+minimal" (objects.OS.GetName). */
export function osNameOf(os: string): string {
  const plus = os.indexOf('+');
  return plus < 0 ? os : os.slice(0, plus);
}

/** "minimal" of "debian+minimal", empty without one. */
export function osVariantOf(os: string): string {
  const plus = os.indexOf('+');
  return plus < 0 ? '' : os.slice(plus + 1);
}

type OsValues = Readonly<Record<string, string>>;
const osLevels = (values: Readonly<Record<string, OsValues>>, os: string): OsValues => ({
  ...values[osNameOf(os)],
  ...values[os],
});

/** Public OS parameters. */
export function filledOs(cluster: Pick<Cluster, 'osparams'>, os: string, own: OsValues = {}): OsValues {
  return { ...osLevels(cluster.osparams, os), ...own };
}

/** Private OS parameters: never to be shown or logged. */
export function filledPrivateOs(
  cluster: Pick<Cluster, 'osparams_private_cluster'>,
  os: string,
  own: OsValues = {},
): OsValues {
  return { ...osLevels(cluster.osparams_private_cluster, os), ...own };
}

/**
 * Public, private and secret OS parameters in one, as the OS scripts get them.
 * @throws Failure OpPrereqError wrong_input when one name stands in two of them; values are not named
 */
export function mergedOs(visible: OsValues, hidden: OsValues = {}, secret: OsValues = {}): OsValues {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of [visible, hidden, secret].flatMap(Object.keys)) {
    if (seen.has(name)) repeated.add(name);
    seen.add(name);
  }
  if (repeated.size > 0) {
    throw prerequisiteFailure(
      `OS parameters given at more than one visibility: ${[...repeated].sort().join(', ')}`,
      ErrorCode.invalid,
    );
  }
  return { ...visible, ...hidden, ...secret };
}

/** What an hv_state entry starts from (constants.HVST_DEFAULTS). Memory is MiB. */
export const hypervisorStateDefaults = { mem_total: 0, mem_hv: 0, mem_node: 0, cpu_total: 1, cpu_node: 1 };
