/** The Open vSwitch of a node, where the node parameters say that the cluster sets it up. */
import * as z from 'zod';
import type { FilledNodeParameters } from '../../model/params/fill.ts';
import { nodeConfigureOvs, nodeOvsPorts, nodeRemoveOvs } from '../../noderpc/calls/node.ts';
import { type JobHandle, step } from '../operation.ts';

/** Undone by taking away what wasn't there before. */
export const configureSwitch = step({
  name: 'configure-switch',
  input: z.object({
    node: z.string(),
    name: z.string(),
    link: z.string().nullable(),
    hadSwitch: z.boolean(),
    hadLink: z.boolean(),
  }),
  run: async ({ nodes }, { node, name, link }) => {
    await nodes.call(node, nodeConfigureOvs, { name, link });
  },
  undo: async ({ nodes }, { node, name, link, hadSwitch, hadLink }) => {
    await nodes.call(node, nodeRemoveOvs, {
      name,
      link: hadLink ? null : link,
      keepSwitch: hadSwitch,
    });
  },
});

/**
 * @param node its uuid, or the key of a node that is joining
 * @param parameters of the node, filled
 */
export async function setSwitchUp(
  node: string,
  parameters: Pick<FilledNodeParameters, 'ovs' | 'ovs_link' | 'ovs_name'>,
  job: JobHandle,
): Promise<void> {
  if (!parameters.ovs) return;
  const { ovs_name: name, ovs_link } = parameters;
  const link = ovs_link === '' ? null : ovs_link;
  if (link === null) {
    job.info(
      'No physical interface for OpenvSwitch was given. OpenvSwitch will not have an outside connection. This might not be what you want.',
    );
  }
  const { ports } = await job.world.nodes.call(node, nodeOvsPorts, { name });
  const hadLink = link !== null && (ports?.includes(link) ?? false);
  await job.do(configureSwitch, { node, name, link, hadSwitch: ports !== null, hadLink });
}
