/** gnt-node volumes, list-storage, modify-storage, repair-storage and list-drbd. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import {
  NodeModifyStorage,
  NodeQueryStorage,
  NodeQueryVols,
  RepairNodeStorage,
} from '../../../opcodes/node.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { formatLegacyTable } from '../../output/legacy-table.ts';
import { selectedFields } from '../../shared/listing.ts';

const volumeTitles = {
  node: 'Node',
  phys: 'PhysDev',
  vg: 'VG',
  name: 'Name',
  size: 'Size',
  instance: 'Instance',
};

export const volumes = command({
  arguments: [many('node')],
  options: [o.noHeaders, o.separator, o.units, o.output, o.priority],
  usage: '[<node-name>...]',
  description: 'List logical volumes on node(s)',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, Object.keys(volumeTitles));
    const opcode = opcodeOf(NodeQueryVols, { nodes: args, output_fields: fields });
    const rows = (await submitAndWait(session, opcode, options)) as unknown[][];
    session.printLines(
      formatLegacyTable({
        fields,
        titles: options.no_headers ? null : volumeTitles,
        rows,
        separator: options.separator,
        numbers: ['size'],
        sizes: ['size'],
        units: options.units,
      }),
    );
    return ExitCode.success;
  },
});

const storageTitles = {
  node: 'Node',
  type: 'Type',
  name: 'Name',
  size: 'Size',
  used: 'Used',
  free: 'Free',
  allocatable: 'Allocatable',
};
const storageSizes = ['size', 'used', 'free'];

export const listStorage = command({
  arguments: [many('node')],
  options: [o.noHeaders, o.separator, o.units, o.output, o.storageType, o.priority],
  usage: '[<node-name>...]',
  description:
    'List physical volumes on node(s). The available fields are (see the man page for details): node, type, name, size, used, free, allocatable.',
  run: async (session, options, args) => {
    const fields = selectedFields(options.output, Object.keys(storageTitles));
    const opcode = opcodeOf(NodeQueryStorage, {
      nodes: args,
      storage_type: options.user_storage_type as never,
      output_fields: fields,
    });
    const rows = (await submitAndWait(session, opcode, options)) as unknown[][];
    const isAllocatable = (value: unknown) => (value ? 'Y' : 'N');
    session.printLines(
      formatLegacyTable({
        fields,
        titles: options.no_headers ? null : storageTitles,
        rows: rows.map((row) =>
          row.map((value, index) => (fields[index] === 'allocatable' ? isAllocatable(value) : value)),
        ),
        separator: options.separator,
        numbers: storageSizes,
        sizes: storageSizes,
        units: options.units,
      }),
    );
    return ExitCode.success;
  },
});

const storageTypes = ['file', 'lvm-pv', 'lvm-vg', 'sharedfile', 'gluster'];

function storageTypeOf(text: string): never {
  if (!storageTypes.includes(text)) {
    throw prerequisiteFailure(`Unknown storage type: ${text}`, ErrorCode.invalid);
  }
  return text as never;
}

export const modifyStorage = command({
  arguments: [one('node'), one('choice', ['lvm-pv']), one('file')],
  options: [o.allocatable, o.dryRun, o.priority, o.submit, o.printJobId],
  usage: '<node-name> <storage-type> <volume-name>',
  description: 'Modify storage volume on a node',
  run: async (session, options, args) => {
    const [node = '', type = '', name = ''] = args;
    const storage_type = storageTypeOf(type);
    if (options.allocatable === null) {
      session.warn('No changes to perform, exiting.');
      return ExitCode.success;
    }
    const opcode = opcodeOf(NodeModifyStorage, {
      node_name: node,
      storage_type,
      name,
      changes: { allocatable: options.allocatable },
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const repairStorage = command({
  arguments: [one('node'), one('choice', ['lvm-vg']), one('file')],
  options: [o.ignoreConsistency, o.dryRun, o.priority, o.submit, o.printJobId],
  usage: '<node-name> <storage-type> <volume-name>',
  description: 'Repairs a storage volume on a node',
  run: async (session, options, args) => {
    const [node = '', type = '', name = ''] = args;
    const opcode = opcodeOf(RepairNodeStorage, {
      node_name: node,
      storage_type: storageTypeOf(type),
      name,
      ignore_consistency: options.ignore_consistency,
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

const drbdTitles = {
  node: 'Node',
  minor: 'Minor',
  instance: 'Instance',
  disk: 'Disk',
  role: 'Role',
  peer: 'PeerNode',
};

export const listDrbd = command({
  arguments: [one('node')],
  options: [o.noHeaders, o.separator],
  usage: '<node>',
  description: 'Query the list of used DRBD minors on the given node',
  run: async (session, options, args) => {
    const { queryNodeDrbd } = await import('../../shared/confd.ts');
    const rows = await queryNodeDrbd(session.paths, args[0]!);
    session.printLines(
      formatLegacyTable({
        fields: Object.keys(drbdTitles),
        titles: options.no_headers ? null : drbdTitles,
        rows,
        separator: options.separator,
        numbers: ['minor'],
      }),
    );
    return ExitCode.success;
  },
});
