/**
 * Moves running guests between nodes over a TCP connection of their QEMUs.
 *
 *   source: migrate ──► status active … completed ──► finalizeSource(success): process ended, files gone
 *   target: accept (QEMU waits for the guest) ───────► finalizeTarget(success): runtime file, interfaces
 *
 * Called off or failed, the target's QEMU is ended and the guest goes on where it was.
 */
import { pollUntil } from '../../kit/clock.ts';
import { Failure, messageOf } from '../../kit/failure.ts';
import { networkAbout } from '../../networks/catalog.ts';
import type { Guest, MigrationProgress } from '../contract.ts';
import { migrationUri } from './hardware/command-line.ts';
import {
  type KvmRuntime,
  nicOfRuntime,
  parseRuntime,
  relocated,
  withCurrentLinks,
} from './hardware/runtime.ts';
import { cleanUpFiles } from './host/clean-up.ts';
import { filesOf, type KvmNode } from './host/node.ts';
import { readRuntimeText, saveRuntime } from './host/runtime-file.ts';
import { tapOf } from './host/taps.ts';
import { launch } from './launch.ts';
import { guestProcess } from './qemu/process.ts';
import { isAtLeast } from './qemu/programs.ts';
import type { QmpConnection } from './qemu/qmp.ts';

/** Rounds of copying after which a guest that allows it goes on at the target with the rest to follow. */
const roundsBeforePostcopy = 2;

function capabilitiesOf(guest: Guest): string[] {
  return String(guest.hvparams.migration_caps ?? '')
    .split(':')
    .filter((name) => name !== '');
}

async function setCapabilities(qmp: QmpConnection, guest: Guest, state: boolean): Promise<void> {
  const names = capabilitiesOf(guest);
  if (names.length === 0) return;
  await qmp.execute('migrate-set-capabilities', {
    capabilities: names.map((capability) => ({ capability, state })),
  });
}

async function clearCapabilities(node: KvmNode, qmp: QmpConnection, guest: Guest): Promise<void> {
  await setCapabilities(qmp, guest, false).catch((error: unknown) => {
    node.log.warning(`Migration capabilities of '${guest.name}' stay set: ${messageOf(error)}`);
  });
}

/** query-migrate's answer, as far as it is used. */
export interface QemuMigration {
  readonly status?: string;
  readonly ram?: {
    readonly transferred: number;
    readonly total: number;
    readonly 'dirty-sync-count'?: number;
  };
  /** Milliseconds. */
  readonly downtime?: number;
  readonly 'error-desc'?: string;
}

const states: Readonly<Record<string, MigrationProgress['status']>> = {
  setup: 'active',
  active: 'active',
  device: 'active',
  'pre-switchover': 'active',
  'wait-unplug': 'active',
  cancelling: 'active',
  'postcopy-active': 'postcopy',
  'postcopy-paused': 'postcopy',
  'postcopy-recover': 'postcopy',
  'postcopy-recover-setup': 'postcopy',
  completed: 'completed',
  cancelled: 'cancelled',
  failed: 'failed',
};

/** Pure: progress from what QEMU says. */
export function progressOf(answer: QemuMigration): MigrationProgress {
  const status = states[answer.status ?? ''];
  const mib = (bytes: number | undefined) => (bytes === undefined ? null : bytes / 1024 ** 2);
  return {
    status: status ?? 'failed',
    transferredMiB: mib(answer.ram?.transferred),
    totalMiB: mib(answer.ram?.total),
    downtimeMs: answer.downtime ?? null,
    message:
      answer['error-desc'] ??
      (status === undefined ? `no migration is under way (state '${answer.status ?? 'none'}')` : null),
  };
}

const queryMigration = async (qmp: QmpConnection) => (await qmp.execute('query-migrate')) as QemuMigration;

/** The sender's runtime as it holds on this node. */
function runtimeHere(node: KvmNode, guest: Guest, info: string): KvmRuntime {
  return withCurrentLinks(relocated(parseRuntime(info), node.paths), guest.disks);
}

/** @throws Failure HypervisorError when QEMU can't be prepared to receive the guest */
export async function accept(node: KvmNode, guest: Guest, info: string, address: string): Promise<void> {
  const files = filesOf(node, guest);
  if ((await guestProcess(files)) !== null) {
    if ((await readRuntimeText(files)) !== null) {
      throw new Failure('HypervisorError', [`Failed to start instance ${guest.name}: already running`]);
    }
    node.log.warning(`An earlier attempt to receive '${guest.name}' is taken away`);
  }
  const runtime = runtimeHere(node, guest, info);
  await cleanUpFiles(node, guest, runtime, { force: true });
  await launch(node, guest, runtime, { address, port: Number(guest.hvparams.migration_port) });
  try {
    await node.sockets.with(files.qmp.file, (qmp) => setCapabilities(qmp, guest, true));
  } catch (error) {
    await cleanUpFiles(node, guest, runtime, { force: true });
    throw error;
  }
}

/** Begins to send the guest; returns once the transfer is under way. */
export async function migrate(node: KvmNode, guest: Guest, address: string, live: boolean): Promise<void> {
  const files = filesOf(node, guest);
  const hv = guest.hvparams;
  if ((await guestProcess(files)) === null) {
    throw new Failure('HypervisorError', ['Instance not running, cannot migrate']);
  }
  const { version } = await node.programs.facts(String(hv.kvm_path));
  await node.sockets.with(files.qmp.file, async (qmp) => {
    if (!live) await qmp.execute('stop');
    const bandwidth = Number(hv.migration_bandwidth) * 1024 ** 2;
    await qmp.execute('migrate-set-parameters', {
      'max-bandwidth': bandwidth,
      'downtime-limit': Number(hv.migration_downtime),
      ...(isAtLeast(version, 3) ? { 'max-postcopy-bandwidth': bandwidth } : {}),
    });
    await setCapabilities(qmp, guest, true);
    await qmp.execute('migrate', { uri: migrationUri(address, Number(hv.migration_port)) });
  });
}

