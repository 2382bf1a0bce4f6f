/**
 * The scripts for guests' interfaces on a real node, with VLANs and Open vSwitch: they leave behind what the node
 * daemon's drivers do, and an administrator's script of the older kind can build on them.
 */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NicComparison, NicTraces } from '../harness/nic-ways.ts';
import { UmlLab } from '../harness/uml.ts';

const lab = new UmlLab({ name: 'networks' });
const root = resolve(import.meta.dirname, '..', '..');
const slow = { timeoutMs: 300_000 };

describe('interfaces of guests', () => {
  let found: NicComparison[];
  before(async () => {
    await lab.up({ nodes: 1, fresh: true });
    await lab.output('node1', ['/etc/init.d/openvswitch-switch', 'start'], slow);
    const program = join(root, 'lab/harness/nic-ways.ts');
    found = JSON.parse(await lab.output('node1', [process.execPath, program], slow)) as NicComparison[];
  });
  after(() => lab.down({ wipe: true }));

  const outcome = (name: string) => found.find((each) => each.name === name)!.script;
  const up = (name: string): NicTraces => {
    const traces = outcome(name).up;
    return typeof traces === 'object' ? traces : assert.fail(`${name}: ${traces}`);
  };
  const complaint = (name: string): string => {
    const said = outcome(name).up;
    return typeof said === 'string' ? said : assert.fail(`${name} did not fail`);
  };

  test('are the same whoever connects them', () => {
    for (const { name, driver, script, unsupported } of found) {
      assert.equal(unsupported, undefined, name);
      if (typeof driver.up === 'string') assert.equal(typeof script.up, 'string', name);
      else assert.deepEqual(script, driver, name);
    }
  });

  test('get the VLANs of a bridge, and its uplink gets them too', () => {
    assert.match(up('access VLAN').vlans, /NIC.*\b5 PVID Egress Untagged/);
    assert.match(up('access VLAN').uplinkVlans, /\b5\b/);
    assert.match(up('trunk').vlans, /\b6; 7$/);
    assert.match(up('both').vlans, /\b8 PVID Egress Untagged; 9$/);
    assert.match(complaint('VLAN of the node'), /VLAN 77 is in use by lower interface up0/);
    assert.match(complaint('no VLAN'), /Invalid VLAN/);
  });

  test('are ports of a switch with tag and trunks', () => {
    assert.equal(up('switch').port, '[]\n[]\n[]');
    assert.equal(up('switch, access VLAN').port, '5\n[]\n[]');
    assert.equal(up('switch, trunk').port, '[]\n[6, 7]\n[]');
    assert.equal(up('switch, both').port, '8\n[9]\nnative-untagged');
    const { down } = outcome('switch');
    assert.ok(typeof down === 'object');
    assert.equal(down.port, '');
    assert.match(complaint('no such switch'), /could not become a port of Open vSwitch sw9/);
  });
});
