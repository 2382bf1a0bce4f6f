/** gnt-os list and diagnose. */
import { niceSort } from '../../../kit/nice-sort.ts';
import { OsDiagnose } from '../../../opcodes/os.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { formatLegacyTable } from '../../output/legacy-table.ts';
import { osNames } from '../../shared/os-names.ts';

export const list = command({
  arguments: [],
  options: [o.noHeaders, o.priority],
  usage: '',
  description: 'Lists all valid operating systems on the cluster',
  run: async (session, options) => {
    const opcode = opcodeOf(OsDiagnose, { output_fields: ['name', 'variants'], names: [] });
    const systems = (await submitAndWait(session, opcode, options)) as [string, string[]][];
    session.printLines(
      formatLegacyTable({
        fields: ['name'],
        titles: options.no_headers ? null : { name: 'Name' },
        rows: systems.flatMap(([name, variants]) => osNames(name, variants).map((full) => [full])),
        separator: null,
      }),
    );
    return ExitCode.success;
  },
});

/** One definition found on a node: path, status, message, variants, parameters, API versions, trusted. */
type Found = readonly [string, boolean, string, string[], [string, string][], number[], boolean];
type System = readonly [string, boolean, string[], Readonly<Record<string, Found[]>>, boolean, boolean];

/** From these API versions on, definitions have variants and parameters. */
const apiWithVariants = 15;
const apiWithParameters = 20;

function statusText(isValid: boolean, message: string): string {
  return isValid ? 'valid' : `invalid - ${message}`;
}

function foundText([path, isValid, message, variants, parameters, apis, isTrusted]: Found): string {
  const listed = (label: string, items: readonly string[], none: string) =>
    items.length > 0 ? ` [${label}: ${items.join(', ')}]` : ` [${none}]`;
  const newest = Math.max(0, ...apis);
  return [
    `${statusText(isValid, message)} (path: ${path})`,
    listed('API versions', apis.map(String), 'no API versions declared'),
    newest >= apiWithVariants ? listed('variants', variants, 'no variants') : '',
    newest >= apiWithParameters
      ? listed(
          'parameters',
          parameters.map(([name]) => name),
          'no parameters',
        )
      : '',
    isTrusted ? ' [trusted]' : ' [untrusted]',
  ].join('');
}

/** The lines about one operating system, and whether it is fine everywhere. */
function diagnosis([name, , variants, nodes, isHidden, isBlacklisted]: System): {
  lines: string[];
  isValid: boolean;
} {
  const states = niceSort(Object.keys(nodes)).map((node) => {
    const [first, ...shadowed] = nodes[node]!;
    const text = first === undefined ? 'OS not found' : foundText(first);
    const hidden = shadowed.map(
      ([path, isValid, message]) => `    [hidden] path: ${path}, status: ${statusText(isValid, message)}`,
    );
    return { isValid: first?.[1] ?? false, lines: [`  Node: ${node}, status: ${text}`, ...hidden] };
  });
  const valid = states.filter((state) => state.isValid);
  const bad = states.filter((state) => !state.isValid);
  const isValid = valid.length > 0 && bad.length === 0;
  const status = isValid ? 'valid' : valid.length === 0 && bad.length > 0 ? 'invalid' : 'partial valid';
  const flags = `${isHidden ? ' [hidden]' : ''}${isBlacklisted ? ' [blacklisted]' : ''}`;
  return {
    isValid,
    lines: [
      `OS: ${name} [global status: ${status}]${flags}`,
      ...(variants && variants.length > 0 ? [`  Variants: [${variants.join(', ')}]`] : []),
      ...[...valid, ...bad].flatMap(({ lines }) => lines),
      '',
    ],
  };
}

export const diagnose = command({
  arguments: [],
  options: [o.priority],
  usage: '',
  description: 'Diagnose all operating systems',
  run: async (session, options) => {
    const output_fields = ['name', 'valid', 'variants', 'node_status', 'hidden', 'blacklisted'];
    const opcode = opcodeOf(OsDiagnose, { output_fields, names: [] });
    const systems = (await submitAndWait(session, opcode, options)) as System[] | null;
    if (systems === null) {
      session.warn("Can't get the OS list");
      return ExitCode.failure;
    }
    const all = systems.map(diagnosis);
    session.printLines(all.flatMap(({ lines }) => lines));
    return all.every(({ isValid }) => isValid) ? ExitCode.success : ExitCode.failure;
  },
});
