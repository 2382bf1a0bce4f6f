/** Which device has the cluster's address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceWith } from './master-ip.ts';

test('a label is not another device', () => {
  const devices = {
    lo: [{ address: '127.0.0.1' }],
    br0: [{ address: '10.77.0.11' }],
    'br0:0': [{ address: '10.77.0.100' }],
    'bond0.7': [{ address: 'fe80::1' }],
  };
  assert.equal(deviceWith(devices, '10.77.0.100'), 'br0');
  assert.equal(deviceWith(devices, '10.77.0.11'), 'br0');
  assert.equal(deviceWith(devices, 'fe80::1'), 'bond0.7');
  assert.equal(deviceWith(devices, '10.77.0.101'), undefined);
});
