/** Opcodes as commands write them: parameter names and types are checked against the catalog by the compiler. */
import type { OpcodeDefinition, ParameterDefinition, ParameterTable } from '../../opcodes/opcode.ts';
import type { Opcode } from './submit.ts';

/** What may be given for an opcode; a parameter left out (or undefined) gets its default from the master. */
export type OpcodeInput<P extends ParameterTable> = {
  readonly [K in keyof P]?: (P[K] extends ParameterDefinition<infer T> ? T : never) | undefined;
};

export function opcodeOf<P extends ParameterTable>(
  definition: OpcodeDefinition<P>,
  parameters: OpcodeInput<P>,
): Opcode {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return { OP_ID: definition.id, ...Object.fromEntries(given) };
}
