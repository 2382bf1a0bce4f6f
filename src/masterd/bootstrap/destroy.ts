/** The end of a cluster, after its last job: daemons stop on the master, and its files go. */

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { executionFailure, messageOf } from '../../kit/failure.ts';
import { createLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { runChecked } from '../../kit/process.ts';
import { programPath } from '../../kit/programs.ts';
import { nodeDeactivateMasterIp, nodeLeaveCluster } from '../../noderpc/calls/node.ts';
import { createNodeClient } from '../../noderpc/client.ts';
import { joiningKey } from '../../operations/node/joining.ts';
import { nodeAddresses, nodeDaemonPort } from '../addresses.ts';
import type { Talk } from './talk.ts';

export async function finishDestroy(_input: Readonly<Record<string, unknown>>, talk: Talk): Promise<null> {
  const paths = pathsFor();
  const value = async (name: string) => (await readFile(`${paths.dataDir}/ssconf_${name}`, 'utf8')).trim();
  const [name, ip, netdev, netmask, family] = await Promise.all(
    ['master_node', 'master_ip', 'master_netdev', 'master_netmask', 'primary_ip_family'].map(value),
  );
  const addresses = await value('node_primary_ips');
  const own = addresses
    .split('\n')
    .find((line) => line.startsWith(`${name} `))
    ?.split(' ')[1];
  if (own === undefined) throw executionFailure(`ssconf_node_primary_ips doesn't name ${name}`);
  await runChecked([programPath('daemon-util'), 'stop-master']);
  const client = createNodeClient({
    paths,
    address: nodeAddresses(() => {
      throw executionFailure('the configuration is not read here');
    }, nodeDaemonPort()),
    log: createLog('gantry-bootstrap', process.stderr, 'ERROR'),
  });
  const key = joiningKey(name!, own);
  try {
    await client.call(key, nodeDeactivateMasterIp, {
      ip: ip!,
      netmask: Number(netmask),
      netdev: netdev!,
      family: Number(family),
      useExternalScript: false,
    });
  } catch (error) {
    talk.log(`Could not disable the master IP: ${messageOf(error)}`);
  }
  await client.call(key, nodeLeaveCluster, { modifySsh: existsSync(paths.sshPublicKeys) });
  await client.close();
  return null;
}
