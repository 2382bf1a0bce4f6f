/**
 * Connects interfaces of this machine in the two ways that there are, the node daemon's drivers and the scripts that
 * administrators, QEMU and Xen call, and prints what each left behind, going up and going down. Run it where the network
 * is its own: in a namespace, or on a node of the lab. What the kernel can't do is left out and named.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../src/kit/failure.ts';
import { silentLog } from '../../src/kit/log.ts';
import { pathsFor } from '../../src/kit/paths.ts';
import { runChecked, runProcess } from '../../src/kit/process.ts';
import { programPath } from '../../src/kit/programs.ts';
import { networkAbout } from '../../src/networks/catalog.ts';
import { connectNic, disconnectNic } from '../../src/networks/connect.ts';
import type { NicOnHost } from '../../src/networks/contract.ts';
import { type NicAction, type NicWish, scriptVariables } from '../../src/networks/script.ts';

/** What there is to be seen of an interface, without its name. */
export interface NicTraces {
  readonly link: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly rules: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  readonly vlans: string;
  readonly uplinkVlans: string;
  readonly port: string;
}

export interface NicComparison {
  readonly name: string;
  /** Why it could not be tried here. */
  readonly unsupported?: string;
  /** What was said when the way failed, else what it left behind. */
  readonly driver: Partial<Record<NicAction, NicTraces | string>>;
  readonly script: Partial<Record<NicAction, NicTraces | string>>;
}

type Case = Partial<NicOnHost> & { readonly name: string; readonly needs: Need; readonly device?: string };
type Need = 'bridge' | 'filtering' | 'nothing' | 'switch';

const cases: readonly Case[] = [
  { name: 'bridge', mode: 'bridged', link: 'brt', needs: 'bridge' },
  { name: 'no such bridge', mode: 'bridged', link: 'br9', needs: 'bridge' },
  { name: 'what is no bridge', mode: 'bridged', link: 'lo', needs: 'bridge' },
  { name: 'bridge without VLANs', mode: 'bridged', link: 'brt', vlan: '.5', needs: 'bridge' },
  { name: 'access VLAN', mode: 'bridged', link: 'brv', vlan: '.5', needs: 'filtering' },
  { name: 'trunk', mode: 'bridged', link: 'brv', vlan: ':6:7', needs: 'filtering' },
  { name: 'both', mode: 'bridged', link: 'brv', vlan: '8:9', needs: 'filtering' },
  { name: 'VLAN of the node', mode: 'bridged', link: 'brv', vlan: '.77', needs: 'filtering' },
  { name: 'no VLAN', mode: 'bridged', link: 'brv', vlan: '.4095', needs: 'filtering' },
  { name: 'route', mode: 'routed', link: '', ip: '10.9.1.1', needs: 'nothing' },
  { name: 'route of a table', mode: 'routed', link: '123', ip: '10.9.1.2', needs: 'nothing' },
  { name: 'IPv6 route', mode: 'routed', link: '', ip: '2001:db8::9', needs: 'nothing' },
  { name: 'no address', mode: 'routed', link: '', ip: null, needs: 'nothing' },
  { name: 'talk', mode: 'routed', link: '', ip: '169.254.7.7', device: 'gnt.com.', needs: 'nothing' },
  { name: 'switch', mode: 'openvswitch', link: 'sw0', needs: 'switch' },
  { name: 'switch, access VLAN', mode: 'openvswitch', link: 'sw0', vlan: '.5', needs: 'switch' },
  { name: 'switch, trunk', mode: 'openvswitch', link: 'sw0', vlan: ':6:7', needs: 'switch' },
  { name: 'switch, both', mode: 'openvswitch', link: 'sw0', vlan: '.8:9', needs: 'switch' },
  { name: 'no such switch', mode: 'openvswitch', link: 'sw9', needs: 'switch' },
];

const context = { paths: pathsFor({ GANETI_ROOTDIR: '/nonexistent' }), log: silentLog };
const sysctls = [
  'ipv4/conf/NIC/proxy_arp',
  'ipv4/conf/NIC/forwarding',
  'ipv6/conf/NIC/proxy_ndp',
  'ipv6/conf/NIC/forwarding',
];

async function said(...argv: [string, ...string[]]): Promise<string> {
  return (await runProcess(argv)).stdout;
}

async function works(...argv: [string, ...string[]]): Promise<boolean> {
  return (await runProcess(argv).catch(() => ({ code: 1 }))).code === 0;
}

async function settingsOf(device: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const path of sysctls) {
    const text = await readFile(join('/proc/sys/net', path.replace('NIC', device)), 'utf8').catch(
      () => 'not there',
    );
    found[path] = text.trim();
  }
  return found;
}

