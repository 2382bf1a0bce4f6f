/** Schemas of the bodies that submit jobs, read from the opcodes and from what a route fixes of them. */
import {
  commonParameters,
  type OpcodeDefinition,
  type ParameterDefinition,
  type ParameterTable,
} from '../../opcodes/opcode.ts';
import type { JsonSchema } from '../../opcodes/types.ts';
import type { Submission } from '../route.ts';

type Properties = Record<string, JsonSchema>;

function parameterSchema({ type, doc, default: value, required }: ParameterDefinition): JsonSchema {
  const usual = required || value === undefined ? {} : { default: value };
  const hidden = type.secret === true ? { writeOnly: true } : {};
  return { ...type.schema, description: doc, ...usual, ...hidden };
}

/** A parameter under the name that a route has for it counts as well as under its own. */
function names(parameter: string, rename: Submission['rename']): string[] {
  const older = Object.entries(rename).filter(([, now]) => now === parameter);
  return [parameter, ...older.map(([name]) => name)];
}

function parametersSchema(
  { params }: OpcodeDefinition,
  rename: Submission['rename'],
  isFree: (name: string) => boolean,
  further: Submission['further'] = {},
  needed: Submission['needed'] = [],
): JsonSchema {
  const properties: Properties = {};
  const conditions: JsonSchema[] = [];
  const table: ParameterTable = { ...params, ...commonParameters };
  for (const [name, definition] of Object.entries(table)) {
    if (!isFree(name)) continue;
    const schema = parameterSchema(definition as ParameterDefinition);
    const spellings = names(name, rename);
    for (const spelling of spellings) properties[spelling] = schema;
    // Null counts as not given, which some types take for an answer.
    if (!definition.required || definition.type.accepts(null)) continue;
    conditions.push(
      spellings.length === 1
        ? { required: [name] }
        : { oneOf: spellings.map((spelling) => ({ required: [spelling] })) },
    );
  }
  Object.assign(properties, further);
  if (needed.length > 0) conditions.push({ required: needed });
  return {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(conditions.length === 0 ? {} : { allOf: conditions }),
  };
}

/** What a job depends on counts even where nothing else of the body does. */
const dependenciesOnly: JsonSchema = {
  type: 'object',
  properties: { depends: parameterSchema(commonParameters.depends as ParameterDefinition) },
};

/** The body of a request that submits an opcode. */
export function submissionBody({
  body,
  contract,
  opcode,
  fixed,
  rename,
  further,
  needed,
  forbidden,
}: Submission): JsonSchema {
  if (contract.body !== undefined) return contract.body;
  if (body === undefined) return dependenciesOnly;
  const isFree = (name: string) =>
    name !== 'reason' && !Object.hasOwn(fixed, name) && !forbidden.includes(name);
  return parametersSchema(opcode, rename, isFree, further, needed);
}

/** An instance as one of many that are made together. */
export function memberSchema(opcode: OpcodeDefinition, rename: Submission['rename']): JsonSchema {
  return parametersSchema(opcode, rename, () => true);
}
