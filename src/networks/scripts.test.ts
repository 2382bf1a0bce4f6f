/**
 * The scripts for interfaces, with stand-ins for the programs that they run: what they call is what the drivers call,
 * whose script goes first, what Xen is told. What they do to a real network: lab/harness/nic-ways.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { runProcess } from '../kit/process.ts';
import { takenVlans, vlanCommands } from './bridged/driver.ts';
import { networkAbout } from './catalog.ts';
import { communicationCommands } from './communication.ts';
import type { NicOnHost } from './contract.ts';
import { addPortCommand } from './openvswitch/driver.ts';
import { routeCommand } from './routed/driver.ts';
import { findScript, type NicAction, scriptVariables } from './script.ts';
import { parseVlan } from './vlan.ts';

const scripts = join(import.meta.dirname, 'scripts');
const bare: NicOnHost = {
  uuid: 'nic-uuid',
  mac: 'aa:00:00:75:5a:06',
  ip: null,
  name: null,
  mode: 'bridged',
  link: 'brv',
  vlan: '',
  network: null,
};

/** What `ip` says here: brv is a bridge with VLANs, eth0 its uplink, eth0.77 an interface of the node's own. */
const ipAnswers = `case "$*" in
  "-o -d link show dev brv"*) echo '4: brv: <UP> mtu 9000 qdisc x\\    link/ether 02:00:00:00:00:04 brd f bridge vlan_filtering 1 vlan_protocol' ;;
  "-o link show dev brv type bridge") echo '4: brv: <UP> mtu 9000 qdisc x' ;;
  "-o link show master brv") printf '%s\\n' '2: eth0: <UP> mtu' '5: tap7: <UP> mtu' '6: vif3.0@if2: <UP> mtu' '7: gnt.com.0: <UP>' ;;
  "-o -d link show type vlan") echo '8: eth0.77@eth0: <UP> mtu 1500 \\    link/ether 02:00 brd ff vlan protocol 802.1Q id 77 <REORDER_HDR> ' ;;
  "-o -d link show dev "*) echo '9: tap3: <UP> mtu 1500 qdisc x\\    link/ether aa:bb:cc:dd:ee:03 brd ff' ;;
  "rule del"*) exit 2 ;;
  "route show 169.254.1.9") echo '169.254.1.9 dev gnt.com.9 scope link' ;;
esac`;

