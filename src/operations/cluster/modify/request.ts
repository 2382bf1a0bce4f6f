/** What the parts of OP_CLUSTER_SET_PARAMS work with: each reads the opcode and says what changes. */

import { ErrorCode, type Failure, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Cluster } from '../../../model/objects/cluster.ts';
import {
  enforceTypes,
  type ParameterFamily,
  type ParameterValues,
  valueDefault,
} from '../../../model/params/family.ts';
import type { ClusterSetParams } from '../../../opcodes/cluster.ts';
import type { OpcodeOf } from '../../../opcodes/opcode.ts';
import type { PlanContext } from '../../operation.ts';

export type Op = OpcodeOf<typeof ClusterSetParams>;

export type ClusterChange = { -readonly [K in keyof Cluster]?: Cluster[K] };

/** One request while it is planned. */
export interface Modification {
  readonly op: Op;
  readonly context: PlanContext;
  /** As it is now. */
  readonly cluster: Cluster;
  readonly change: ClusterChange;
  /** Lines for whoever watches the job, said when the change is made. */
  readonly notes: string[];
}

export function wrongInput(message: string): Failure {
  return prerequisiteFailure(message, ErrorCode.invalid);
}

export function wrongState(message: string): Failure {
  return prerequisiteFailure(message, ErrorCode.state);
}

/** Values of the cluster's level with a change in them: "default" stands for the built-in default here. */
export function changedDefaults(
  family: ParameterFamily,
  current: ParameterValues,
  change: ParameterValues,
): Record<string, ParameterValues[string]> {
  const enforced = Object.entries(enforceTypes(family, change));
  const own = enforced.map(([name, value]) => [name, value === valueDefault ? family[name]!.default : value]);
  return { ...current, ...Object.fromEntries(own) };
}

/** Is there anything in it? */
export function isGiven<T extends object>(value: T | null): value is T {
  return value !== null && Object.keys(value).length > 0;
}
