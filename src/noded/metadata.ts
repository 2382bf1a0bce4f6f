/**
 * Tells the metadata daemon of this node what instances may know of themselves. Only instances with a communication
 * interface have anything to do with it, and only for the first of them is the daemon started. An instance that can't
 * be told of runs all the same: it gets no answers.
 */
import { existsSync } from 'node:fs';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { programPath } from '../kit/programs.ts';
import {
  callMetadata,
  communicationAddress,
  controlSocket,
  type InstanceMetadata,
} from '../metadata/client/control.ts';
import type { InstanceOnNode } from '../noderpc/calls/shapes.ts';
import { isDaemonRunning, startDaemon } from './daemons.ts';

const daemon = 'ganeti-metad';

/** Parameters beside the public ones. */
export interface HiddenParameters {
  readonly private: Readonly<Record<string, string>>;
  /** Not given: those that are known stay. */
  readonly secret?: Readonly<Record<string, string>>;
}

export interface MetadataTeller {
  /** Never fails. */
  tell(instance: InstanceOnNode, hidden: HiddenParameters): Promise<void>;
  /** The instance has left this node. Never fails. */
  forget(instance: InstanceOnNode): Promise<void>;
}

export function metadataOf(instance: InstanceOnNode, hidden: HiddenParameters): InstanceMetadata {
  const { name, uuid, os, nics, osparams } = instance;
  return {
    ...{ name, uuid, os, osparams },
    nics: nics.map((nic) => ({ name: nic.name, ip: nic.ip, mac: nic.mac })),
    osparams_private: hidden.private,
    ...(hidden.secret === undefined ? {} : { osparams_secret: hidden.secret }),
  };
}

export function createMetadataTeller(where: { readonly paths: Paths; readonly log: Log }): MetadataTeller {
  const { paths, log } = where;
  const socket = controlSocket(paths);
  const quietly = async (name: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      log.warning(`Could not update metadata for instance '${name}': ${messageOf(error)}`);
    }
  };
  return {
    tell: (instance, hidden) =>
      quietly(instance.name, async () => {
        if (communicationAddress(instance.nics) === undefined) {
          // It may have had such an interface before.
          if (existsSync(socket) && (await isDaemonRunning(where, daemon)))
            await callMetadata(socket, 'forgetInstance', [instance.uuid]);
          return;
        }
        if (!existsSync(programPath(daemon))) return;
        await startDaemon(where, daemon);
        await callMetadata(socket, 'updateConfig', [metadataOf(instance, hidden)]);
      }),
    forget: (instance) =>
      quietly(instance.name, async () => {
        if (communicationAddress(instance.nics) === undefined || !existsSync(socket)) return;
        if (await isDaemonRunning(where, daemon))
          await callMetadata(socket, 'forgetInstance', [instance.uuid]);
      }),
  };
}

/** Where nobody is to be told. */
export const noMetadata: MetadataTeller = {
  tell: () => Promise.resolve(),
  forget: () => Promise.resolve(),
};
