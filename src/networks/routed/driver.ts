/**
 * Routes a guest's address to its interface (tools/net-routed-up): a host route in the main table or in
 * the one that `link` names, and answers for the guest (proxy ARP, proxy NDP) on the interface.
 */
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { Failure } from '../../kit/failure.ts';
import { runChecked, runProcess } from '../../kit/process.ts';
import type { NetworkDriver, NicOnHost } from '../contract.ts';
import { checkedInterface, checkedTable } from '../interface-name.ts';
import { about } from './about.ts';

/** @throws Failure HypervisorError */
function routedAddress(nic: NicOnHost): string {
  if (!nic.ip) throw new Failure('HypervisorError', ['Routed NIC but no IP address specified']);
  if (isIP(nic.ip) === 0) throw new Failure('HypervisorError', [`Invalid IP address '${nic.ip}'`]);
  return nic.ip;
}

/** The route to the guest; replacing it is right whether it is there or not. */
export function routeCommand(action: 'replace' | 'del', device: string, nic: NicOnHost): string[] {
  const table = nic.link === '' ? [] : ['table', checkedTable(nic.link)];
  const family = isIP(routedAddress(nic)) === 6 ? ['-6'] : [];
  const how = action === 'replace' ? ['proto', 'static'] : [];
  return ['ip', ...family, 'route', action, routedAddress(nic), ...table, ...how, 'dev', device];
}

/** Rules of an earlier run stand once for each start: all go. */
async function dropRules(device: string): Promise<void> {
  for (let left = 32; left > 0; left -= 1) {
    if ((await runProcess(['ip', 'rule', 'del', 'dev', device])).code !== 0) return;
  }
}

/** A family that the kernel lacks has no such file, which is fine. */
async function switchOn(file: string): Promise<void> {
  await writeFile(file, '1\n').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function connect(device: string, nic: NicOnHost): Promise<void> {
  const port = checkedInterface(device);
  const route = routeCommand('replace', port, nic);
  await runChecked(['ip', 'link', 'set', port, 'up']);
  if (nic.link !== '') {
    await dropRules(port);
    await runChecked(['ip', 'rule', 'add', 'dev', port, 'table', checkedTable(nic.link)]);
  }
  await runChecked(route);
  await switchOn(`/proc/sys/net/ipv4/conf/${port}/proxy_arp`);
  await switchOn(`/proc/sys/net/ipv4/conf/${port}/forwarding`);
  await switchOn(`/proc/sys/net/ipv6/conf/${port}/proxy_ndp`);
  await switchOn(`/proc/sys/net/ipv6/conf/${port}/forwarding`);
}

export function routedDriver(): NetworkDriver {
  return {
    about,
    connect,
    async disconnect(device, nic) {
      const port = checkedInterface(device);
      if (nic.link !== '') await dropRules(port);
      await runProcess(routeCommand('del', port, nic));
    },
    linkExists: () => Promise.resolve(true),
  };
}
