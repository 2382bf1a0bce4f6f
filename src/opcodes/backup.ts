/** Opcodes about exports of instances. */
import { opcode, optional, required } from './opcode.ts';
import * as t from './types.ts';
import * as v from './values.ts';

export const BackupExport = opcode({
  id: 'OP_BACKUP_EXPORT',
  summary: 'instance_name',
  doc: 'Exports an instance to a node or to another cluster.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    compress: optional(
      t.string,
      'none',
      'How data is compressed on its way: none, or a tool that the cluster allows',
    ),
    shutdown_timeout: optional(
      t.nonNegative,
      120,
      'Seconds to wait for the guest to stop before it is ended',
    ),
    target_node: required(
      v.exportTarget,
      'Node that receives the export; for a remote one, where each disk goes',
    ),
    target_node_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    shutdown: optional(t.boolean, true, 'Stop the instance for the time of the export'),
    remove_instance: optional(t.boolean, false, 'Remove the instance afterwards'),
    ignore_remove_failures: optional(
      t.boolean,
      false,
      'Count the removal as done although parts of it failed',
    ),
    mode: optional(v.exportMode, 'local', 'To a node of this cluster, or to another cluster'),
    x509_key_name: optional(t.maybe(t.listOf(t.anything)), null, 'Key for the transfer: name, HMAC and salt'),
    destination_x509_ca: optional(v.maybeName, null, 'Certificate authority of the receiver'),
    zero_free_space: optional(
      t.boolean,
      false,
      'Fill free space with zeros first, so that the export is small',
    ),
    zeroing_timeout_fixed: optional(t.maybe(t.integer), null, 'Seconds that zeroing may take at least'),
    zeroing_timeout_per_mib: optional(
      t.maybe(t.float),
      null,
      'Further seconds that zeroing may take for each MiB',
    ),
    long_sleep: optional(
      t.boolean,
      false,
      'Keep the instance stopped until all of it is exported, instead of using snapshots',
    ),
  },
});

export const BackupPrepare = opcode({
  id: 'OP_BACKUP_PREPARE',
  summary: 'instance_name',
  doc: 'Gives what is needed to receive an export.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
    mode: required(v.exportMode, 'What kind of export follows'),
  },
});

export const BackupRemove = opcode({
  id: 'OP_BACKUP_REMOVE',
  summary: 'instance_name',
  doc: 'Removes the export of an instance.',
  params: {
    instance_name: required(t.string, 'Name of the instance'),
    instance_uuid: optional(v.maybeName, null, 'Its uuid, when the client knows it'),
  },
});
