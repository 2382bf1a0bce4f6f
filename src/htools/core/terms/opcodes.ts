/** The opcodes that carry out a move, with their fields in Ganeti's order (hail prints them). */

import type { NodeTable } from '../state/node-table.ts';
import type { Instance } from './instance.ts';
import type { Move } from './vocabulary.ts';

/** An opcode as it travels: OP_ID and its parameters. */
export type Opcode = Readonly<Record<string, unknown>>;

/** Seconds a guest gets to shut down (constants.DEFAULT_SHUTDOWN_TIMEOUT). */
const shutdownTimeout = 120;

export function failoverOpcode(instance: Instance, target: string | undefined): Opcode {
  return {
    OP_ID: 'OP_INSTANCE_FAILOVER',
    instance_name: instance.name,
    shutdown_timeout: shutdownTimeout,
    ignore_consistency: false,
    ...(target === undefined ? {} : { target_node: target }),
    ignore_ipolicy: false,
    cleanup: false,
  };
}

function migrateOpcode(instance: Instance, target: string | undefined): Opcode {
  return {
    OP_ID: 'OP_INSTANCE_MIGRATE',
    instance_name: instance.name,
    ...(target === undefined ? {} : { target_node: target }),
    allow_runtime_changes: false,
    ignore_ipolicy: false,
    cleanup: false,
    allow_failover: true,
    ignore_hvversions: true,
  };
}

/** Replaces the secondary by `node`, or by what `allocator` finds. */
export function replaceSecondaryOpcode(
  instance: Instance,
  by: { readonly node: string } | { readonly allocator: string },
): Opcode {
  return {
    OP_ID: 'OP_INSTANCE_REPLACE_DISKS',
    instance_name: instance.name,
    early_release: false,
    ignore_ipolicy: false,
    mode: 'replace_new_secondary',
    disks: [],
    ...('node' in by ? { remote_node: by.node } : { iallocator: by.allocator }),
  };
}

/** The job that makes the move. */
export function moveOpcodes(nodes: NodeTable, instance: Instance, move: Move): Opcode[] {
  const change = (target?: string) =>
    instance.forthcoming ? failoverOpcode(instance, target) : migrateOpcode(instance, target);
  const node = nodes.name[move.target] ?? '';
  const replace = () => replaceSecondaryOpcode(instance, { node });
  switch (move.kind) {
    case 'failover':
      return [change()];
    case 'failover-to-any':
      return [change(node)];
    case 'replace-primary':
      return [change(), replace(), change()];
    case 'replace-secondary':
      return [replace()];
    case 'replace-and-failover':
      return [replace(), change()];
    case 'failover-and-replace':
      return [change(), replace()];
  }
}
