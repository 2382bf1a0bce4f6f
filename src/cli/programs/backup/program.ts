/** gnt-backup. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { BackupExport, BackupRemove } from '../../../opcodes/backup.ts';
import { command, many, one, type Program } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { commonCreateOptions, createInstance } from '../../shared/instance-create.ts';
import {
  list as listResource,
  listFields as listResourceFields,
  selectedFields,
} from '../../shared/listing.ts';
import { anyOf } from '../../shared/query-filter.ts';

const list = command({
  arguments: [],
  options: [o.nodes, o.noHeaders, o.separator, o.units, o.output, o.verbose],
  usage: '',
  description: 'Lists instance exports available in the ganeti cluster',
  run: async (session, options) => {
    const fields = selectedFields(options.output, ['node', 'export']);
    const listing = { resource: 'export', fields, filter: anyOf('node', options.nodes) };
    return await listResource(session, listing, options, []);
  },
});

const listFields = command({
  arguments: [many('unknown')],
  options: [o.noHeaders, o.separator],
  usage: '[fields...]',
  description: 'Lists all available fields for exports',
  run: async (session, options, args) => await listResourceFields(session, 'export', options, args),
});

const exportInstance = command({
  arguments: [one('instance')],
  options: [
    o.force,
    o.node,
    o.transportCompression,
    o.noshutdown,
    o.shutdownTimeout,
    o.removeInstance,
    o.ignoreRemoveFailures,
    o.dryRun,
    o.priority,
    o.zeroFreeSpace,
    o.zeroingTimeoutFixed,
    o.zeroingTimeoutPerMib,
    o.longSleep,
    o.submit,
    o.printJobId,
  ],
  usage: '-n <node-name> [opts...] <instance-name>',
  description: 'Exports an instance to an image',
  run: async (session, options, args) => {
    if (!options.node) throw prerequisiteFailure('Target node must be specified', ErrorCode.invalid);
    const opcode = opcodeOf(BackupExport, {
      instance_name: args[0]!,
      target_node: options.node,
      compress: options.transport_compression,
      shutdown: options.shutdown,
      shutdown_timeout: options.shutdown_timeout,
      remove_instance: options.remove_instance,
      ignore_remove_failures: options.ignore_remove_failures,
      zero_free_space: options.zero_free_space,
      zeroing_timeout_fixed: options.zeroing_timeout_fixed,
      zeroing_timeout_per_mib: options.zeroing_timeout_per_mib,
      long_sleep: options.long_sleep,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

const importInstance = command({
  arguments: [one('instance')],
  options: [
    ...commonCreateOptions,
    o.identifyDefaults,
    o.srcDir,
    o.srcNode,
    o.compress,
    o.ignoreIpolicy,
    o.helperStartupTimeout,
    o.helperShutdownTimeout,
  ],
  usage: '[...] -t disk-type -n node[:secondary-node] <instance-name>',
  description: 'Imports an instance from an exported image',
  run: async (session, options, args) =>
    await createInstance(session, options, args[0]!, {
      mode: 'import',
      start: false,
      src_node: options.src_node,
      src_path: options.src_dir,
      compress: options.compress,
      identify_defaults: options.identify_defaults,
    }),
});

const remove = command({
  arguments: [one('unknown')],
  options: [o.dryRun, o.priority, o.submit, o.printJobId],
  usage: '<instance-name>',
  description: 'Remove exports of named instance from the filesystem.',
  run: async (session, options, args) => {
    await submit(session, opcodeOf(BackupRemove, { instance_name: args[0]! }), options);
    return ExitCode.success;
  },
});

export const program: Program = {
  commands: { export: exportInstance, import: importInstance, list, 'list-fields': listFields, remove },
  aliases: {},
  defaultsFromEnvironment: [],
};
