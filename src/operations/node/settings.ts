/** What a node's own parameters and states become by OP_NODE_ADD and OP_NODE_SET_PARAMS. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import type { Node } from '../../model/objects/node.ts';
import {
  changeLevel,
  enforceTypes,
  type ParameterFamily,
  type ParameterValues,
} from '../../model/params/family.ts';
import { nodeParameters } from '../../model/params/node.ts';
import type { NodeSetParams } from '../../opcodes/node.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { changedDiskState, changedHypervisorState } from '../settings/resource-state.ts';

type Request = Pick<OpcodeOf<typeof NodeSetParams>, 'ndparams' | 'hv_state' | 'disk_state'>;
type Settings = { -readonly [K in 'ndparams' | 'hv_state_static' | 'disk_state_static']?: Node[K] };

const isGiven = (value: Readonly<Record<string, unknown>> | null): value is Record<string, unknown> =>
  value !== null && Object.keys(value).length > 0;

/** @throws Failure OpPrereqError wrong_input for a parameter that is none of a single node */
export function requireNotGlobal(values: ParameterValues): void {
  const family: ParameterFamily = nodeParameters;
  const globals = Object.keys(values).filter((name) => family[name]?.global === true);
  if (globals.length > 0) {
    throw prerequisiteFailure(
      `The following node parameters are global and cannot be customized at node level, please modify them at cluster or group level: ${globals.join(', ')}`,
      ErrorCode.invalid,
    );
  }
}

/** @throws Failure for what isn't legal */
export function changedSettings(op: Request, node: Node): Settings {
  const result: Settings = {};
  if (isGiven(op.ndparams)) {
    const change = enforceTypes(nodeParameters, op.ndparams as ParameterValues);
    requireNotGlobal(change);
    result.ndparams = changeLevel(node.ndparams, change);
  }
  if (isGiven(op.hv_state))
    result.hv_state_static = changedHypervisorState(node.hv_state_static, op.hv_state);
  if (isGiven(op.disk_state))
    result.disk_state_static = changedDiskState(node.disk_state_static, op.disk_state);
  return result;
}
