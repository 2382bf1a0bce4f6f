/** gnt-group list, list-fields, info and show-ispecs-cmd. */
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { formatInfo, pairs } from '../../output/info.ts';
import { parametersInfo, policyInfo } from '../../output/parameters-info.ts';
import { pythonText } from '../../output/python-text.ts';
import { commaList, plain } from '../../output/query-table.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import { queryGroups, requireRows } from '../../shared/queries.ts';

type Values = Readonly<Record<string, unknown>>;

const usualFields = ['name', 'node_cnt', 'pinst_cnt', 'alloc_policy', 'ndparams'];

function parametersText(value: unknown): string {
  const entries = Object.entries(value as Values);
  if (entries.length === 0) return '(empty)';
  return entries.map(([name, item]) => `${name}=${pythonText(item)}`).join(', ');
}

const formats = { node_list: commaList, pinst_list: commaList, ndparams: plain(parametersText) };

export const list = command({
  arguments: [many('group')],
  options: [o.noHeaders, o.separator, o.output, o.verbose, o.filter],
  usage: '[<group-name>...]',
  description:
    'Lists the node groups in the cluster. The available fields can be shown using the "list-fields" command (see the man page for details). The default list is (in order): name, node_cnt, pinst_cnt, alloc_policy, ndparams.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, usualFields);
    return await listResource(session, { resource: 'group', fields, formats }, options, args);
  },
});

export const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[fields...]',
  description: 'Lists all available fields for node groups',
  run: async (session, options, args) => await listResourceFields(session, 'group', options, args),
});

const infoFields = [
  'name',
  'ndparams',
  'custom_ndparams',
  'diskparams',
  'custom_diskparams',
  'ipolicy',
  'custom_ipolicy',
];

export const info = command({
  arguments: [many('group')],
  options: [],
  usage: '[<group>...]',
  description: 'Show group information',
  run: async (session, _options, args) => {
    const rows = await queryGroups(session, args, infoFields);
    requireRows('Group', args, rows);
    const groups = rows.map((row) => {
      const [name, nodes, ownNodes, disks, ownDisks, policy, ownPolicy] = row as [string, ...Values[]];
      return pairs(
        ['Node group', name],
        ['Node parameters', parametersInfo(ownNodes!, nodes!)],
        ['Disk parameters', parametersInfo(ownDisks!, disks!)],
        ['Instance policy', policyInfo(ownPolicy!, policy!)],
      );
    });
    session.print(formatInfo(groups));
    return ExitCode.success;
  },
});

export const showIspecsCmd = command({
  arguments: [many('group')],
  options: [o.includeDefaults],
  usage: '[--include-defaults] [<group>...]',
  description: 'Show the command line to re-create a group',
  run: async (session, options, args) => {
    const { policyCommand } = await import('../../shared/policy.ts');
    const rows = await queryGroups(session, args, [
      'name',
      options.include_defaults ? 'ipolicy' : 'custom_ipolicy',
    ]);
    requireRows('Group', args, rows);
    for (const [name, policy] of rows) {
      // Groups have no standard of their own.
      const { std: _standard, ...bounds } = policy as Values;
      session.print(`gnt-group add${policyCommand(bounds as never)} ${String(name)}`);
    }
    return ExitCode.success;
  },
});
