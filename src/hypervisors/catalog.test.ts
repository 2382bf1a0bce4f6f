import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hypervisorAbout, hypervisorAbouts, hypervisorNames, hypervisorParameterFault } from './catalog.ts';
import { parseCpuMask, parseMultiCpuMask } from './checks.ts';
import { aboutSuite } from './contract.suite.ts';

for (const about of hypervisorAbouts) aboutSuite(about);

const defaults = (name: string) =>
  Object.fromEntries(Object.entries(hypervisorAbout(name).params).map(([n, d]) => [n, d.default]));
const fault = (name: string, changes: Record<string, string | number | boolean | null>) =>
  hypervisorParameterFault(hypervisorAbout(name), { ...defaults(name), ...changes });

describe('the catalog', () => {
  it('has the hypervisors of Ganeti', () => {
    assert.deepEqual(hypervisorNames, ['chroot', 'fake', 'kvm', 'lxc', 'xen-hvm', 'xen-pvm']);
    assert.throws(() => hypervisorAbout('vmware'), /Unknown hypervisor 'vmware'/);
  });
});

describe('checks of parameters', () => {
  it('name the values that may be had', () => {
    assert.equal(
      fault('kvm', { nic_type: 'bogus' }),
      "Parameter 'nic_type' fails syntax check: The value must be one of: ne2k_isa, ne2k_pci, paravirtual, rtl8139, pcnet, i82559er, e1000, i82557b, i82551 (current value: 'bogus')",
    );
  });
  it('know required ones, missing ones and paths', () => {
    assert.equal(
      fault('kvm', { kvm_path: '' }),
      "Parameter 'kvm_path' is required but is currently not defined",
    );
    assert.equal(
      hypervisorParameterFault(hypervisorAbout('fake'), {}),
      "Parameter 'migration_mode' is missing",
    );
    assert.match(fault('kvm', { kernel_path: 'vmlinuz' })!, /must be an absolute normalized path \(current/);
    assert.match(fault('kvm', { kernel_path: '/boot/../x' })!, /must be an absolute normalized path/);
    assert.equal(fault('kvm', { cdrom_image_path: 'https://x.test/a.iso' }), undefined);
    assert.match(fault('kvm', { cdrom_image_path: 'gopher:x' })!, /or a URL/);
  });
  it('know numbers', () => {
    assert.match(fault('kvm', { migration_port: 65535 })!, /invalid port number/);
    assert.match(fault('kvm', { virtio_net_queues: 33 })!, /invalid number of queues/);
    assert.match(fault('kvm', { migration_downtime: -1 })!, /cannot be negative/);
    assert.match(fault('xen-pvm', { cpu_weight: 0 })!, /invalid weight/);
  });
  it('see what KVM parameters must hold together', () => {
    assert.equal(fault('kvm', { boot_order: 'cdrom' }), 'Cannot boot from cdrom without an ISO path');
    assert.match(fault('kvm', { root_path: '' })!, /^Need a root partition/);
    assert.match(fault('kvm', { security_model: 'user' })!, /^A security domain/);
    assert.match(fault('kvm', { security_domain: 'nobody' })!, /^Cannot have a security domain/);
    assert.match(fault('kvm', { serial_speed: 1 })!, /^Invalid serial console speed/);
    assert.match(fault('kvm', { vnc_x509_verify: true })!, /^vnc_x509_path must be defined/);
    assert.match(fault('kvm', { spice_ip_version: 4 })!, /^SPICE: spice_ip_version requires spice_bind/);
    assert.match(fault('kvm', { spice_bind: '::1', spice_ip_version: 4 })!, /Got an IPv6 address/);
    assert.match(fault('kvm', { disk_aio: 'native' })!, /only supported value for 'disk_cache'/);
    assert.equal(fault('kvm', { disk_aio: 'native', disk_cache: 'none' }), undefined);
  });
});

describe('CPU masks', () => {
  it('are lists and ranges', () => {
    assert.deepEqual(parseCpuMask('0-2,5'), [0, 1, 2, 5]);
    for (const wrong of ['a', '1-', '3-1', '1-2-3', '1,,2'])
      assert.equal(parseCpuMask(wrong), undefined, wrong);
  });
  it('may differ by virtual processor', () => {
    assert.deepEqual(parseMultiCpuMask('0-2,5:all:6,1,5:2'), [[0, 1, 2, 5], 'all', [1, 5, 6], [2]]);
    assert.equal(parseMultiCpuMask('1:x'), undefined);
  });
});
