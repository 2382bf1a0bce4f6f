/**
 * OP_BACKUP_EXPORT: the disks of an instance go to a folder of another node, or to another cluster. Until the
 * export is whole and in its place everything is taken back on failure: the guest runs again, snapshots and
 * half an export are gone, the export before is there still.
 */

import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { pythonText } from '../../kit/python-text.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { disksOf, instanceNamed, nodeNamed } from '../../model/lookup.ts';
import type { Disk } from '../../model/objects/disk.ts';
import type { Instance } from '../../model/objects/instance.ts';
import type { Node } from '../../model/objects/node.ts';
import { BackupExport } from '../../opcodes/backup.ts';
import type { OpcodeOf } from '../../opcodes/opcode.ts';
import { primaryOf, requireNotDrained, requireOnline, runningOn } from '../checks.ts';
import { instanceHooks } from '../hooks-environment.ts';
import type { HelperMachine } from '../instance/helper/plan.ts';
import { instanceLocks } from '../instance/locks.ts';
import { hiddenOs } from '../instance/os-parameters.ts';
import { operation, type PlanContext } from '../operation.ts';
import {
  checkCertificate,
  checkDiskTarget,
  checkKeyName,
  type DiskTarget,
  domainSecret,
  randomHex,
  requireCompression,
} from '../transfer/authority.ts';
import { requireLongSleep } from './long-sleep.ts';
import { everyNode } from './remove.ts';
import { exportSteps, runExport } from './run-export.ts';
import { planSnapshots, snapshotsArePossible } from './snapshots.ts';
import { planZeroing } from './zeroing.ts';

type Op = OpcodeOf<typeof BackupExport>;

/** Where the data goes. */
export type Destination =
  | { readonly kind: 'node'; readonly node: Node; readonly token: string }
  | {
      readonly kind: 'cluster';
      readonly keyName: string;
      readonly certificate: string;
      readonly disks: readonly DiskTarget[];
    };

export interface ExportPlan {
  readonly configuration: Configuration;
  readonly instance: Instance;
  readonly destination: Destination;
  readonly compress: string;
  readonly stops: boolean;
  readonly longSleep: boolean;
  readonly shutdownTimeout: number;
  /** The guest runs now. */
  readonly running: boolean;
  /** Fills free space with zeros first. */
  readonly zeroing: HelperMachine | undefined;
  /** One a disk; empty when the disks themselves are read. */
  readonly snapshots: readonly Disk[];
  readonly removes: boolean;
  readonly ignoreRemoveFailures: boolean;
  readonly hidden: Readonly<Record<string, string>>;
  readonly debug: number;
  readonly exportFolder: string;
}

async function destinationOf(op: Op, context: PlanContext, instance: Instance): Promise<Destination> {
  const { configuration, paths } = context;
  const wrong = (text: string) => prerequisiteFailure(text, ErrorCode.invalid);
  if (op.mode === 'local') {
    if (typeof op.target_node !== 'string') throw wrong('A local export needs the name of a node');
    const node = nodeNamed(configuration, op.target_node);
    requireOnline(node);
    requireNotDrained(node);
    return { kind: 'node', node, token: randomHex(16) };
  }
  if (op.x509_key_name === null) throw wrong('Missing X509 key name for encryption');
  if (op.destination_x509_ca === null) throw wrong('Missing destination X509 CA');
  const targets = op.target_node;
  if (!Array.isArray(targets)) throw wrong('A remote export needs the places that disks go to');
  if (targets.length !== instance.disks.length) {
    throw wrong(
      `Received destination information for ${targets.length} disks, but instance ${instance.name} has ${instance.disks.length} disks`,
    );
  }
  const secret = await domainSecret(paths);
  return {
    kind: 'cluster',
    keyName: checkKeyName(secret, op.x509_key_name),
    certificate: checkCertificate(secret, op.destination_x509_ca, 'destination'),
    disks: targets.map((target, index) => checkDiskTarget(secret, index, target)),
  };
}

/** Will the guest be copied by snapshots? @throws Failure OpExecError when it should and can't */
function usesSnapshots(op: Op, configuration: Configuration, instance: Instance): boolean {
  if (op.remove_instance || instance.admin_state !== 'up') return false;
  if (snapshotsArePossible(configuration, instance)) return instance.disks.length > 0;
  requireLongSleep({ stops: op.shutdown, longSleep: op.long_sleep });
  return false;
}

async function plan(op: Op, context: PlanContext): Promise<ExportPlan> {
  const { configuration, paths } = context;
  const instance = instanceNamed(configuration, op.instance_name);
  const primary = primaryOf(configuration, instance);
  requireOnline(primary);
  if (op.remove_instance && instance.admin_state === 'up' && !op.shutdown)
    throw prerequisiteFailure('Can not remove instance without shutting it down before', ErrorCode.state);
  const destination = await destinationOf(op, context, instance);
  if (op.long_sleep && !op.shutdown) {
    throw prerequisiteFailure(
      'The long sleep option only makes sense when the instance can be shut down.',
      ErrorCode.invalid,
    );
  }
  const zeroing = await planZeroing(op, context, instance);
  requireCompression(configuration.cluster.compression_tools, op.compress);
  const snapshots = usesSnapshots(op, configuration, instance) ? planSnapshots(context, instance) : [];
  const running = (await runningOn(context.nodes, configuration, instance, primary.uuid)) !== null;
  return {
    ...{ configuration, instance, destination, snapshots, running, zeroing },
    compress: op.compress,
    stops: op.shutdown,
    longSleep: op.long_sleep,
    shutdownTimeout: op.shutdown_timeout,
    removes: op.remove_instance,
    ignoreRemoveFailures: op.ignore_remove_failures,
    hidden: hiddenOs(configuration.cluster, instance.os, instance.osparams_private, {}),
    debug: op.debug_level ?? 0,
    exportFolder: paths.exportDir.slice(paths.root.length),
  };
}

/** A local export looks for older ones on every node, so all of them are held. */
function locksOf(op: Op, configuration: Configuration): LockRequest[] {
  const own = instanceLocks(configuration, op.instance_name);
  return op.mode === 'remote'
    ? own
    : [...own.filter(({ level }) => level !== 'node'), ...everyNode(configuration, 'shared')];
}

export const backupExport = operation({
  opcode: BackupExport,
  steps: exportSteps,
  locks: locksOf,
  plan,
  hooks: (op, { instance, destination, configuration: before }, configuration) =>
    instanceHooks(
      'instance-export',
      configuration,
      instance,
      [instance.primary_node, ...(destination.kind === 'node' ? [destination.node.uuid] : [])],
      {
        EXPORT_MODE: op.mode,
        EXPORT_NODE: destination.kind === 'node' ? destination.node.name : pythonText(op.target_node),
        EXPORT_DO_SHUTDOWN: op.shutdown ? 'True' : 'False',
        SHUTDOWN_TIMEOUT: String(op.shutdown_timeout),
        REMOVE_INSTANCE: op.remove_instance ? 'True' : 'False',
      },
      disksOf(before, instance),
    ),
  run: runExport,
});
