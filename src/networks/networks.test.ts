import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import { harmlessAddress, vlanCommands } from './bridged/driver.ts';
import { networkAbout, nicModes } from './catalog.ts';
import { connectNic, disconnectNic, networkDriver } from './connect.ts';
import type { NicOnHost } from './contract.ts';
import { isInterfaceName } from './interface-name.ts';
import { addPortCommand } from './openvswitch/driver.ts';
import { routeCommand } from './routed/driver.ts';
import { findScript, type NicWish, scriptVariables } from './script.ts';
import { freeTapName, tapCommand } from './tap.ts';
import { parseVlan } from './vlan.ts';

const nic: NicOnHost = {
  uuid: 'nic-uuid',
  mac: 'aa:00:00:75:5a:06',
  ip: '10.1.1.1',
  name: 'lan',
  mode: 'bridged',
  link: 'br0',
  vlan: '',
  network: null,
};
const wish: NicWish = { instance: 'inst1', instanceTags: ['a', 'b'], index: 1, nic, device: 'tap3' };

describe('NIC modes', () => {
  it('are those of Ganeti', () => {
    assert.deepEqual(nicModes, ['bridged', 'ext', 'openvswitch', 'routed']);
    assert.throws(() => networkAbout('token-ring'), /Unknown NIC mode/);
  });
  it('each have a driver', () => {
    for (const mode of nicModes) assert.equal(networkDriver(mode).about.name, mode);
  });
});

describe('VLANs', () => {
  it('are access, trunk or both', () => {
    assert.equal(parseVlan(''), null);
    assert.deepEqual(parseVlan('.100'), { untagged: 100, tagged: [] });
    assert.deepEqual(parseVlan('100'), { untagged: 100, tagged: [] });
    assert.deepEqual(parseVlan(':1:2'), { untagged: null, tagged: [1, 2] });
    assert.deepEqual(parseVlan('.5:6:7'), { untagged: 5, tagged: [6, 7] });
    for (const wrong of ['0', '4095', '.', ':', '1:', 'x', '1;2'])
      assert.throws(() => parseVlan(wrong), /Invalid VLAN/);
  });
  it('reach the port and the uplinks of a bridge', () => {
    const commands = vlanCommands('tap0', { untagged: 5, tagged: [6] }, ['eth0']).map((argv) =>
      argv.join(' '),
    );
    assert.deepEqual(commands, [
      'bridge vlan add dev tap0 vid 5 pvid untagged master',
      'bridge vlan add dev eth0 vid 5 master',
      'bridge vlan add dev tap0 vid 6 master',
      'bridge vlan add dev eth0 vid 6 master',
    ]);
  });
  it('reach a switch in one transaction', () => {
    const command = (vlan: string) => addPortCommand('tap0', { ...nic, link: 'sw1', vlan }).join(' ');
    const common = 'ovs-vsctl -- --if-exists del-port tap0 -- add-port sw1 tap0';
    assert.equal(command(''), common);
    assert.equal(command('.100'), `${common} -- set port tap0 tag=100`);
    assert.equal(command(':1:2'), `${common} -- set port tap0 trunks=1,2`);
    assert.equal(command('5:6'), `${common} -- set port tap0 tag=5 trunks=6 vlan_mode=native-untagged`);
  });
});

describe('routes', () => {
  it('go to the main table or the one named', () => {
    assert.equal(
      routeCommand('replace', 'tap0', { ...nic, link: '' }).join(' '),
      'ip route replace 10.1.1.1 proto static dev tap0',
    );
    assert.equal(
      routeCommand('replace', 'tap0', { ...nic, ip: '2001:db8::1', link: 'guests' }).join(' '),
      'ip -6 route replace 2001:db8::1 table guests proto static dev tap0',
    );
    assert.equal(
      routeCommand('del', 'tap0', { ...nic, link: '' }).join(' '),
      'ip route del 10.1.1.1 dev tap0',
    );
  });
  it('need an address', () => {
    assert.throws(() => routeCommand('replace', 'tap0', { ...nic, ip: null }), /no IP address specified/);
    assert.throws(() => routeCommand('replace', 'tap0', { ...nic, ip: '-4' }), /Invalid IP address/);
    assert.throws(() => routeCommand('replace', 'tap0', { ...nic, link: '-x' }), /Invalid routing table/);
  });
});

