/** Node calls that move the contents of disks. */
import { executionFailure, messageOf } from '../../kit/failure.ts';
import { blockdevConvert } from '../../noderpc/calls/disk-copy.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { copyDevice } from '../copy-device.ts';
import { activeDisk, type InstanceContext } from './instance.ts';

export function diskCopyHandlers(context: InstanceContext): NodeHandler[] {
  const pathOf = async (request: Parameters<typeof activeDisk>[1]) => {
    const { path } = await activeDisk(context, request);
    if (path === null)
      throw executionFailure(`disk ${request.disk.iv_name} of ${request.owner} has no device here`);
    return path;
  };
  return [
    answers(blockdevConvert, async ({ source, target, targetIsEmpty }, { signal }) => {
      const from = await pathOf(source);
      const to = await pathOf(target);
      context.log.info(`Copying ${source.disk.size} MiB from ${from} to ${to}`);
      try {
        await copyDevice(from, to, { sizeMiB: source.disk.size, targetIsEmpty, signal });
      } catch (error) {
        throw executionFailure(`Could not copy disk '${from}' to '${to}': ${messageOf(error)}`, error);
      }
      return null;
    }),
  ];
}
