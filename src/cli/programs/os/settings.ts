/** gnt-os info and modify. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { ClusterSetParams } from '../../../opcodes/cluster.ts';
import { OsDiagnose } from '../../../opcodes/os.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { groupsOf } from '../../optparse/key-values.ts';
import { formatInfo, pairs } from '../../output/info.ts';
import { pythonText } from '../../output/python-text.ts';
import { typedHypervisors } from '../../shared/parameters.ts';

type Values = Readonly<Record<string, unknown>>;
type System = readonly [
  name: string,
  valid: boolean,
  variants: string[],
  parameters: [string, string][],
  apiVersions: number[],
  blacklisted: boolean,
  hidden: boolean,
  hypervisorParameters: Values,
  osParameters: Values,
  trusted: boolean,
];

const infoFields = [
  'name',
  'valid',
  'variants',
  'parameters',
  'api_versions',
  'blacklisted',
  'hidden',
  'os_hvp',
  'osparams',
  'trusted',
];

function systemLines(system: System): string[] {
  const [name, valid, variants, parameters, apiVersions, blacklisted, hidden, , , trusted] = system;
  const details = [
    '  - API versions:',
    ...[...apiVersions].sort((left, right) => left - right).map((version) => `    - ${version}`),
    '  - variants:',
    ...variants.map((variant) => `    - ${variant}`),
    '  - parameters:',
    ...parameters.map(([parameter, description]) => `    - ${parameter}: ${description}`),
  ];
  return [
    `${name}:`,
    `  - valid: ${pythonText(valid)}`,
    `  - hidden: ${pythonText(hidden)}`,
    `  - blacklisted: ${pythonText(blacklisted)}`,
    ...(valid ? details : []),
    `  - trusted: ${pythonText(trusted)}`,
    '',
  ];
}

export const info = command({
  arguments: [many('os')],
  options: [o.priority],
  usage: '',
  description: 'Show detailed information about operating systems',
  run: async (session, options, args) => {
    const opcode = opcodeOf(OsDiagnose, { output_fields: infoFields, names: [] });
    const systems = (await submitAndWait(session, opcode, options)) as System[] | null;
    if (systems === null) {
      session.warn("Can't get the OS list");
      return ExitCode.failure;
    }
    const wanted = systems.filter(([name]) => args.length === 0 || args.includes(name));
    session.printLines(wanted.flatMap(systemLines));
    const hypervisorParameters: Values = Object.assign({}, ...systems.map((system) => system[7]));
    const osParameters: Values = Object.assign({}, ...systems.map((system) => system[8]));
    for (const name of args.filter((arg) => !systems.some(([known]) => known === arg))) {
      // Parameters may be set for names that no node has.
      if (!(name in hypervisorParameters) && !(name in osParameters)) {
        throw prerequisiteFailure(`OS '${name}' not known`, ErrorCode.unknown);
      }
      const values = pairs(
        ['OS-specific hypervisor parameters', hypervisorParameters[name] ?? {}],
        ['OS parameters', osParameters[name] ?? {}],
      );
      session.print(`${formatInfo(pairs([name, values]))}\n`);
    }
    return ExitCode.success;
  },
});

const isEmpty = (values: object) => Object.keys(values).length === 0;

/** Adds to a list of names, or takes away; null leaves it alone. */
function listChange(isWanted: boolean | null, name: string): ['add' | 'remove', string][] | null {
  return isWanted === null ? null : [[isWanted ? 'add' : 'remove', name]];
}

export const modify = command({
  arguments: [one('os')],
  options: [
    o.manyHypervisorParameters,
    o.osParameters,
    o.osParametersPrivate,
    o.dryRun,
    o.priority,
    o.hidden,
    o.blacklisted,
    o.submit,
    o.printJobId,
  ],
  usage: '',
  description: 'Modify the OS parameters',
  run: async (session, options, args) => {
    const name = args[0]!;
    const changesNothing =
      options.hvparams.length === 0 &&
      isEmpty(options.osparams) &&
      isEmpty(options.osparams_private) &&
      options.hidden === null &&
      options.blacklisted === null;
    if (changesNothing) {
      session.warn('At least one of OS parameters or hypervisor parameters must be passed');
      return ExitCode.failure;
    }
    const opcode = opcodeOf(ClusterSetParams, {
      os_hvp:
        options.hvparams.length > 0 ? { [name]: await typedHypervisors(groupsOf(options.hvparams)) } : null,
      osparams: isEmpty(options.osparams) ? null : { [name]: options.osparams },
      osparams_private_cluster: isEmpty(options.osparams_private)
        ? null
        : { [name]: options.osparams_private },
      hidden_os: listChange(options.hidden, name),
      blacklisted_os: listChange(options.blacklisted, name),
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});
