/**
 * Where things lie: Debian's Ganeti paths (pathutils.py), all below $GANETI_ROOTDIR when that is set,
 * which is how many virtual nodes live on one machine.
 */
import { join } from 'node:path';

export interface Paths {
  readonly root: string;
  readonly dataDir: string;
  readonly configFile: string;
  readonly journalDir: string;
  readonly queueDir: string;
  readonly archiveDir: string;
  readonly serverCertificate: string;
  readonly clientCertificate: string;
  readonly rapiCertificate: string;
  readonly spiceCertificate: string;
  readonly spiceCaCertificate: string;
  readonly confdHmacKey: string;
  readonly clusterDomainSecret: string;
  readonly knownHosts: string;
  /** Public SSH keys of root on the nodes, by uuid (ssh.py). */
  readonly sshPublicKeys: string;
  /** What joining the cluster has added to this machine's SSH setup. */
  readonly sshSetup: string;
  readonly rapiUsers: string;
  readonly watcherPause: string;
  readonly exportDir: string;
  /** Where running transfers of disks keep their state, one folder each. */
  readonly importExportDir: string;
  /** Keys and certificates for transfers between clusters, one folder each. */
  readonly cryptoKeysDir: string;
  readonly runDir: string;
  readonly socketDir: string;
  readonly querySocket: string;
  readonly instanceDisksDir: string;
  readonly kvmDir: string;
  readonly logDir: string;
  readonly osLogDir: string;
  readonly lockDir: string;
  readonly configDir: string;
  readonly hooksDir: string;
  readonly fileStoragePathsFile: string;
  readonly restrictedCommandsDir: string;
  readonly osSearchPath: readonly string[];
  readonly extStorageSearchPath: readonly string[];
  readonly iallocatorSearchPath: readonly string[];
  readonly kvmIfup: string;
  readonly etcHosts: string;
}

/** Every path of the node that this process belongs to. */
export function pathsFor(env: Readonly<Record<string, string | undefined>> = process.env): Paths {
  const root = env.GANETI_ROOTDIR ?? '';
  const at = (path: string) => (root === '' ? path : join(root, path));
  const data = at('/var/lib/ganeti');
  const run = at('/var/run/ganeti');
  const config = at('/etc/ganeti');
  return {
    root,
    dataDir: data,
    configFile: `${data}/config.data`,
    journalDir: `${data}/journal`,
    queueDir: `${data}/queue`,
    archiveDir: `${data}/queue/archive`,
    serverCertificate: `${data}/server.pem`,
    clientCertificate: `${data}/client.pem`,
    rapiCertificate: `${data}/rapi.pem`,
    spiceCertificate: `${data}/spice.pem`,
    spiceCaCertificate: `${data}/spice-ca.pem`,
    confdHmacKey: `${data}/hmac.key`,
    clusterDomainSecret: `${data}/cluster-domain-secret`,
    knownHosts: `${data}/known_hosts`,
    sshPublicKeys: `${data}/ganeti_pub_keys`,
    sshSetup: `${data}/ssh-setup.json`,
    rapiUsers: `${data}/rapi/users`,
    watcherPause: `${data}/watcher.pause`,
    exportDir: `${data}/export`,
    importExportDir: `${run}/import-export`,
    cryptoKeysDir: `${run}/crypto`,
    runDir: run,
    socketDir: `${run}/socket`,
    querySocket: `${run}/socket/ganeti-query`,
    instanceDisksDir: `${run}/instance-disks`,
    kvmDir: `${run}/kvm-hypervisor`,
    logDir: at('/var/log/ganeti'),
    osLogDir: at('/var/log/ganeti/os'),
    lockDir: at('/var/lock'),
    configDir: config,
    hooksDir: `${config}/hooks`,
    fileStoragePathsFile: `${config}/file-storage-paths`,
    restrictedCommandsDir: `${config}/restricted-commands`,
    osSearchPath: [
      at('/srv/ganeti/os'),
      at('/usr/local/lib/ganeti/os'),
      at('/usr/lib/ganeti/os'),
      at('/usr/share/ganeti/os'),
    ],
    extStorageSearchPath: [
      at('/srv/ganeti/extstorage'),
      at('/usr/local/lib/ganeti/extstorage'),
      at('/usr/lib/ganeti/extstorage'),
      at('/usr/share/ganeti/extstorage'),
    ],
    iallocatorSearchPath: [at('/usr/local/lib/ganeti/iallocators'), at('/usr/lib/ganeti/iallocators')],
    kvmIfup: `${config}/kvm-vif-bridge`,
    etcHosts: at('/etc/hosts'),
  };
}
