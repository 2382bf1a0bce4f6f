import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  filledBackend,
  filledDisk,
  filledHypervisor,
  filledNic,
  filledNode,
  filledOs,
  filledPrivateOs,
  mergedOs,
  osNameOf,
  osVariantOf,
} from './fill.ts';

test('a back-end value comes from the instance, else the cluster, else the built-in table', () => {
  const filled = filledBackend(
    { beparams: { default: { vcpus: 2, maxmem: 512 } } },
    { beparams: { maxmem: 1024 } },
  );
  assert.equal(filled.maxmem, 1024);
  assert.equal(filled.vcpus, 2);
  assert.equal(filled.minmem, 128);
});

test('hypervisor parameters go through driver, cluster, OS and instance', () => {
  const cluster = {
    hvparams: { kvm: { acpi: true, kernel_path: '/c', serial_console: true }, fake: { acpi: false } },
    os_hvp: {
      'debian+min': { kvm: { kernel_path: '/os', boot_order: 'network' } },
      debian: { kvm: { acpi: false } },
    },
  };
  const instance = { hypervisor: 'kvm', os: 'debian+min', hvparams: { boot_order: 'cdrom' } };
  assert.deepEqual(filledHypervisor(cluster, instance, { newer: 7, acpi: false }), {
    newer: 7,
    acpi: true,
    kernel_path: '/os',
    serial_console: true,
    boot_order: 'cdrom',
  });
});

test('filling leaves the levels as they were', () => {
  const cluster = { hvparams: { kvm: Object.freeze({ acpi: true }) }, os_hvp: {} };
  const own = Object.freeze({ acpi: false });
  assert.deepEqual(filledHypervisor(cluster, { hypervisor: 'kvm', os: 'x', hvparams: own }), { acpi: false });
  assert.equal(cluster.hvparams.kvm.acpi, true);
});

test('NIC and node parameters', () => {
  const cluster = {
    nicparams: { default: { mode: 'routed', link: 'main' } },
    ndparams: { ssh_port: 2022, cpu_speed: 2 },
  };
  assert.deepEqual(filledNic(cluster, { nicparams: { link: 'br7' } }), {
    mode: 'routed',
    link: 'br7',
    vlan: '',
  });
  const filled = filledNode(
    cluster,
    { ndparams: { spindle_count: 4, ssh_port: 23 } },
    { ndparams: { ssh_port: 24 } },
  );
  assert.deepEqual(
    [filled.ssh_port, filled.spindle_count, filled.cpu_speed, filled.ovs_name],
    [24, 4, 2, 'switch1'],
  );
});

test('disk parameters of a template, with and without a group', () => {
  const cluster = { diskparams: { drbd: { metavg: 'xenvg', protocol: 'C' } } };
  assert.deepEqual(filledDisk(cluster, undefined, 'drbd', { stripes: 1 }), {
    stripes: 1,
    metavg: 'xenvg',
    protocol: 'C',
  });
  assert.deepEqual(filledDisk(cluster, { diskparams: { drbd: { metavg: 'fast' } } }, 'drbd').metavg, 'fast');
  assert.deepEqual(filledDisk(cluster, undefined, 'plain'), {});
});

test('OS parameters know the name without its variant', () => {
  assert.equal(osNameOf('a+b+c'), 'a');
  assert.equal(osVariantOf('a+b+c'), 'b+c');
  assert.equal(osVariantOf('a'), '');
  const cluster = {
    osparams: { debian: { size: '1', dist: 'x' }, 'debian+min': { size: '2' } },
    osparams_private_cluster: { debian: { password: 'p' } },
  };
  assert.deepEqual(filledOs(cluster, 'debian+min', { mirror: 'm' }), { size: '2', dist: 'x', mirror: 'm' });
  assert.deepEqual(filledPrivateOs(cluster, 'debian'), { password: 'p' });
});

test('one OS parameter at two visibilities is refused without showing its value', () => {
  assert.deepEqual(mergedOs({ a: '1' }, { b: '2' }, { c: '3' }), { a: '1', b: '2', c: '3' });
  assert.throws(
    () => mergedOs({ a: 'one' }, { a: 'two' }),
    (error: Error) => /more than one visibility: a$/.test(error.message) && !error.message.includes('two'),
  );
});
