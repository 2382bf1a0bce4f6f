/** What a group's settings become by an opcode that adds or changes one. */
import type { Configuration } from '../../model/configuration.ts';
import type { NodeGroup } from '../../model/objects/node-group.ts';
import { changeLevel, enforceTypes, type ParameterValues } from '../../model/params/family.ts';
import { fillInstancePolicy } from '../../model/params/instance-policy.ts';
import { nodeParameters } from '../../model/params/node.ts';
import type { GroupSetParams } from '../../opcodes/group.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { changedDiskParameters } from '../settings/disk-parameters.ts';
import { changedPolicy, requireEnabledTemplates } from '../settings/instance-policy.ts';
import { changedDiskState, changedHypervisorState } from '../settings/resource-state.ts';

export type GroupRequest = Pick<
  OpcodeOf<typeof GroupSetParams>,
  'alloc_policy' | 'ndparams' | 'diskparams' | 'hv_state' | 'disk_state' | 'ipolicy'
>;
type Name = 'alloc_policy' | 'ndparams' | 'diskparams' | 'hv_state_static' | 'disk_state_static' | 'ipolicy';
export type GroupSettings = { readonly [K in Name]?: NodeGroup[K] };
type Changes = { -readonly [K in Name]?: NodeGroup[K] };

const isGiven = (value: Readonly<Record<string, unknown>> | null): value is Record<string, unknown> =>
  value !== null && Object.keys(value).length > 0;

/**
 * The settings that the opcode names, as they stand afterwards; nothing of the others.
 * @throws Failure for what isn't legal
 */
export function changedSettings(
  { cluster }: Configuration,
  group: GroupSettings,
  op: GroupRequest,
): GroupSettings {
  const result: Changes = {};
  if (op.alloc_policy !== null) result.alloc_policy = op.alloc_policy;
  if (isGiven(op.ndparams)) {
    const change = enforceTypes(nodeParameters, op.ndparams as ParameterValues);
    result.ndparams = changeLevel(group.ndparams ?? {}, change);
  }
  if (isGiven(op.diskparams))
    result.diskparams = changedDiskParameters(group.diskparams ?? {}, op.diskparams);
  if (isGiven(op.hv_state))
    result.hv_state_static = changedHypervisorState(group.hv_state_static, op.hv_state);
  if (isGiven(op.disk_state))
    result.disk_state_static = changedDiskState(group.disk_state_static, op.disk_state);
  if (isGiven(op.ipolicy)) {
    result.ipolicy = changedPolicy(group.ipolicy ?? {}, op.ipolicy, 'group');
    requireEnabledTemplates(
      fillInstancePolicy(cluster.ipolicy, result.ipolicy),
      cluster.enabled_disk_templates,
    );
  }
  return result;
}
