/**
 * Private OS parameters for the metadata service of a node: read when a guest is started or received, so that they
 * stand in no step's journalled input, and only for instances that have an interface to the service.
 */
import { communicationAddress } from '../../metadata/client/control.ts';
import type { Configuration } from '../../model/configuration.ts';
import { filledPrivateOs } from '../../model/params/fill.ts';
import type { InstanceOnNode } from '../../noderpc/calls/shapes.ts';

export function parametersForMetadata(
  { instances, cluster }: Configuration,
  { uuid, nics }: Pick<InstanceOnNode, 'uuid' | 'nics'>,
): Record<string, string> {
  const instance = instances.get(uuid);
  if (instance === undefined || communicationAddress(nics) === undefined) return {};
  return filledPrivateOs(cluster, instance.os, instance.osparams_private);
}
