/**
 * The host's end of an interface on which an instance asks the metadata service: every such interface has the service's
 * address, and the way to the instance's own address leads to its interface and nowhere else. So the address that a
 * request comes from tells who asks. (Ganeti leaves this to its script ifup-os, which goes before this where it is
 * installed, and hands addresses out by DHCP as well.)
 */
import { isIPv4 } from 'node:net';
import { Failure } from '../kit/failure.ts';
import { runChecked, runProcess } from '../kit/process.ts';
import type { NicOnHost } from './contract.ts';
import { checkedInterface } from './interface-name.ts';

/** Of the metadata service, as on other platforms. */
export const serviceAddress = '169.254.169.254';

/** @throws Failure HypervisorError */
function addressOf(nic: NicOnHost): string {
  if (nic.ip !== null && isIPv4(nic.ip) && nic.ip !== serviceAddress) return nic.ip;
  throw new Failure('HypervisorError', [`Invalid IP address '${nic.ip}' of a communication interface`]);
}

/** The commands that bring the interface up; each may be run again. Pure. */
export function communicationCommands(device: string, nic: NicOnHost): string[][] {
  const port = checkedInterface(device);
  return [
    ['ip', 'link', 'set', port, 'up'],
    ['ip', 'addr', 'replace', `${serviceAddress}/32`, 'dev', port],
    ['ip', 'route', 'replace', `${addressOf(nic)}/32`, 'dev', port, 'src', serviceAddress],
  ];
}

export async function connectCommunication(device: string, nic: NicOnHost): Promise<void> {
  for (const command of communicationCommands(device, nic)) await runChecked(command);
}

/** What goes with the interface need not be there. */
export async function disconnectCommunication(device: string, nic: NicOnHost): Promise<void> {
  await runProcess(['ip', 'route', 'del', `${addressOf(nic)}/32`, 'dev', checkedInterface(device)]);
}
