/**
 * Makes an interface a port of an Open vSwitch (tools/net-ovs-up): access VLAN as the port's tag, trunk
 * as its list. A port outlives the interface in the switch's database, so a stale one goes first.
 */
import { runChecked, runProcess } from '../../kit/process.ts';
import type { NetworkDriver, NicOnHost } from '../contract.ts';
import { checkedInterface, isInterfaceName } from '../interface-name.ts';
import { parseVlan } from '../vlan.ts';
import { about } from './about.ts';

/** The one ovs-vsctl call that makes the port with its VLANs: one transaction, all or nothing. */
export function addPortCommand(device: string, nic: NicOnHost): string[] {
  const port = checkedInterface(device);
  const command = ['ovs-vsctl', '--', '--if-exists', 'del-port', port];
  command.push('--', 'add-port', checkedInterface(nic.link), port);
  const vlans = parseVlan(nic.vlan);
  if (vlans === null) return command;
  const settings: string[] = [];
  if (vlans.untagged !== null) settings.push(`tag=${vlans.untagged}`);
  if (vlans.tagged.length > 0) settings.push(`trunks=${vlans.tagged.join(',')}`);
  if (vlans.untagged !== null && vlans.tagged.length > 0) settings.push('vlan_mode=native-untagged');
  return [...command, '--', 'set', 'port', port, ...settings];
}

async function connect(device: string, nic: NicOnHost): Promise<void> {
  const command = addPortCommand(device, nic);
  await runChecked(['ip', 'link', 'set', checkedInterface(device), 'up']);
  await runChecked(command, { timeoutMs: 30_000 });
}

export function openvswitchDriver(): NetworkDriver {
  return {
    about,
    connect,
    async disconnect(device) {
      const command = ['ovs-vsctl', '--', '--if-exists', 'del-port', checkedInterface(device)];
      await runChecked(command, { timeoutMs: 30_000 });
    },
    async linkExists(link) {
      if (!isInterfaceName(link)) return false;
      const found = await runProcess(['ovs-vsctl', 'br-exists', link], { timeoutMs: 30_000 }).catch(
        () => null,
      );
      return found?.code === 0;
    },
  };
}
