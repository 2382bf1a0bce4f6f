/** Devices that come, go or change while the guest runs. What the guest refuses it gets at its next start. */
import { hypervisorAbout } from '../../../hypervisors/catalog.ts';
import { messageOf } from '../../../kit/failure.ts';
import type { Configuration } from '../../../model/configuration.ts';
import type { Disk } from '../../../model/objects/disk.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import { hotplugSupported } from '../../../noderpc/calls/instance.ts';
import { runningOn } from '../../checks.ts';
import { instanceOnNode } from '../../on-node.ts';
import type { JobHandle, PlanContext } from '../../operation.ts';
import { hotplugDevice } from '../../steps/instance.ts';

/**
 * Can devices of the instance be changed now? Not for one that doesn't run: there the change is for its
 * next start, and nobody has to be told so.
 */
export async function canHotplug(context: PlanContext, instance: Instance): Promise<boolean> {
  const { configuration, nodes } = context;
  if (!hypervisorAbout(instance.hypervisor).hotplug) return false;
  if (configuration.nodes.get(instance.primary_node)?.offline) return false;
  try {
    if ((await runningOn(nodes, configuration, instance, instance.primary_node)) === null) return false;
    await nodes.call(instance.primary_node, hotplugSupported, {
      instance: instanceOnNode(configuration, instance, instance.primary_node),
    });
    return true;
  } catch (error) {
    context.warn(messageOf(error));
    context.info('Modification will take place without hotplugging.');
    return false;
  }
}

interface Device {
  readonly kind: 'disk' | 'nic';
  readonly action: 'add' | 'remove' | 'modify';
  readonly uuid: string;
  readonly index: number;
}

interface WithDisks {
  readonly instance: Instance;
  readonly disks: readonly Disk[];
}

/**
 * Tells the guest of a change between `before` and `after`.
 * @returns what clients are told
 */
export async function plug(
  job: JobHandle,
  configuration: Configuration,
  { kind, action, uuid, index }: Device,
  before: WithDisks,
  after: WithDisks,
): Promise<string> {
  const node = before.instance.primary_node;
  const onNode = ({ instance, disks }: WithDisks) => instanceOnNode(configuration, instance, node, { disks });
  // A device that comes or goes stands in only one of the two, there and back.
  const [instance, back] = {
    add: [after, after] as const,
    modify: [after, before] as const,
    remove: [before, before] as const,
  }[action];
  job.info('Trying to hotplug device...');
  try {
    await job.do(hotplugDevice, {
      node,
      instance: onNode(instance),
      back: onNode(back),
      action,
      target: kind,
      device: uuid,
      index,
    });
  } catch (error) {
    job.warn(`Could not hotplug device: ${messageOf(error)}`);
    job.info('Continuing execution..');
    return 'hotplug:failed';
  }
  job.info('Hotplug done.');
  return 'hotplug:done';
}
