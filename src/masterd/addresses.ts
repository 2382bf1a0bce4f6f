/** Where nodes are reached: by the configuration, or for a node that is joining by its key. */
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import { createNodeClient, type NodeAddress, type NodeClient } from '../noderpc/client.ts';
import { parseJoiningKey } from '../operations/node/joining.ts';

/** The node daemons' port (constants.DEFAULT_NODED_PORT), other in some virtual clusters. */
export function nodeDaemonPort(env: Readonly<Record<string, string | undefined>> = process.env): number {
  return Number(env.GANETI_NODED_PORT ?? 1811);
}

export function nodeAddresses(
  current: () => Configuration,
  port: number,
): (key: string) => NodeAddress | undefined {
  return (key) => {
    const joining = parseJoiningKey(key);
    if (joining !== undefined) return { ...joining, port, offline: false };
    const node = current().nodes.get(key);
    return node === undefined
      ? undefined
      : { name: node.name, ip: node.primary_ip, port, offline: node.offline };
  };
}

/** Calls nodes by name and address alone, for what happens without a configuration. */
export function callByAddress(paths: Paths, log: Log): NodeClient {
  const none = () => {
    throw new Failure('ProgrammerError', ['there is no configuration to read here']);
  };
  return createNodeClient({ paths, log, address: nodeAddresses(none, nodeDaemonPort()) });
}
