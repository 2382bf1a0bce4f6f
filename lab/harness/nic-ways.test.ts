/**
 * The scripts for interfaces leave behind what the node daemon's drivers do, in a network namespace of this test's own.
 * VLANs and Open vSwitch, which few kernels of test machines have, are tried on a lab node (scenarios/networks.lab.ts).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { NicComparison } from './nic-ways.ts';

const inNamespace = (script: string, ...args: string[]) =>
  spawnSync('unshare', ['-rnm', 'sh', '-c', `mount -t sysfs none /sys && ${script}`, 'sh', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
  });
const possible = inNamespace('ip link add br0 type bridge && ip tuntap add dev nic1 mode tap').status === 0;

test('scripts and drivers do the same', { skip: possible ? false : 'no namespaces here' }, () => {
  const run = inNamespace('exec "$1" "$2"', process.execPath, join(import.meta.dirname, 'nic-ways.ts'));
  assert.equal(run.status, 0, run.stderr);
  const found = JSON.parse(run.stdout) as NicComparison[];
  for (const { name, driver, script, unsupported } of found) {
    if (unsupported !== undefined) continue;
    if (typeof driver.up === 'string') assert.equal(typeof script.up, 'string', name);
    else assert.deepEqual(script, driver, name);
  }
  const outcome = (name: string) => found.find((each) => each.name === name)!.script;
  const complaint = (name: string) => {
    const { up } = outcome(name);
    return typeof up === 'string' ? up : assert.fail(`${name} did not fail`);
  };
  const { up, down } = outcome('bridge');
  assert.ok(typeof up === 'object' && typeof down === 'object');
  assert.deepEqual(up.link, { address: 'fe:bb:cc:dd:ee:01', mtu: '1400', master: 'brt', up: 'true' });
  assert.equal(down.link.master, '');
  assert.match(complaint('no such bridge'), /Bridge 'br9' does not exist/);
  assert.match(complaint('what is no bridge'), /Bridge 'lo' does not exist/);
  assert.match(complaint('bridge without VLANs'), /bridge brt has VLAN filtering disabled/);
  const routed = outcome('route of a table');
  assert.ok(typeof routed.up === 'object' && typeof routed.down === 'object');
  assert.match(routed.up.routes.join(), /^10\.9\.1\.2 dev NIC table 123 proto static/);
  assert.deepEqual([routed.up.rules.length, routed.down.rules.length, routed.down.routes.length], [1, 0, 0]);
  assert.match(complaint('no address'), /Routed NIC but no IP address specified/);
});
