/**
 * master-ip-setup start|stop: the cluster's address on this machine, from the environment in which the node daemon
 * calls such scripts. Sites copy it to /etc/ganeti/scripts and change what they need (use_external_mip_script).
 */
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { createStorageHost } from '../../storage/host.ts';
import { activateMasterIp, deactivateMasterIp } from '../master-ip.ts';

const usage = `Usage: master-ip-setup {start|stop}
Environment: MASTER_NETDEV, MASTER_IP, MASTER_NETMASK, CLUSTER_IP_VERSION (4 or 6)
`;

export async function masterIpSetup(argv: readonly string[]): Promise<number> {
  const {
    MASTER_NETDEV: netdev,
    MASTER_IP: ip,
    MASTER_NETMASK: netmask,
    CLUSTER_IP_VERSION: version,
  } = process.env;
  const [action] = argv;
  const isKnown = argv.length === 1 && (action === 'start' || action === 'stop');
  if (
    !isKnown ||
    !netdev ||
    !ip ||
    !netmask ||
    !/^\d+$/.test(netmask) ||
    !['4', '6'].includes(version ?? '')
  ) {
    process.stderr.write(usage);
    return 1;
  }
  const paths = pathsFor();
  const host = createStorageHost(paths, silentLog);
  const address = {
    ip,
    netdev,
    netmask: Number(netmask),
    family: version === '6' ? 10 : 2,
    useExternalScript: false,
  };
  await (action === 'start' ? activateMasterIp : deactivateMasterIp)(host, paths, address);
  return 0;
}