describe('names of interfaces', () => {
  it('are never options or paths', () => {
    for (const good of ['tap0', 'br-int', 'eth0.100', 'gnt.com.3']) assert.ok(isInterfaceName(good), good);
    for (const bad of ['', '-f', '.', '..', 'a/b', 'a b', '0123456789abcdef', 'a\n']) {
      assert.ok(!isInterfaceName(bad), JSON.stringify(bad));
    }
  });
  it('of taps are the first free ones', () => {
    assert.equal(freeTapName('tap', new Set(['tap0', 'tap1', 'tap3'])), 'tap2');
    assert.deepEqual(
      tapCommand('tap2', { vnetHdr: true, multiQueue: true, owner: 99 }).join(' '),
      'ip tuntap add dev tap2 mode tap user 99 vnet_hdr multi_queue',
    );
  });
});

it('bridges are bridges, not any interface', async () => {
  const { linkExists } = networkDriver('bridged');
  assert.equal(await linkExists('lo'), false);
  assert.equal(await linkExists('../lo'), false);
  assert.equal(await networkDriver('routed').linkExists('any table'), true);
  assert.equal(harmlessAddress('aa:bb:cc:dd:ee:ff\n'), 'fe:bb:cc:dd:ee:ff');
});

describe('scripts of the administrator', () => {
  async function within(
    work: (context: { paths: ReturnType<typeof pathsFor>; log: typeof silentLog }) => Promise<void>,
  ) {
    const root = await mkdtemp(join(tmpdir(), 'gantry-net-'));
    const paths = pathsFor({ GANETI_ROOTDIR: root });
    await mkdir(join(paths.configDir, 'network/bridged'), { recursive: true });
    await work({ paths, log: silentLog });
    await rm(root, { recursive: true });
  }
  const write = async (path: string, text: string) => {
    await writeFile(path, text);
    await chmod(path, 0o755);
  };

  it('are told everything about the interface', () => {
    const network = { name: 'n', uuid: 'u', subnet: '10.1.1.0/24', gateway: null, tags: ['x', 'y'] };
    const variables = scriptVariables(
      networkAbout('bridged'),
      { ...wish, nic: { ...nic, network }, phase: 'pre' },
      'up',
    );
    assert.deepEqual(variables, {
      ACTION: 'up',
      BRIDGE: 'br0',
      INSTANCE: 'inst1',
      INTERFACE: 'tap3',
      INTERFACE_INDEX: '1',
      INTERFACE_NAME: 'lan',
      INTERFACE_UUID: 'nic-uuid',
      IP: '10.1.1.1',
      LINK: 'br0',
      MAC: 'aa:00:00:75:5a:06',
      MIGRATION_PHASE: 'pre',
      MODE: 'bridged',
      NETWORK_NAME: 'n',
      NETWORK_SUBNET: '10.1.1.0/24',
      NETWORK_TAGS: 'x y',
      NETWORK_UUID: 'u',
      PATH: '/sbin:/bin:/usr/sbin:/usr/bin',
      TAGS: 'a b',
      VLAN: '',
    });
  });

  it('go before what is built in', () =>
    within(async (context) => {
      const out = join(context.paths.root, 'out');
      await write(
        join(context.paths.configDir, 'network/bridged/up'),
        `#!/bin/sh\necho "$1 $MODE $LINK" > ${out}\n`,
      );
      await connectNic(context, wish);
      assert.equal(await readFile(out, 'utf8'), 'tap3 bridged br0\n');
    }));

  it('of the older kind bring up, those for talk with the guest come first', () =>
    within(async (context) => {
      const about = networkAbout('bridged');
      assert.equal(await findScript(context, about, wish, 'up'), null);
      await write(context.paths.kvmIfup, '#!/bin/sh\n');
      assert.equal(await findScript(context, about, wish, 'up'), context.paths.kvmIfup);
      assert.equal(await findScript(context, about, wish, 'down'), null);
      const talk = join(context.paths.configDir, 'kvm-ifup-os');
      await write(talk, '#!/bin/sh\n');
      assert.equal(await findScript(context, about, { ...wish, device: 'gnt.com.0' }, 'up'), talk);
      assert.equal(await findScript(context, about, wish, 'up'), context.paths.kvmIfup);
    }));

  it('that fail are quoted going up, and forgiven going down', () =>
    within(async (context) => {
      for (const action of ['up', 'down']) {
        await write(
          join(context.paths.configDir, 'network/bridged', action),
          '#!/bin/sh\necho no cable; exit 7\n',
        );
      }
      await assert.rejects(connectNic(context, wish), {
        message:
          'Failed to configure interface tap3: exited with exit code 7; network configuration script output: no cable',
      });
      await disconnectNic(context, wish);
    }));

  it('are the only way for mode ext', () =>
    within(async (context) => {
      await assert.rejects(
        connectNic(context, { ...wish, nic: { ...nic, mode: 'ext' } }),
        /no up script for network type ext/,
      );
    }));
});
