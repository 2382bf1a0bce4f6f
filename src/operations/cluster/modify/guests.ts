/** What instances inherit: back-end, NIC and node parameters, and the instance policy. */
import { Failure } from '../../../kit/failure.ts';
import { niceSort } from '../../../kit/nice-sort.ts';
import { nicModes } from '../../../model/names.ts';
import type { InstancePolicy } from '../../../model/objects/instance-policy.ts';
import { backendParameters, splitMemory } from '../../../model/params/backend.ts';
import type { ParameterValues } from '../../../model/params/family.ts';
import { fillInstancePolicy } from '../../../model/params/instance-policy.ts';
import { nicParameters } from '../../../model/params/nic.ts';
import { nodeParameters } from '../../../model/params/node.ts';
import { networkAbouts } from '../../../networks/catalog.ts';
import { instancesOfGroup } from '../../group/members.ts';
import { changedPolicy, newViolations, requireEnabledTemplates } from '../../settings/instance-policy.ts';
import { changedDefaults, isGiven, type Modification, wrongInput } from './request.ts';
import { templatesOf } from './storage.ts';

function nicFault({ mode, link }: Readonly<Record<string, unknown>>): string | undefined {
  if (!(nicModes as readonly unknown[]).includes(mode) && mode !== 'auto')
    return `Invalid NIC mode '${String(mode)}'`;
  const about = networkAbouts.find(({ name }) => name === mode);
  return about?.linkIsBridge && !link ? 'Missing bridged NIC link' : undefined;
}

/** The default that interfaces inherit fits every interface that there is. */
function modifyNics({ op, cluster, change, context }: Modification): void {
  if (!isGiven(op.nicparams)) return;
  const defaults = changedDefaults(
    nicParameters,
    (cluster.nicparams.default ?? {}) as ParameterValues,
    op.nicparams as ParameterValues,
  );
  const fault = nicFault(defaults);
  if (fault !== undefined) throw new Failure('ConfigurationError', [fault]);
  const faults: string[] = [];
  for (const { name, nics } of context.configuration.instances) {
    for (const [index, nic] of nics.entries()) {
      const filled = { ...defaults, ...nic.nicparams };
      const wrong = nicFault(filled);
      if (wrong !== undefined) faults.push(`Instance ${name}, nic/${index}: ${wrong}`);
      if (networkAbouts.find((about) => about.name === filled.mode)?.needsIp && !nic.ip)
        faults.push(`Instance ${name}, nic/${index}: routed NIC with no ip address`);
    }
  }
  if (faults.length > 0) throw wrongInput(`Cannot apply the change, errors:\n${faults.join('\n')}`);
  change.nicparams = { ...cluster.nicparams, default: defaults as Readonly<Record<string, string>> };
}

function modifyPolicy(modification: Modification): void {
  const { op, cluster, change, context } = modification;
  const { enabled } = templatesOf(modification);
  if (!isGiven(op.ipolicy)) {
    requireEnabledTemplates(cluster.ipolicy, enabled);
    return;
  }
  const policy = changedPolicy(cluster.ipolicy, op.ipolicy, 'cluster') as InstancePolicy;
  requireEnabledTemplates(policy, enabled);
  const { configuration } = context;
  const violations = configuration.nodegroups.values().flatMap((group) =>
    newViolations(configuration, instancesOfGroup(configuration, group.uuid), {
      old: fillInstancePolicy(cluster.ipolicy, group.ipolicy),
      new: fillInstancePolicy(policy, group.ipolicy),
    }),
  );
  if (violations.length > 0) {
    const names = niceSort(new Set(violations)).join(', ');
    context.warn(`After the ipolicy change the following instances violate them: ${names}`);
  }
  change.ipolicy = policy;
}

export function modifyGuests(modification: Modification): void {
  const { op, cluster, change } = modification;
  if (isGiven(op.beparams)) {
    const wanted = splitMemory(op.beparams as ParameterValues);
    const defaults = changedDefaults(backendParameters, cluster.beparams.default ?? {}, wanted);
    change.beparams = { ...cluster.beparams, default: defaults };
  }
  if (isGiven(op.ndparams))
    change.ndparams = changedDefaults(nodeParameters, cluster.ndparams, op.ndparams as ParameterValues);
  modifyNics(modification);
  modifyPolicy(modification);
}
