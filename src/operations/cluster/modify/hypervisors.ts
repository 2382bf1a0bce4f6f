/** Hypervisors in use and their parameters, for the cluster and by OS; nodes have the last word. */
import { hypervisorAbout } from '../../../hypervisors/catalog.ts';
import { executionFailure, Failure } from '../../../kit/failure.ts';
import type { Parameters } from '../../../model/objects/common.ts';
import {
  changeLevel,
  defaultsOf,
  enforceTypes,
  findFault,
  type ParameterValues,
} from '../../../model/params/family.ts';
import { hypervisorValidateParams } from '../../../noderpc/calls/instance.ts';
import { nodesByName } from '../../node/wanted.ts';
import type { PlanContext } from '../../operation.ts';
import { faultOf } from '../../replies.ts';
import { changedHypervisorState } from '../../settings/resource-state.ts';
import { changedDefaults, isGiven, type Modification } from './request.ts';

type ByHypervisor = Readonly<Record<string, Parameters>>;

/** @throws Failure OpExecError naming the first node that doesn't accept them */
async function requireAccepted(context: PlanContext, name: string, hvparams: Parameters): Promise<void> {
  const about = hypervisorAbout(name);
  const fault = findFault(about.params, hvparams) ?? about.crossCheck?.(hvparams);
  if (fault !== undefined) throw new Failure('HypervisorError', [fault]);
  const nodes = nodesByName(context.configuration).filter(({ vm_capable }) => vm_capable);
  const replies = await context.nodes.callAll(
    nodes.map(({ uuid }) => uuid),
    hypervisorValidateParams,
    { name, hvparams },
  );
  for (const node of nodes) {
    const refusal = faultOf(replies.get(node.uuid));
    if (refusal !== undefined)
      throw executionFailure(`Hypervisor parameter validation failed on node ${node.name}: ${refusal}`);
  }
}

/** Parameters of every hypervisor after the change, and the names of those to look at again. */
function changedParameters({ op, cluster }: Modification): {
  readonly hvparams: Record<string, Parameters>;
  readonly touched: readonly string[];
} {
  const hvparams: Record<string, Parameters> = { ...cluster.hvparams };
  const touched = new Set<string>();
  for (const [name, change] of Object.entries(op.hvparams ?? {})) {
    const { params } = hypervisorAbout(name);
    hvparams[name] = changedDefaults(params, hvparams[name] ?? {}, change as ParameterValues);
    touched.add(name);
  }
  for (const name of op.enabled_hypervisors ?? []) {
    hvparams[name] = { ...defaultsOf(hypervisorAbout(name).params), ...hvparams[name] };
    touched.add(name);
  }
  return { hvparams, touched: [...touched] };
}

/** null takes a hypervisor's values of an OS away, "default" a single one; an OS without any goes. */
function changedByOs({ op, cluster }: Modification): Record<string, ByHypervisor> {
  const result: Record<string, ByHypervisor> = { ...cluster.os_hvp };
  for (const [os, changes] of Object.entries(op.os_hvp ?? {})) {
    const own: Record<string, Parameters> = { ...result[os] };
    for (const [name, change] of Object.entries(
      changes as Readonly<Record<string, ParameterValues | null>>,
    )) {
      if (change === null) delete own[name];
      else own[name] = changeLevel(own[name] ?? {}, enforceTypes(hypervisorAbout(name).params, change));
    }
    if (Object.keys(own).length === 0) delete result[os];
    else result[os] = own;
  }
  return result;
}

export async function modifyHypervisors(modification: Modification): Promise<void> {
  const { op, cluster, change, context } = modification;
  if (isGiven(op.hv_state))
    change.hv_state_static = changedHypervisorState(cluster.hv_state_static, op.hv_state);
  const { hvparams, touched } = changedParameters(modification);
  for (const name of touched) await requireAccepted(context, name, hvparams[name]!);
  if (touched.length > 0) change.hvparams = hvparams;
  if (op.enabled_hypervisors !== null) change.enabled_hypervisors = [...op.enabled_hypervisors];
  if (!isGiven(op.os_hvp)) return;
  const byOs = changedByOs(modification);
  for (const os of Object.keys(op.os_hvp)) {
    for (const [name, own] of Object.entries(byOs[os] ?? {}))
      await requireAccepted(context, name, { ...hvparams[name], ...own });
  }
  change.os_hvp = byOs;
}
