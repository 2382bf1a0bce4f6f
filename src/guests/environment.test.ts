import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OsDefinition } from './definitions.ts';
import {
  definitionEnvironment,
  instanceEnvironment,
  type ScriptInstance,
  transferEnvironment,
  valueText,
} from './environment.ts';

const definition: OsDefinition = {
  name: 'testos',
  path: '/srv/ganeti/os/testos',
  apiVersions: [20],
  scripts: { create: 'c', create_untrusted: null, export: 'e', import: 'i', rename: 'r', verify: 'v' },
  variants: ['default', 'minimal'],
  parameters: [['dhcp', '']],
};

const instance: ScriptInstance = {
  name: 'inst110.gnt.test',
  uuid: '4f77526b-2ee2-43f3-a00e-c5914d8292c9',
  os: 'testos+default',
  hypervisor: 'kvm',
  hvparams: { disk_type: 'paravirtual', nic_type: 'e1000', serial_console: false, root_path: null },
  beparams: { maxmem: 256, always_failover: false },
  osparams: { dhcp: 'yes', 'root-size': '3' },
  primaryNode: '1f29920b-ef7c-4bcd-a0c9-cb833ae6a66b',
  secondaryNodes: ['n2', 'n3'],
  ctime: 1795191367,
  mtime: 1795191367.689871,
  disks: [
    {
      uuid: '4780de92-ee26-4158-b51f-7d2b97eb3ef7',
      name: null,
      size: 1024,
      mode: 'rw',
      path: '/srv/ganeti/file-storage/inst110.gnt.test/disk0',
      uri: null,
      backend: 'file:loop',
    },
    { uuid: 'd2', name: 'data', size: 8, mode: 'ro', path: null, uri: 'rbd:x', backend: 'block' },
  ],
  nics: [
    {
      uuid: '1ac2db29-3dd8-492b-8833-704fc02cbd9c',
      mac: 'aa:00:01:5f:38:4a',
      ip: '10.77.1.110',
      name: null,
      mode: 'bridged',
      link: 'br1',
      isBridge: true,
      network: null,
    },
    {
      uuid: '5ce32cff-cbf1-4256-9e4a-0bc5bc2f829b',
      mac: 'aa:00:01:e7:15:97',
      ip: null,
      name: 'extra',
      mode: 'routed',
      link: '',
      isBridge: false,
      network: {
        uuid: 'net',
        name: 'lan',
        subnet: '10.0.0.0/24',
        gateway: null,
        subnet6: '2001:db8::/64',
        gateway6: '2001:db8::1',
        macPrefix: null,
        tags: ['a', 'b'],
      },
    },
  ],
};

describe('the environment of OS scripts', () => {
  it('has everything that the interface names, and nothing else', () => {
    assert.deepEqual(instanceEnvironment(definition, instance, 0), {
      DEBUG_LEVEL: '0',
      DISK_0_ACCESS: 'rw',
      DISK_0_BACKEND_TYPE: 'file:loop',
      DISK_0_FRONTEND_TYPE: 'paravirtual',
      DISK_0_PATH: '/srv/ganeti/file-storage/inst110.gnt.test/disk0',
      DISK_0_SIZE: '1024',
      DISK_0_UUID: '4780de92-ee26-4158-b51f-7d2b97eb3ef7',
      DISK_1_ACCESS: 'ro',
      DISK_1_BACKEND_TYPE: 'block',
      DISK_1_FRONTEND_TYPE: 'paravirtual',
      DISK_1_NAME: 'data',
      DISK_1_SIZE: '8',
      DISK_1_URI: 'rbd:x',
      DISK_1_UUID: 'd2',
      DISK_COUNT: '2',
      HYPERVISOR: 'kvm',
      INSTANCE_BE_always_failover: 'False',
      INSTANCE_BE_maxmem: '256',
      INSTANCE_CTIME: '1795191367.0',
      INSTANCE_HV_disk_type: 'paravirtual',
      INSTANCE_HV_nic_type: 'e1000',
      INSTANCE_HV_root_path: 'None',
      INSTANCE_HV_serial_console: 'False',
      INSTANCE_MTIME: '1795191367.689871',
      INSTANCE_NAME: 'inst110.gnt.test',
      INSTANCE_OS: 'testos+default',
      INSTANCE_PRIMARY_NODE: '1f29920b-ef7c-4bcd-a0c9-cb833ae6a66b',
      INSTANCE_SECONDARY_NODES: 'n2 n3',
      INSTANCE_UUID: '4f77526b-2ee2-43f3-a00e-c5914d8292c9',
      NIC_0_BRIDGE: 'br1',
      NIC_0_FRONTEND_TYPE: 'e1000',
      NIC_0_IP: '10.77.1.110',
      NIC_0_LINK: 'br1',
      NIC_0_MAC: 'aa:00:01:5f:38:4a',
      NIC_0_MODE: 'bridged',
      NIC_0_UUID: '1ac2db29-3dd8-492b-8833-704fc02cbd9c',
      NIC_1_FRONTEND_TYPE: 'e1000',
      NIC_1_MAC: 'aa:00:01:e7:15:97',
      NIC_1_MODE: 'routed',
      NIC_1_NAME: 'extra',
      NIC_1_NETWORK_GATEWAY6: '2001:db8::1',
      NIC_1_NETWORK_NAME: 'lan',
      NIC_1_NETWORK_SUBNET: '10.0.0.0/24',
      NIC_1_NETWORK_SUBNET6: '2001:db8::/64',
      NIC_1_NETWORK_TAGS: 'a b',
      NIC_1_NETWORK_UUID: 'net',
      NIC_1_UUID: '5ce32cff-cbf1-4256-9e4a-0bc5bc2f829b',
      NIC_COUNT: '2',
      OSP_DHCP: 'yes',
      OSP_ROOT_SIZE: '3',
      OS_API_VERSION: '20',
      OS_NAME: 'testos',
      OS_VARIANT: 'default',
      PATH: '/sbin:/bin:/usr/sbin:/usr/bin',
    });
  });

  it('names the first variant when none is given, and none for old versions', () => {
    const variant = (apiVersions: number[], os: string) =>
      definitionEnvironment({ ...definition, apiVersions }, os, {}, 0).OS_VARIANT;
    assert.equal(variant([20], 'testos+minimal'), 'minimal');
    assert.equal(variant([15], 'testos'), 'default');
    assert.equal(variant([10], 'testos'), '');
  });

  it('speaks the newest version that both sides know', () => {
    const spoken = definitionEnvironment({ ...definition, apiVersions: [99, 15, 10] }, 'x', {}, 1);
    assert.deepEqual([spoken.OS_API_VERSION, spoken.DEBUG_LEVEL], ['15', '1']);
  });

  it('names the disk of an export or import', () => {
    assert.deepEqual(transferEnvironment('export', instance.disks[0]!, 0, 5), {
      EXPORT_DEVICE: '/srv/ganeti/file-storage/inst110.gnt.test/disk0',
      EXPORT_DISK_PATH: '/srv/ganeti/file-storage/inst110.gnt.test/disk0',
      EXPORT_INDEX: '0',
      EXP_SIZE_FD: '5',
    });
    assert.deepEqual(transferEnvironment('import', instance.disks[1]!, 1), {
      IMPORT_DISK_URI: 'rbd:x',
      IMPORT_INDEX: '1',
    });
  });

  it('writes values as scripts know them', () => {
    assert.deepEqual([true, false, null, 1, 'x', ''].map(valueText), ['True', 'False', 'None', '1', 'x', '']);
  });
});
