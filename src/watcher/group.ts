/** The watcher of one group, in a process of its own. */
import { readFile } from 'node:fs/promises';
import { now } from '../kit/clock.ts';
import { assertNever, Failure, messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { LuxiClient } from '../luxi/client.ts';
import { mendAfterReboots, verifyDisks } from './disks.ts';
import { type GroupData, isStill, readGroup } from './group-data.ts';
import { careFor, helplessStates, maxTries, type WatchedInstance } from './instances.ts';
import { because, carryOut } from './jobs.ts';
import { openMaster } from './master.ts';
import type { WatcherOptions } from './options.ts';
import { type Notepad, openState } from './state.ts';
import { writeStatusFiles } from './status-files.ts';

export interface Watch {
  readonly paths: Paths;
  readonly log: Log;
  readonly options: WatcherOptions;
}

const uuidForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Uuids of the groups that ssconf names: a line each, the uuid first. */
export async function knownGroups({ dataDir }: Pick<Paths, 'dataDir'>): Promise<string[]> {
  const text = await readFile(`${dataDir}/ssconf_nodegroups`, 'utf8');
  const uuids = text.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
  if (!uuids.every((uuid) => uuidForm.test(uuid)))
    throw new Failure('GenericError', ['Ssconf contains invalid group UUID']);
  return uuids;
}

async function requireGroup(wanted: string, paths: Paths): Promise<{ group: string; groups: string[] }> {
  const group = wanted.toLowerCase();
  if (!uuidForm.test(group)) {
    throw new Failure('GenericError', [
      `Node group parameter (--node-group) must be given a UUID, got '${group}'`,
    ]);
  }
  const groups = await knownGroups(paths);
  if (!groups.includes(group))
    throw new Failure('GenericError', [`Node group '${group}' is not known by ssconf`]);
  return { group, groups };
}

/** @returns whether its start was asked for and went well */
async function restart(
  client: LuxiClient,
  instance: WatchedInstance,
  attempt: number,
  notepad: Notepad,
  log: Log,
): Promise<boolean> {
  const { name } = instance;
  // A job may have begun since the group was looked at: what it stops must not be started again.
  if (!(await isStill(client, instance))) {
    log.info(`Not restarting instance '${name}', a job is at work on it`);
    return false;
  }
  log.info(`Restarting instance '${name}' (attempt #${attempt})`);
  try {
    const opcode = { OP_ID: 'OP_INSTANCE_STARTUP', instance_name: name, force: false };
    await carryOut(client, because(`Restarting instance ${name}`, opcode));
    return true;
  } catch (error) {
    log.error(`Error while restarting instance '${name}': ${messageOf(error)}`);
    return false;
  } finally {
    notepad.noteRestart(name);
  }
}

async function cleanUp(client: LuxiClient, { name }: WatchedInstance, notepad: Notepad, log: Log) {
  log.info(`Instance '${name}' was shutdown by the user, cleaning up instance`);
  const opcode = { OP_ID: 'OP_INSTANCE_SHUTDOWN', instance_name: name, admin_state_source: 'user' };
  try {
    await carryOut(client, because(`Cleaning up instance ${name}`, opcode));
    notepad.forget(name);
  } catch (error) {
    log.error(`Error while cleaning up instance '${name}': ${messageOf(error)}`);
    notepad.noteCleanup(name);
  }
}

/** @returns names of instances that were started */
async function careForInstances(
  client: LuxiClient,
  { instances, isLocked }: GroupData,
  notepad: Notepad,
  log: Log,
): Promise<Set<string>> {
  notepad.maintain(new Set(instances.keys()));
  const started = new Set<string>();
  for (const instance of instances.values()) {
    const { name, status } = instance;
    const care = careFor(instance, notepad, isLocked);
    switch (care.kind) {
      case 'none':
        break;
      case 'restart':
        if (await restart(client, instance, care.attempt, notepad, log)) started.add(name);
        break;
      case 'cleanup':
        await cleanUp(client, instance, notepad, log);
        break;
      case 'busy':
        log.info(`Not caring for instance '${name}', instance is locked`);
        break;
      case 'give up':
        notepad.noteRestart(name);
        log.error(`Could not restart instance '${name}' after ${maxTries} attempts, giving up`);
        break;
      case 'exhausted':
        log.warning(`Not caring for instance '${name}', retries exhausted`);
        break;
      case 'recovered':
        notepad.forget(name);
        if (!helplessStates.has(status)) log.info(`Restart of instance '${name}' succeeded`);
        break;
      default:
        assertNever(care);
    }
  }
  return started;
}

/** @returns whether it could do its work */
export async function watchGroup({ paths, log, options }: Watch): Promise<boolean> {
  const { group, groups } = await requireGroup(options.group ?? '', paths);
  log.info(`Watcher for node group '${group}'`);
  const path = `${paths.dataDir}/watcher.${group}.data`;
  const state = openState(path, now);
  if (state === undefined) {
    log.error(`Can't acquire lock on state file ${path}: another watcher is at work`);
    return false;
  }
  const client = await openMaster(paths);
  try {
    const data = await readGroup(client, group, log);
    await writeStatusFiles(paths, group, groups, data.instances.values(), log);
    const started = await careForInstances(client, data, state.notepad, log);
    await mendAfterReboots(client, data, started, state.notepad, log);
    if (options.verifyDisks) await verifyDisks(client, group, data, { strict: options.strict, log });
  } catch (error) {
    log.info(`Not updating status file due to failure: ${messageOf(error)}`);
    throw error;
  } finally {
    client.close();
  }
  state.save();
  return true;
}
