/**
 * Makes an interface a port of a bridge (tools/net-bridged-up): address beginning with fe, so that the
 * bridge doesn't take it for its own; the bridge's MTU; VLANs where the bridge filters them.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { Failure } from '../../kit/failure.ts';
import { runChecked } from '../../kit/process.ts';
import type { NetworkDriver, NicOnHost } from '../contract.ts';
import { checkedInterface, isInterfaceName } from '../interface-name.ts';
import { parseVlan, type Vlans } from '../vlan.ts';
import { about } from './about.ts';

type Argv = readonly string[];

/** `bridge vlan` commands for the port and for the bridge's ways out, which must carry its VLANs too. */
export function vlanCommands(device: string, vlans: Vlans, uplinks: readonly string[]): Argv[] {
  const commands: Argv[] = [];
  const add = (vid: number, flags: readonly string[]) => {
    commands.push(['bridge', 'vlan', 'add', 'dev', device, 'vid', String(vid), ...flags, 'master']);
    for (const uplink of uplinks) {
      commands.push(['bridge', 'vlan', 'add', 'dev', uplink, 'vid', String(vid), 'master']);
    }
  };
  if (vlans.untagged !== null) add(vlans.untagged, ['pvid', 'untagged']);
  for (const vid of vlans.tagged) add(vid, []);
  return commands;
}

/** The address with fe as its first octet. */
export function harmlessAddress(address: string): string {
  return `fe${address.trim().slice(2)}`;
}

async function sysfs(device: string, file: string): Promise<string> {
  return (await readFile(`/sys/class/net/${device}/${file}`, 'utf8')).trim();
}

/** Interfaces of guests, which must not get the VLANs of another. */
const ofGuests = /^(tap|vif|gnt\.com\.)/;

/** Ports of the bridge that aren't guests': where its VLANs leave the machine. The port itself isn't, whatever its name. */
async function uplinksOf(bridge: string, port: string): Promise<string[]> {
  const names = await readdir(`/sys/class/net/${bridge}`);
  return names
    .filter((name) => name.startsWith('lower_'))
    .map((name) => name.slice('lower_'.length))
    .filter((name) => name !== port && !ofGuests.test(name));
}

/** The interfaces and VLANs in what `ip -o -d link show type vlan` says: frames of these never reach a bridge. Pure. */
export function takenVlans(said: string): { readonly uplink: string; readonly vid: number }[] {
  return [...said.matchAll(/^\d+: [^ ]+@([^ :]+): .* vlan protocol [^ ]+ id (\d+)\b/gm)].map(
    ([, uplink = '', vid]) => ({ uplink, vid: Number(vid) }),
  );
}

/**
 * An uplink's own interface for a VLAN takes the frames of that VLAN before the bridge sees them. Both ends of a virtual
 * cable are ours, so that bridges may be stacked.
 * @throws Failure HypervisorError
 */
async function requireFree(vlans: Vlans, uplinks: readonly string[]): Promise<void> {
  const { stdout } = await runChecked(['ip', '-o', '-d', 'link', 'show', 'type', 'vlan']);
  const wanted = new Set([vlans.untagged, ...vlans.tagged]);
  for (const { uplink, vid } of takenVlans(stdout)) {
    if (!wanted.has(vid) || !uplinks.includes(uplink)) continue;
    const cable = await runChecked(['ip', '-o', 'link', 'show', 'dev', uplink, 'type', 'veth']);
    if (cable.stdout === '')
      throw new Failure('HypervisorError', [`VLAN ${vid} is in use by lower interface ${uplink}`]);
  }
}

async function isBridge(link: string): Promise<boolean> {
  if (!isInterfaceName(link)) return false;
  return stat(`/sys/class/net/${link}/bridge`).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function connect(device: string, nic: NicOnHost): Promise<void> {
  const port = checkedInterface(device);
  const bridge = checkedInterface(nic.link);
  if (!(await isBridge(bridge))) throw new Failure('HypervisorError', [`Bridge '${bridge}' does not exist`]);
  const address = harmlessAddress(await sysfs(port, 'address'));
  await runChecked(['ip', 'link', 'set', port, 'address', address]);
  await runChecked(['ip', 'link', 'set', port, 'mtu', await sysfs(bridge, 'mtu'), 'up']);
  await runChecked(['ip', 'link', 'set', port, 'master', bridge]);
  const vlans = parseVlan(nic.vlan);
  if (vlans === null) return;
  if ((await sysfs(bridge, 'bridge/vlan_filtering')) !== '1') {
    throw new Failure('HypervisorError', [
      `NIC ${nic.uuid} asks for VLAN '${nic.vlan}', but bridge '${bridge}' has VLAN filtering disabled`,
    ]);
  }
  const uplinks = await uplinksOf(bridge, port);
  await requireFree(vlans, uplinks);
  for (const command of vlanCommands(port, vlans, uplinks)) await runChecked(command);
}

export function bridgedDriver(): NetworkDriver {
  return {
    about,
    connect,
    async disconnect(device) {
      await runChecked(['ip', 'link', 'set', checkedInterface(device), 'nomaster']);
    },
    linkExists: isBridge,
  };
}
