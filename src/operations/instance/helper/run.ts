/** Runs a helper virtual machine: its disk is made and gone again, whatever happens, and so is the guest. */
import { pollUntil } from '../../../kit/clock.ts';
import { executionFailure, Failure, messageOf } from '../../../kit/failure.ts';

import type { Configuration } from '../../../model/configuration.ts';
import { disksOf } from '../../../model/lookup.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { InstanceOnNode } from '../../../noderpc/calls/shapes.ts';
import { runningOn } from '../../checks.ts';
import { diskOnNode, instanceOnNode } from '../../on-node.ts';
import type { JobHandle } from '../../operation.ts';
import { activateDisks, createVolume, deactivateDisks, removeVolume, volumeInfo } from '../../steps/disks.ts';
import { startInstance, stopInstance } from '../../steps/instance.ts';
import { formatSeconds } from '../../sync.ts';
import { imageSteps, writeOsImage } from '../image.ts';
import type { HelperMachine } from './plan.ts';

/** Seconds that a helper is given to heed a request to stop (constants.DEFAULT_SHUTDOWN_TIMEOUT). */
const stopTimeout = 120;
const startPollMs = 1000;
const endPollMs = 2000;

/** An instance that is stopped, whose disks are active on its primary node. */
export interface HelperSubject {
  readonly configuration: Configuration;
  readonly instance: Instance;
  /** Those of the configuration when not given. */
  readonly disks?: readonly Disk[];
}

interface Running {
  readonly helper: HelperMachine;
  readonly subject: HelperSubject;
  readonly node: string;
  /** The instance as its node sees it while the helper is in it. */
  readonly guest: InstanceOnNode;
  readonly job: JobHandle;
}

const withPrefix = ({ doing }: HelperMachine, text: string) => `${doing}: ${text}`;

/**
 * "gone" is a guest that ended without a word where shutdowns from within are noticed: it was killed, or crashed.
 * A node that doesn't answer says nothing about the guest.
 */
async function lookAt({ subject, node, guest, job }: Running): Promise<'up' | 'ended' | 'gone' | 'unknown'> {
  const { configuration, instance } = subject;
  try {
    const seen = await runningOn(job.world.nodes, configuration, instance, node);
    if (seen === null) return guest.hvparams.user_shutdown === true ? 'gone' : 'ended';
    return seen.state === 'shutdown' ? 'ended' : 'up';
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    job.world.log.warning(`Helper VM of ${instance.name} can't be asked for: ${messageOf(error)}`);
    return 'unknown';
  }
}

async function start(running: Running): Promise<void> {
  const { helper, node, guest, job } = running;
  job.say(withPrefix(helper, 'Starting helper VM'));
  try {
    await job.do(startInstance, { node, instance: guest, paused: false, wasRunning: false });
  } catch (error) {
    job.signal.throwIfAborted();
    const what = `Could not start helper VM with image ${helper.image}: ${messageOf(error)}`;
    throw executionFailure(withPrefix(helper, what), error);
  }
  const isUp = await pollUntil(
    async () => {
      const state = await lookAt(running);
      return state === 'up' || state === 'ended' ? true : undefined;
    },
    { everyMs: startPollMs, timeoutMs: helper.startupTimeout * 1000, signal: job.signal },
  );
  if (isUp !== true)
    throw executionFailure(withPrefix(helper, `Could not boot instance using image ${helper.image}`));
  job.say(withPrefix(helper, 'Helper VM is up'));
}

/** @returns how it ended; undefined when it still runs at the end of its time */
async function waitForEnd(running: Running): Promise<'ended' | 'gone' | undefined> {
  const { helper, job } = running;
  const { now } = job.world;
  const began = now();
  let minutes = 0;
  let missed = 0;
  job.say(withPrefix(helper, 'Waiting for helper VM to finish'));
  return await pollUntil(
    async () => {
      const state = await lookAt(running);
      if (state === 'ended') return state;
      // Word of a shutdown may come a moment after the guest is seen no more.
      missed = state === 'gone' ? missed + 1 : 0;
      if (missed > 1) return 'gone';
      const passed = Math.floor((now() - began) / 60);
      if (passed > minutes) {
        minutes = passed;
        const [spent, most] = [formatSeconds(passed * 60), formatSeconds(Math.ceil(helper.timeout))];
        job.info(`Helper VM has been running for ${spent}, it may for ${most}`);
      }
      return undefined;
    },
    { everyMs: endPollMs, timeoutMs: helper.timeout * 1000, signal: job.signal },
  );
}

async function stop({ helper, node, guest, job }: Running): Promise<void> {
  try {
    await job.do(stopInstance, { node, instance: guest, timeout: stopTimeout, wasRunning: false });
  } catch (error) {
    job.signal.throwIfAborted();
    const what = `Could not shut down helper VM with image ${helper.image} within timeout: ${messageOf(error)}`;
    throw executionFailure(withPrefix(helper, what), error);
  }
}

async function work(running: Running): Promise<void> {
  const { helper, job } = running;
  await start(running);
  const end = await waitForEnd(running);
  if (end === 'ended') return;
  if (end === 'gone') {
    const what = `Helper VM with image ${helper.image} ended without having shut down`;
    throw executionFailure(withPrefix(helper, what));
  }
  job.warn(withPrefix(helper, 'Helper VM has not finished within the timeout; shutting it down forcibly'));
  await stop(running);
  throw executionFailure(`Error running helper VM with image ${helper.image}`);
}

/**
 * @throws Failure OpExecError when it doesn't start, or doesn't finish in time; what was made is left to the undo
 */
export async function runHelper(
  helper: HelperMachine,
  subject: HelperSubject,
  job: JobHandle,
): Promise<void> {
  const { configuration, instance } = subject;
  const node = instance.primary_node;
  const say = (text: string) => job.say(withPrefix(helper, text));
  // Under a name of its own, so that it never takes the place of the instance's first disk.
  const owner = { name: `${instance.name}.helper`, uuid: instance.uuid };
  const disk = diskOnNode(configuration, owner, helper.disk, 0, node);
  const disks = subject.disks ?? disksOf(configuration, instance);
  const bare = instanceOnNode(configuration, instance, node, { disks });
  const guest = { ...bare, disks: [disk, ...bare.disks] };
  try {
    say('Attempting to create temporary disk');
    await job.do(createVolume, { node, disk, info: volumeInfo(instance.name), onPrimary: true });
    say('Temporary disk created');
    say("Activating helper VM's temporary disks");
    await job.do(activateDisks, { node, disks: [disk], asPrimary: true, before: 'inactive' as const });
    say(`Imaging temporary disks with image ${helper.image}`);
    const nodeName = configuration.nodes.get(node)?.name ?? node;
    await writeOsImage(job, helper.image, { instance: instance.name, node, nodeName, disks: [disk] });
    const running: Running = { helper, subject, node, guest, job };
    await work(running);
    say('Regular cleanup of temporary disk');
    say('Shutting down instance');
    await stop(running);
  } catch (error) {
    say('Exception raised, cleaning up temporary disk');
    throw error;
  }
  // Should it all be undone, the disk goes: there is nothing to activate again.
  await job.do(deactivateDisks, { node, disks: [disk], wasPrimary: true, wasActive: false });
  await job.do(removeVolume, { node, disk });
  say('Temporary disk removed');
  say('Helper VM execution completed');
}

/** The steps of a helper. */
export const helperSteps = [
  createVolume,
  removeVolume,
  activateDisks,
  deactivateDisks,
  startInstance,
  stopInstance,
  ...imageSteps,
] as const;