async function tracesOf(device: string): Promise<NicTraces> {
  const without = (text: string) =>
    text
      .replaceAll(device, 'NIC')
      .split('\n')
      .map((line) => line.trim().replace(/ +/g, ' '))
      .filter((line) => line !== '');
  const link = await said('ip', '-o', '-d', 'link', 'show', 'dev', device);
  const fact = (pattern: RegExp) => pattern.exec(link)?.[1] ?? '';
  const rules = without(await said('ip', 'rule', 'show')).filter((rule) => rule.includes('NIC'));
  const routes = without(await said('ip', 'route', 'show', 'table', 'all'));
  const routes6 = without(await said('ip', '-6', 'route', 'show', 'table', 'all'));
  const ours = [...routes, ...routes6].filter((route) => route.includes('NIC') && !/fe80|ff00/.test(route));
  return {
    link: {
      address: fact(/link\/ether ([0-9a-f:]+)/),
      mtu: fact(/ mtu (\d+)/),
      master: fact(/ master ([^ ]+)/),
      up: String(/<[^>]*\bUP\b/.test(link)),
    },
    addresses: without(await said('ip', '-o', '-4', 'addr', 'show', 'dev', device)).map((line) =>
      line.replace(/^\d+: /, ''),
    ),
    routes: ours,
    rules: rules.map((rule) => rule.replace(/^\d+:\s*/, '')),
    settings: await settingsOf(device),
    vlans: without(await said('bridge', 'vlan', 'show', 'dev', device)).join('; '),
    uplinkVlans: without(await said('bridge', 'vlan', 'show', 'dev', 'up0')).join('; '),
    port: (
      await runProcess(['ovs-vsctl', 'get', 'port', device, 'tag', 'trunks', 'vlan_mode']).catch(() => ({
        stdout: '',
      }))
    ).stdout.trim(),
  };
}

/** Undoes what a VLAN left on the uplink, which nothing takes back by itself. */
async function cleanUplink(): Promise<void> {
  for (const vid of ['5', '6', '7', '8', '9'])
    await runProcess(['bridge', 'vlan', 'del', 'dev', 'up0', 'vid', vid]);
}

async function viaScript(wish: NicWish, action: NicAction): Promise<void> {
  const env = scriptVariables(networkAbout(wish.nic.mode), wish, action);
  await runChecked([programPath('kvm-nic-setup'), wish.device], {
    env: { ...env, GANETI_ROOTDIR: '/nonexistent' },
    cleanEnvironment: true,
  });
}

const ways: Readonly<Record<'driver' | 'script', (wish: NicWish, action: NicAction) => Promise<void>>> = {
  driver: (wish, action) => (action === 'up' ? connectNic(context, wish) : disconnectNic(context, wish)),
  script: viaScript,
};

async function follow(way: 'driver' | 'script', device: string, each: Case) {
  const { ip = null, mode = '', link = '', vlan = '' } = each;
  const mac = 'aa:00:00:00:00:01';
  const nic: NicOnHost = { uuid: 'nic-uuid', mac, ip, name: null, mode, link, vlan, network: null };
  const wish: NicWish = { instance: 'inst1', instanceTags: [], index: 0, nic, device };
  const seen: Partial<Record<NicAction, NicTraces | string>> = {};
  await runChecked(['ip', 'link', 'add', device, 'type', 'dummy']).catch(() =>
    runChecked(['ip', 'tuntap', 'add', 'dev', device, 'mode', 'tap']),
  );
  await runChecked(['ip', 'link', 'set', 'dev', device, 'address', 'aa:bb:cc:dd:ee:01']);
  for (const action of ['up', 'up', 'down', 'down'] as const) {
    try {
      await ways[way](wish, action);
      seen[action] = await tracesOf(device);
    } catch (error) {
      seen[action] = messageOf(error);
      break;
    }
  }
  await runProcess(['ovs-vsctl', '--', '--if-exists', 'del-port', device]).catch(() => {});
  await runProcess(['ip', 'link', 'del', 'dev', device]);
  await cleanUplink();
  return seen;
}

/** Makes bridges and a switch; which needs can be met. */
async function prepare(): Promise<ReadonlySet<Need>> {
  const met = new Set<Need>(['nothing']);
  await runProcess(['ip', 'link', 'set', 'lo', 'up']);
  if (
    (await works('ip', 'link', 'add', 'brt', 'type', 'bridge')) &&
    (await works('ip', 'link', 'set', 'brt', 'mtu', '1400', 'up'))
  )
    met.add('bridge');
  if (
    (await works('ip', 'link', 'add', 'brv', 'type', 'bridge', 'vlan_filtering', '1')) &&
    (await works('ip', 'link', 'add', 'up0', 'type', 'dummy')) &&
    (await works('ip', 'link', 'set', 'up0', 'master', 'brv')) &&
    (await works('ip', 'link', 'add', 'link', 'up0', 'name', 'up0.77', 'type', 'vlan', 'id', '77'))
  )
    met.add('filtering');
  const hasSwitches = existsSync('/var/run/openvswitch/db.sock');
  if (hasSwitches && (await works('ovs-vsctl', '--timeout=10', '--may-exist', 'add-br', 'sw0')))
    met.add('switch');
  return met;
}

export async function compareWays(): Promise<NicComparison[]> {
  const met = await prepare();
  const found: NicComparison[] = [];
  for (const each of cases) {
    if (!met.has(each.needs)) {
      found.push({ name: each.name, unsupported: `no ${each.needs} here`, driver: {}, script: {} });
      continue;
    }
    const device = each.device ?? 'nic';
    found.push({
      name: each.name,
      driver: await follow('driver', `${device}1`, each),
      script: await follow('script', `${device}2`, each),
    });
  }
  return found;
}

if (import.meta.main) console.log(JSON.stringify(await compareWays()));