describe('scripts for interfaces', () => {
  let root: string;
  const put = (path: string, text: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { mode: 0o755 });
  };
  const calls = () => readFileSync(join(root, 'calls'), 'utf8').split('\n').slice(0, -1);
  const changes = () => calls().filter((call) => !/\bshow\b|rule del|^logger/.test(call));
  const standIn = (name: string, answers = '') =>
    put(join(root, 'bin', name), `#!/bin/bash\necho "${name} $*" >> ${root}/calls\n${answers}\n`);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'gantry-scripts-'));
    writeFileSync(join(root, 'calls'), '');
    mkdirSync(join(root, 'var/run/ganeti'), { recursive: true });
    standIn('ip', ipAnswers);
    for (const name of ['bridge', 'ovs-vsctl', 'ethtool', 'logger', 'xenstore-write']) standIn(name);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const run = (script: string, env: Record<string, string>, ...args: string[]) =>
    runProcess([join(scripts, script), ...args], {
      env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, GANETI_ROOTDIR: root, ...env },
      cleanEnvironment: true,
    });
  const variables = (nic: Partial<NicOnHost>, action: NicAction = 'up', device = 'tap3') => {
    const whole = { ...bare, ...nic };
    const wish = { instance: 'inst1', instanceTags: ['a'], index: 0, nic: whole, device };
    const { PATH: _, ...rest } = scriptVariables(networkAbout(whole.mode), wish, action);
    return rest;
  };
  const setUp = async (nic: Partial<NicOnHost>, action: NicAction = 'up', device = 'tap3') => {
    const result = await run('kvm-nic-setup', variables(nic, action, device), device);
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return changes();
  };
  const joined = (commands: readonly (readonly string[])[]) => commands.map((argv) => argv.join(' '));

  it('make a port of a bridge, with the commands of the driver', async () => {
    for (const vlan of ['', '.5', '05', ':6:7', '.8:9']) {
      writeFileSync(join(root, 'calls'), '');
      const vlans = parseVlan(vlan);
      assert.deepEqual(await setUp({ vlan }), [
        'ip link set tap3 address fe:bb:cc:dd:ee:03',
        'ip link set tap3 mtu 9000 up',
        'ip link set tap3 master brv',
        ...(vlans === null ? [] : joined(vlanCommands('tap3', vlans, ['eth0']))),
      ]);
    }
  });

  it('take no interface of a guest for a way out, whatever its name', async () => {
    standIn('ip', ipAnswers.replace("'7: gnt.com.0: <UP>'", "'7: own3: <UP>'"));
    assert.deepEqual((await setUp({ vlan: '.5' }, 'up', 'own3')).slice(3), [
      'bridge vlan add dev own3 vid 5 pvid untagged master',
      'bridge vlan add dev eth0 vid 5 master',
    ]);
  });

  it('keep a VLAN that the node itself has on the uplink, as the driver does', async () => {
    const { code, stderr } = await run('kvm-nic-setup', variables({ vlan: '.77' }));
    assert.deepEqual([code, stderr], [1, 'VLAN 77 is in use by lower interface eth0\n']);
    const said =
      '8: eth0.77@eth0: <UP> mtu 1500 \\    link/ether 02:00 brd ff vlan protocol 802.1ad id 77 <REORDER_HDR> \n' +
      '9: v5@if3: <UP> \\    link/ether 02:00 vlan protocol 802.1Q id 5\n10: tap1: <UP> mtu\n';
    assert.deepEqual(takenVlans(said), [
      { uplink: 'eth0', vid: 77 },
      { uplink: 'if3', vid: 5 },
    ]);
  });

  it('make a port of a switch in one transaction', async () => {
    for (const vlan of ['', '.5', '5', ':6:7', '.8:9']) {
      writeFileSync(join(root, 'calls'), '');
      const nic = { mode: 'openvswitch', link: 'sw1', vlan };
      assert.deepEqual(await setUp(nic), [
        'ip link set tap3 up',
        addPortCommand('tap3', { ...bare, ...nic }).join(' '),
      ]);
    }
    writeFileSync(join(root, 'calls'), '');
    assert.deepEqual(await setUp({ mode: 'openvswitch', link: 'sw1' }, 'down'), [
      'ovs-vsctl -- --if-exists del-port tap3',
    ]);
  });

  it('route an address', async () => {
    for (const nic of [
      { mode: 'routed', link: '', ip: '10.1.1.1' },
      { mode: 'routed', link: 'guests', ip: '2001:db8::1' },
    ]) {
      const whole = { ...bare, ...nic };
      writeFileSync(join(root, 'calls'), '');
      assert.deepEqual(await setUp(nic), [
        'ip link set tap3 up',
        ...(nic.link === '' ? [] : ['ip rule add dev tap3 table guests']),
        routeCommand('replace', 'tap3', whole).join(' '),
      ]);
      writeFileSync(join(root, 'calls'), '');
      assert.deepEqual(await setUp(nic, 'down'), [routeCommand('del', 'tap3', whole).join(' ')]);
    }
  });

  it('open the way between a guest and its node', async () => {
    const nic = { mode: 'routed', link: '', ip: '169.254.1.1' };
    assert.deepEqual(
      await setUp(nic, 'up', 'gnt.com.0'),
      joined(communicationCommands('gnt.com.0', { ...bare, ...nic })),
    );
  });

  it('refuse what must not reach a command or a path', async () => {
    const refused = async (env: Record<string, string>, reason: RegExp) => {
      const { code, stderr } = await run('kvm-nic-setup', { ...variables({}), ...env });
      assert.equal(code, 1);
      assert.match(stderr, reason);
      assert.deepEqual(changes(), []);
    };
    await refused({ INTERFACE: '-x' }, /Invalid network interface name/);
    await refused({ INTERFACE: '' }, /No network interface specified/);
    await refused({ MODE: '' }, /MODE not specified/);
    await refused({ MODE: '../../bin' }, /Unknown NIC mode/);
    await refused({ ACTION: '../up' }, /Unknown action/);
    await refused({ MODE: 'token' }, /no up script for network type token found/);
    await refused({ MODE: 'ext' }, /no up script for network type ext found/);
    await refused({ LINK: '../x' }, /Invalid network interface name/);
    await refused({ MODE: 'routed', LINK: '', IP: '1.2.3.4; x' }, /Invalid IP address/);
    await refused({ MODE: 'routed', LINK: '-x', IP: '1.2.3.4' }, /Invalid routing table/);
    const late = await run('kvm-nic-setup', variables({ vlan: '1;2' }));
    assert.match(late.stderr, /Invalid VLAN '1;2'/);
  });

  it('go behind scripts of the administrator, in the order of the node daemon, which may call them', async () => {
    const config = join(root, 'etc/ganeti');
    const own = (name: string) =>
      put(
        join(config, name),
        `#!/bin/sh\necho "own ${name} $1" >> ${root}/calls\nexec ${scripts}/kvm-ifup "$@"\n`,
      );
    const context = { paths: { configDir: config, kvmIfup: join(config, 'kvm-vif-bridge') } };
    const wish = { instance: 'i', instanceTags: [], index: 0, nic: bare, device: 'gnt.com.4' };
    const nic = { mode: 'routed', link: '', ip: '169.254.1.1' };
    for (const name of ['kvm-vif-bridge', 'network/routed/up', 'kvm-ifup-os']) {
      own(name);
      writeFileSync(join(root, 'calls'), '');
      const [first, ...rest] = await setUp(nic, 'up', 'gnt.com.4');
      assert.equal(first, `own ${name} gnt.com.4`);
      assert.deepEqual(rest, joined(communicationCommands('gnt.com.4', { ...bare, ...nic })));
      const chosen = await findScript(context as never, networkAbout('routed'), wish, 'up');
      assert.equal(chosen, join(config, name));
    }
    writeFileSync(join(root, 'calls'), '');
    await setUp({}, 'down');
    assert.deepEqual(calls(), ['ip link set tap3 nomaster']);
  });

  it('give their functions and folders to scripts of others', async () => {
    put(
      join(root, 'own'),
      `#!/bin/bash\nset -eu\nsource ${scripts}/net-common\nsource ${scripts}/net-common\ncheck\n` +
        'setup_bridge; setup_ovs; setup_route\nis_instance_communication_tap && exit 9\necho $CONF_DIR $RUN_DIR $PKGLIBDIR\n',
    );
    const { PATH: _, ...env } = { PATH: '', ...variables({}) };
    const result = await runProcess([join(root, 'own')], {
      env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, GANETI_ROOTDIR: root, ...env },
      cleanEnvironment: true,
    });
    assert.equal(result.stdout, `${root}/etc/ganeti ${root}/var/run/ganeti ${scripts}\n`, result.stderr);
    assert.equal(changes().at(-1), 'ip link set tap3 master brv');
  });

  it('say what they are for', async () => {
    for (const name of ['kvm-nic-setup', 'ifup-os', 'vif-ganeti', 'vif-ganeti-metad', 'network/bridged/up']) {
      const { code, stdout } = await run(name, {}, '--help');
      assert.equal(code, 0);
      assert.match(stdout, /^[A-Z].*\.\n/s);
      assert.doesNotMatch(stdout, /^#|net-common"/m);
    }
    assert.deepEqual(calls(), []);
  });

  describe('for guests that ask their node', () => {
    const env = { INTERFACE: 'gnt.com.1', MODE: 'routed', MAC: 'aa:00:00:00:00:01', IP: '169.254.1.1' };
    const hosts = () => readFileSync(join(root, 'var/run/ganeti/dnsmasq.hosts'), 'utf8');

    it('offer the address by DHCP, to those that are still there', async () => {
      standIn('dnsmasq');
      const file = join(root, 'var/run/ganeti/dnsmasq.hosts');
      writeFileSync(
        file,
        'aa:00:00:00:00:02,169.254.1.1\naa:00:00:00:00:01,169.254.1.5\n' +
          'aa:00:00:00:00:09,169.254.1.9\naa:00:00:00:00:0a,169.254.1.10\n',
      );
      const { code, stderr } = await run('xen-ifup-os', env);
      assert.equal(code, 0, stderr);
      assert.equal(hosts(), 'aa:00:00:00:00:01,169.254.1.1\naa:00:00:00:00:09,169.254.1.9\n');
      assert.deepEqual(changes().slice(-2), [
        'ethtool -K gnt.com.1 tx off',
        `dnsmasq -C ${root}/var/run/ganeti/dnsmasq.conf`,
      ]);
      const config = readFileSync(join(root, 'var/run/ganeti/dnsmasq.conf'), 'utf8');
      assert.match(config, /^interface=gnt\.com\.\*$/m);
      assert.ok(config.includes(`dhcp-hostsfile=${file}\n`));
    });

    it('leave other interfaces alone and name what is missing', async () => {
      assert.equal((await run('xen-ifup-os', { ...env, INTERFACE: 'tap1' })).code, 0);
      assert.deepEqual(calls(), []);
      const { MAC: _, ...without } = env;
      const { code, stderr } = await run('xen-ifup-os', without);
      assert.equal(code, 1);
      assert.match(stderr, /^xen-ifup-os: .*because the 'MAC' environment variable was not specified/);
    });
  });

  describe('of Xen', () => {
    const event = { vif: 'vif3.0', XENBUS_PATH: 'backend/vif/3/0', XEN_CONFIG_DIR: '/nonexistent' };
    const facts = "TAGS='x y'\nMAC='aa:00:00:00:00:01'\nMODE='bridged'\nLINK='brv'\nVLAN=''\n";
    beforeEach(() => standIn('xl', 'echo web1.example.com'));
    const describeNic = (text = facts) =>
      put(join(root, 'var/run/ganeti/xen-hypervisor/nic/web1.example.com/0'), text);

    it('connect what the node daemon has written down, and tell Xen', async () => {
      describeNic();
      const { code, stderr } = await run('vif-ganeti', event, 'online', 'type_if=vif');
      assert.equal(code, 0, stderr);
      assert.deepEqual(changes().slice(-2), [
        'ip link set vif3.0 master brv',
        'xenstore-write backend/vif/3/0/hotplug-status connected',
      ]);
      await run('vif-ganeti', { ...event, INTERFACE: 'vif3.0-emu' }, 'add', 'type_if=tap');
      assert.equal(changes().at(-2), 'ip link set vif3.0-emu master brv');
      writeFileSync(join(root, 'calls'), '');
      await run('vif-ganeti', event, 'offline');
      assert.deepEqual(changes().slice(-1), ['ip link set vif3.0 nomaster']);
    });

    it('tell Xen what failed', async () => {
      assert.equal((await run('vif-ganeti', event, 'online')).code, 1);
      assert.match(changes().at(-2)!, /hotplug-error .*is missing$/);
      assert.equal(changes().at(-1), 'xenstore-write backend/vif/3/0/hotplug-status error');
      describeNic(facts.replace("VLAN=''", "VLAN='.77'"));
      assert.equal((await run('vif-ganeti', event, 'online')).code, 1);
      assert.match(changes().at(-2)!, /hotplug-error VLAN 77 is in use by lower interface eth0/);
      assert.equal((await run('vif-ganeti', { ...event, vif: '../x' }, 'online')).code, 1);
    });

    it('go behind scripts of the administrator', async () => {
      describeNic();
      put(
        join(root, 'etc/ganeti/network/bridged/up'),
        `#!/bin/sh\necho "own $1 $MODE $TAGS $BRIDGE $INSTANCE" >> ${root}/calls\n`,
      );
      assert.equal((await run('vif-ganeti', event, 'online')).code, 0);
      assert.equal(changes().at(-2), 'own vif3.0 bridged x y brv web1.example.com');
      put(join(root, 'xen/scripts/vif-custom'), `#!/bin/sh\necho "custom $*" >> ${root}/calls\n`);
      await run('vif-ganeti', { ...event, XEN_CONFIG_DIR: join(root, 'xen') }, 'online', 'b');
      assert.equal(changes().at(-1), 'custom online b');
    });

    it('give an interface the name that it should have', async () => {
      standIn('xenstore-read', 'echo gnt.com.5');
      standIn('ip', 'case "$*" in *"show dev gnt.com.5") exit 1 ;; esac');
      assert.equal((await run('vif-ganeti-metad', event, 'online')).code, 0);
      assert.deepEqual(changes(), [
        'xenstore-read backend/vif/3/0/vifname',
        'ip link set dev vif3.0 name gnt.com.5',
        'xenstore-write backend/vif/3/0/hotplug-status connected',
      ]);
    });
  });
});
