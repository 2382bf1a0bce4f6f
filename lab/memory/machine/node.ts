/** Node calls about the node itself, for nodes in memory: what it has, whom it belongs to, the cluster's address. */
import type { MasterAddress } from '../../../src/operations/steps/master-ip.ts';
import type { Handler } from './machine.ts';

export const nodeHandlers: Readonly<Record<string, Handler>> = {
  version: () => ({ protocol: 3010000, release: '3.1.0' }),
  node_info: (
    machine,
    { storage, hypervisors }: { storage: { type: string; key: string }[]; hypervisors: { name: string }[] },
  ) => ({
    bootId: 'boot',
    storage: storage.map(({ type, key }) => ({ type, name: key, free: 100_000, size: 200_000 })),
    hypervisors: hypervisors.map(({ name }) => ({
      name,
      version: null,
      memoryTotal: 64_000,
      memoryFree: machine.memoryFree,
      memoryNode: 1_000,
      cpuTotal: 8,
      cpuNodes: 1,
      cpuSockets: 1,
      cpuNode: 1,
    })),
  }),
  bridges_exist: () => ({ missing: [] }),
  os_validate: (_machine, { name }: { name: string }) => ({
    found: true,
    untrusted: name.startsWith('untrusted'),
  }),
  node_has_ip_address: () => true,
  node_crypto_tokens: ({ certificates }) => ({ digest: certificates.client }),
  lv_list: (machine) =>
    [...machine.volumes].map(([id, size]) => {
      const [vg, name] = JSON.parse(id) as [string, string];
      const online = machine.open.has(id);
      const tags = machine.info.has(id) ? [machine.info.get(id)!] : [];
      return { vg, name, size, online, inactive: !online, tags, device: `/dev/${vg}/${name}` };
    }),
  drbd_helper: () => '/bin/true',
  vg_list: () => ({ xenvg: { size: 200_000, free: 100_000 } }),
  etc_hosts_modify: (machine, { action, host }: { action: 'add' | 'remove'; host: string }) => {
    if (action === 'add') machine.hosts.add(host);
    else machine.hosts.delete(host);
    return null;
  },
  node_activate_master_ip: (machine, address: MasterAddress) => {
    machine.masterIp = `${address.ip}/${address.netmask} ${address.netdev}`;
    return null;
  },
  node_deactivate_master_ip: (machine) => {
    machine.masterIp = null;
    return null;
  },
  node_leave_cluster: (machine) => {
    machine.member = false;
    return null;
  },
  node_demote_from_mc: (machine) => {
    machine.events.push('demoted');
    return null;
  },
  hooks_runner: () => [],
  node_verify: () => ({
    protocol: 3010000,
    release: '3.1.0',
    time: 1_800_000_000,
    fileChecksums: {},
    hypervisors: [],
    volumeGroups: null,
    logicalVolumes: null,
    physicalVolumes: null,
    drbd: null,
    missingBridges: [],
    unreachablePeers: [],
    missingAddresses: [],
    oses: [],
    masterIpReachable: null,
    missingScripts: [],
    clientCertificate: { fault: null, digest: null, expires: null },
    faults: {},
  }),
};
