/** Changes of hypervisor, back-end and OS parameters: what the instance has then, checked whole. */
import { hypervisorAbout, parseMultiCpuMask } from '../../../hypervisors/catalog.ts';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { nodesOf } from '../../../model/lookup.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Node } from '../../../model/objects/node.ts';
import { type BackendParameters, backendParameters, splitMemory } from '../../../model/params/backend.ts';
import { changeLevel, enforceTypes, findFault, type ParameterValues } from '../../../model/params/family.ts';
import { filledBackend, filledHypervisor } from '../../../model/params/fill.ts';
import { nodeInfo } from '../../../noderpc/calls/node.ts';
import type { InstanceSetParams } from '../../../opcodes/instance.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import type { PlanContext } from '../../operation.ts';
import { requireSoundBackend } from '../backend.ts';
import { requireHypervisor, requireOs } from '../create-checks.ts';
import { requireNotGlobal } from '../hypervisor-parameters.ts';
import { changedOs, hiddenOs } from '../os-parameters.ts';
import type { Told } from './nics.ts';

type Op = OpcodeOf<typeof InstanceSetParams>;

export interface ParameterPlan {
  /** With the new parameters. */
  readonly instance: Instance;
  readonly told: readonly Told[];
  /** Filled, when any back-end parameter changes. */
  readonly newBackend: BackendParameters | undefined;
}

const toldOf = (prefix: string, values: object): Told[] =>
  Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]);

function nodesOfInstance({ configuration }: PlanContext, instance: Instance): Node[] {
  return nodesOf(configuration, instance)
    .flatMap((uuid) => configuration.nodes.get(uuid) ?? [])
    .filter((node) => !node.offline && node.vm_capable);
}

async function changedHypervisor(op: Op, context: PlanContext, instance: Instance): Promise<Instance> {
  if (Object.keys(op.hvparams).length === 0) return instance;
  const about = hypervisorAbout(instance.hypervisor);
  const change = enforceTypes(about.params, op.hvparams as ParameterValues);
  requireNotGlobal(about, change);
  const hvparams = changeLevel(instance.hvparams, change) as Instance['hvparams'];
  const after = { ...instance, hvparams };
  const filled = filledHypervisor(context.configuration.cluster, after);
  const fault = findFault(about.params, filled) ?? about.crossCheck?.(filled);
  if (fault !== undefined) throw prerequisiteFailure(fault, ErrorCode.invalid);
  await requireHypervisor(context, after, nodesOfInstance(context, instance));
  return after;
}

function changedBackend(op: Op, instance: Instance): Instance {
  if (Object.keys(op.beparams).length === 0) return instance;
  const change = enforceTypes(backendParameters, splitMemory(op.beparams as ParameterValues));
  return { ...instance, beparams: changeLevel(instance.beparams, change) as Instance['beparams'] };
}

/** As many pinnings as processors, and none to a processor that a node doesn't have. */
async function requireCpus(op: Op, context: PlanContext, after: Instance): Promise<void> {
  const { cluster } = context.configuration;
  const mask = filledHypervisor(cluster, after).cpu_mask;
  if (typeof mask !== 'string') return;
  const pinnings = parseMultiCpuMask(mask) ?? [];
  const { vcpus } = filledBackend(cluster, after);
  if (pinnings.length > 1 && pinnings.length !== vcpus) {
    throw prerequisiteFailure(
      `Number of vCPUs [${vcpus}] does not match the CPU mask [${mask}]`,
      ErrorCode.invalid,
    );
  }
  const highest = Math.max(-1, ...pinnings.flatMap((pinning) => (pinning === 'all' ? [] : pinning)));
  if (highest < 0 || !('cpu_mask' in op.hvparams)) return;
  const { hypervisor } = after;
  const hypervisors = [{ name: hypervisor, hvparams: cluster.hvparams[hypervisor] ?? {} }];
  for (const node of nodesOfInstance(context, after)) {
    const info = await context.nodes.call(node.uuid, nodeInfo, { storage: [], hypervisors });
    const cpus = info.hypervisors[0]?.cpuTotal ?? 0;
    if (highest + 1 > cpus) {
      throw prerequisiteFailure(
        `Node ${node.name} has ${cpus} physical CPUs, but ${highest + 1} are required`,
        ErrorCode.resources,
      );
    }
  }
}

async function changedOsOf(op: Op, context: PlanContext, instance: Instance): Promise<Instance> {
  const os = op.os_name ?? instance.os;
  const after = { ...instance, os };
  const hidden = op.osparams_private ?? {};
  if (Object.keys(op.osparams).length === 0 && Object.keys(hidden).length === 0) return after;
  const params = changedOs(instance, op);
  const checkedOs = op.force ? instance.os : os;
  const checked = { ...after, ...params, os: checkedOs };
  const { cluster } = context.configuration;
  const secrets = hiddenOs(cluster, checkedOs, params.osparams_private, {});
  for (const node of nodesOfInstance(context, instance))
    await requireOs(context, checked, node, secrets, op.force_variant);
  return { ...after, ...params };
}

/** @throws Failure OpPrereqError, TypeEnforcementError, OpExecError for what the OS refuses */
export async function planParameters(
  op: Op,
  context: PlanContext,
  instance: Instance,
): Promise<ParameterPlan> {
  const withHypervisor = await changedHypervisor(op, context, instance);
  const withBackend = changedBackend(op, withHypervisor);
  await requireCpus(op, context, withBackend);
  const after = await changedOsOf(op, context, withBackend);
  const hidden = Object.keys(op.osparams_private ?? {});
  const backend = filledBackend(context.configuration.cluster, after);
  const hasBackend = Object.keys(op.beparams).length > 0;
  if (hasBackend) requireSoundBackend(backend);
  return {
    instance: after,
    told: [
      ...toldOf('hv', op.hvparams),
      ...toldOf('be', op.beparams),
      ...toldOf('os', op.osparams),
      ...hidden.map((name): Told => [`os_private/${name}`, '<redacted>']),
    ],
    newBackend:
      Object.keys(op.beparams).length === 0 ? undefined : filledBackend(context.configuration.cluster, after),
  };
}
