/** gnt-node list, list-fields and info. */
import { niceSort } from '../../../kit/nice-sort.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import { formatInfo, type Pairs, pairs } from '../../output/info.ts';
import { parametersInfo } from '../../output/parameters-info.ts';
import { commaList } from '../../output/query-table.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import { queryNodes, type Row, requireRows } from '../../shared/queries.ts';

const usualFields = ['name', 'dtotal', 'dfree', 'mtotal', 'mnode', 'mfree', 'pinst_cnt', 'sinst_cnt'];
const formats = { pinst_list: commaList, sinst_list: commaList, tags: commaList };

export const list = command({
  arguments: [many('node')],
  options: [o.noHeaders, o.separator, o.units, o.output, o.verbose, o.filter],
  usage: '[<node-name>...]',
  description:
    'Lists the nodes in the cluster. The available fields can be shown using the "list-fields" command (see the man page for details). The default field list is (in order): name, dtotal, dfree, mtotal, mnode, mfree, pinst_cnt, sinst_cnt.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, usualFields);
    return await listResource(session, { resource: 'node', fields, formats }, options, args);
  },
});

export const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[fields...]',
  description: 'Lists all available fields for nodes',
  run: async (session, options, args) => await listResourceFields(session, 'node', options, args),
});

const infoFields = [
  'name',
  'pip',
  'sip',
  'pinst_list',
  'sinst_list',
  'master_candidate',
  'drained',
  'offline',
  'master_capable',
  'vm_capable',
  'powered',
  'ndparams',
  'custom_ndparams',
];

function nodeInfo(row: Row): Pairs {
  const values = Object.fromEntries(infoFields.map((field, index) => [field, row[index]]));
  const instances = (field: string) => niceSort(values[field] as string[]);
  return pairs(
    ['Node name', values.name],
    ['primary ip', values.pip],
    ['secondary ip', values.sip],
    ['master candidate', values.master_candidate],
    ['drained', values.drained],
    ['offline', values.offline],
    values.powered === null ? undefined : ['powered', values.powered],
    ['master_capable', values.master_capable],
    ['vm_capable', values.vm_capable],
    values.vm_capable ? ['primary for instances', instances('pinst_list')] : undefined,
    values.vm_capable ? ['secondary for instances', instances('sinst_list')] : undefined,
    [
      'node parameters',
      parametersInfo(
        (values.custom_ndparams ?? {}) as Record<string, unknown>,
        (values.ndparams ?? {}) as Record<string, unknown>,
      ),
    ],
  );
}

export const info = command({
  arguments: [many('node')],
  options: [],
  usage: '[<node>...]',
  description: 'Show information about the node(s)',
  run: async (session, _options, args) => {
    const rows = await queryNodes(session, args, infoFields);
    requireRows('Node', args, rows);
    session.print(formatInfo(rows.map(nodeInfo)));
    return ExitCode.success;
  },
});