export async function migrationStatus(node: KvmNode, guest: Guest): Promise<MigrationProgress> {
  const files = filesOf(node, guest);
  const postcopy = capabilitiesOf(guest).some((name) => name.endsWith('postcopy-ram'));
  return node.sockets.with(files.qmp.file, async (qmp) => {
    const answer = await queryMigration(qmp);
    const rounds = answer.ram?.['dirty-sync-count'] ?? 0;
    if (postcopy && answer.status === 'active' && rounds >= roundsBeforePostcopy) {
      await qmp.execute('migrate-start-postcopy');
      node.log.info(`Migration of '${guest.name}' goes on as postcopy`);
      return { ...progressOf(answer), status: 'postcopy' };
    }
    return progressOf(answer);
  });
}

/** Lets a guest go on that stands still because of its migration. */
async function goOn(qmp: QmpConnection): Promise<void> {
  const { status } = (await qmp.execute('query-status')) as { status: string };
  if (['paused', 'postmigrate', 'finish-migrate'].includes(status)) await qmp.execute('cont');
}

/**
 * Calls the migration off; the guest goes on here. No migration: fine.
 * @throws Failure HypervisorError when it has completed or can't be stopped
 */
export async function cancelMigration(node: KvmNode, guest: Guest): Promise<void> {
  const files = filesOf(node, guest);
  if ((await guestProcess(files)) === null) return;
  await node.sockets.with(files.qmp.file, async (qmp) => {
    const { status } = progressOf(await queryMigration(qmp));
    if (status === 'completed') {
      throw new Failure('HypervisorError', [
        `Migration of ${guest.name} has completed, too late to call it off`,
      ]);
    }
    if (status === 'postcopy') {
      throw new Failure('HypervisorError', [
        `Migration of ${guest.name} is in postcopy mode, too late to call it off`,
      ]);
    }
    if (status === 'active') {
      await qmp.execute('migrate_cancel');
      const ended = await pollUntil(
        async () => {
          const now = progressOf(await queryMigration(qmp)).status;
          return now === 'active' ? undefined : now;
        },
        { everyMs: 100, timeoutMs: 30_000 },
      );
      if (ended === undefined) throw new Failure('HypervisorError', ['The migration does not stop']);
    }
    await goOn(qmp);
  });
}

/** A guest may only be ended here once QEMU says that the other side has it. */
async function requireSent(node: KvmNode, guest: Guest): Promise<void> {
  const files = filesOf(node, guest);
  if ((await guestProcess(files)) === null) return;
  const answer = await node.sockets.with(files.qmp.file, queryMigration);
  const { status, message } = progressOf(answer);
  if (status !== 'completed') {
    throw new Failure('HypervisorError', [
      `Migration of ${guest.name} has not completed (${message ?? status}), the instance is left running here`,
    ]);
  }
}

export async function finalizeSource(node: KvmNode, guest: Guest, success: boolean): Promise<void> {
  const files = filesOf(node, guest);
  if (success) {
    await requireSent(node, guest);
    await cleanUpFiles(node, guest, null, { force: true });
    return;
  }
  if ((await guestProcess(files)) === null) {
    await cleanUpFiles(node, guest, null, { force: true });
    return;
  }
  await node.sockets.with(files.qmp.file, async (qmp) => {
    await goOn(qmp);
    await clearCapabilities(node, qmp, guest);
  });
}

/** Interfaces that would have drawn traffic away before the guest was here. */
async function connectArrived(node: KvmNode, guest: Guest, info: string): Promise<void> {
  const notes = await node.taps.notes(filesOf(node, guest));
  for (const [index, device] of parseRuntime(info).nics.entries()) {
    const nic = nicOfRuntime(device);
    if (networkAbout(nic.mode).onArrival === 'before') continue;
    const tap = tapOf(notes, index, device);
    if (tap === undefined) continue;
    await node.taps.connect(guest, index, nic, tap, 'post').catch((error: unknown) => {
      node.log.error(`Interface ${tap} of '${guest.name}' not connected: ${messageOf(error)}`);
    });
  }
}

export async function finalizeTarget(
  node: KvmNode,
  guest: Guest,
  info: string,
  success: boolean,
): Promise<void> {
  const files = filesOf(node, guest);
  const runtime = runtimeHere(node, guest, info);
  if (!success) {
    // Without a runtime file the guest is only being received; with one it is here already.
    if ((await readRuntimeText(files)) === null) await cleanUpFiles(node, guest, runtime, { force: true });
    return;
  }
  if ((await guestProcess(files)) === null) {
    throw new Failure('HypervisorError', [`Instance ${guest.name} is not running after its migration`]);
  }
  // One that is asked again later must not write over what has been plugged in since.
  if ((await readRuntimeText(files)) === null) await saveRuntime(files, runtime);
  await connectArrived(node, guest, info);
  await node.sockets.with(files.qmp.file, async (qmp) => {
    // One that was stopped for the move goes on; one that was started paused stays so.
    if (!runtime.command.includes('-S')) await goOn(qmp);
    await clearCapabilities(node, qmp, guest);
  });
}
