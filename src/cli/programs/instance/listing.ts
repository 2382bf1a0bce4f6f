/** gnt-instance list, list-fields and info. */
import { InstanceQueryData } from '../../../opcodes/instance.ts';
import { command, many } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { formatInfo } from '../../output/info.ts';
import { commaList, type Formats } from '../../output/query-table.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import type { InstanceData } from './instance-data.ts';

const usualFields = ['name', 'hypervisor', 'os', 'pnode', 'status', 'oper_ram'];

const formats: Formats = Object.fromEntries(
  [
    'tags',
    'disk.sizes',
    'nic.macs',
    'nic.ips',
    'nic.modes',
    'nic.links',
    'nic.bridges',
    'nic.networks',
    'snodes',
    'snodes.group',
    'snodes.group.uuid',
  ].map((field) => [field, commaList]),
);

export const list = command({
  arguments: [many('instance')],
  options: [o.noHeaders, o.separator, o.units, o.output, o.verbose, o.filter],
  usage: '[<instance-name>...]',
  description:
    'Lists the instances and their status. The available fields can be shown using the "list-fields" command (see the man page for details). The default field list is (in order): name, hypervisor, os, pnode, status, oper_ram.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, usualFields);
    return await listResource(session, { resource: 'instance', fields, formats }, options, args);
  },
});

export const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[fields...]',
  description: 'Lists all available fields for instances',
  run: async (session, options, args) => await listResourceFields(session, 'instance', options, args),
});

const withoutNames =
  'No instance selected. Please pass in --all if you want to query all instances.\n' +
  'Note that this can take a long time on a big cluster.';

export const info = command({
  arguments: [many('instance')],
  options: [o.staticOnly, o.showAll, o.roman, o.priority],
  usage: '[-s] {--all | <instance-name>...}',
  description: 'Show information on the specified instance(s)',
  run: async (session, options, args) => {
    if (args.length === 0 && !options.show_all) {
      session.warn(withoutNames);
      return ExitCode.failure;
    }
    if (args.length > 0 && options.show_all) {
      session.warn('Cannot use --all if you specify instance names.');
      return ExitCode.failure;
    }
    const opcode = opcodeOf(InstanceQueryData, {
      instances: args,
      static: options.static,
      use_locking: !options.static,
    });
    const result = (await submitAndWait(session, opcode, options)) as Record<string, InstanceData> | null;
    const instances = Object.values(result ?? {});
    if (instances.length === 0) {
      session.print('No instances.');
      return ExitCode.failure;
    }
    const { instanceInfo } = await import('./info-format.ts');
    session.print(formatInfo(instances.map((instance) => instanceInfo(instance, options.roman_integers))));
    return ExitCode.success;
  },
});
