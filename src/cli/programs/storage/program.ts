/** gnt-storage: providers of external storage. */
import { niceSort } from '../../../kit/nice-sort.ts';
import { ExtStorageDiagnose } from '../../../opcodes/os.ts';
import { command, many, type Program } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { type JobOptions, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { Session } from '../../session.ts';

type Parameters = readonly (readonly [string, string])[];
type GroupStates = Readonly<Record<string, boolean>>;

async function query<T>(session: Session, options: JobOptions, output_fields: string[]): Promise<T[]> {
  const opcode = opcodeOf(ExtStorageDiagnose, { output_fields, names: [] });
  return ((await submitAndWait(session, opcode, options)) ?? []) as T[];
}

type Provider = readonly [string, GroupStates, Parameters];

function providerLines([name, groups, parameters]: Provider): string[] {
  const valid = niceSort(Object.keys(groups).filter((group) => groups[group]));
  if (valid.length === 0) return [`${name}:`, '  - Invalid for all nodegroups', ''];
  return [
    `${name}:`,
    '  - Valid for nodegroups:',
    ...valid.map((group) => `      ${group}`),
    '  - Supported parameters:',
    ...parameters.map(([parameter, description]) => `      ${parameter}: ${description}`),
    '',
  ];
}

const info = command({
  arguments: [many('os')],
  options: [o.priority],
  usage: '',
  description: 'Show info about ExtStorage providers',
  run: async (session, options, args) => {
    const providers = await query<Provider>(session, options, ['name', 'nodegroup_status', 'parameters']);
    if (providers.length === 0) {
      session.warn("Can't get the ExtStorage providers list");
      return ExitCode.failure;
    }
    const wanted = providers.filter(([name]) => args.length === 0 || args.includes(name));
    session.printLines(wanted.flatMap(providerLines));
    const missing = args.filter((name) => !providers.some(([known]) => known === name));
    for (const name of missing) session.print(`${name}: Not Found\n`);
    return missing.length === 0 ? ExitCode.success : ExitCode.failure;
  },
});

/** One found on a node: path, status, message, parameters. */
type Found = readonly [string, boolean, string, Parameters];
type Diagnosis = readonly [string, Readonly<Record<string, readonly Found[]>>, GroupStates];

function foundText(found: Found | undefined): string {
  if (found === undefined) return 'ExtStorage provider not found';
  const [path, isValid, message, parameters] = found;
  const names = parameters.map(([name]) => name).join(', ');
  const listed = names === '' ? ' [no parameters]' : ` [parameters: ${names}]`;
  return `${isValid ? 'valid' : `invalid - ${message}`} (path: ${path})${listed}`;
}

/** Those that are fine first. */
function validFirst(names: readonly string[], isValid: (name: string) => boolean): string[] {
  const sorted = niceSort(names);
  return [...sorted.filter(isValid), ...sorted.filter((name) => !isValid(name))];
}

function diagnosisLines([name, nodes, groups]: Diagnosis): string[] {
  const nodeNames = validFirst(Object.keys(nodes), (node) => nodes[node]![0]?.[1] ?? false);
  const groupNames = validFirst(Object.keys(groups), (group) => groups[group]!);
  return [
    `Provider: ${name}`,
    '---',
    ...nodeNames.map((node) => `  Node: ${node}, status: ${foundText(nodes[node]![0])}`),
    '  --',
    ...groupNames.map((group) => `  For nodegroup: ${group} --> ${groups[group] ? 'valid' : 'invalid'}`),
    '',
  ];
}

const diagnose = command({
  arguments: [],
  options: [o.priority],
  usage: '',
  description: 'Diagnose all ExtStorage providers',
  run: async (session, options) => {
    const found = await query<Diagnosis>(session, options, ['name', 'node_status', 'nodegroup_status']);
    if (found.length === 0) {
      session.warn("Can't get the list of ExtStorage providers");
      return ExitCode.failure;
    }
    session.printLines(found.flatMap(diagnosisLines));
    return ExitCode.success;
  },
});

export const program: Program = {
  commands: { diagnose, info },
  aliases: {},
  defaultsFromEnvironment: [],
};
