/** Options of gnt-network alone. */
import { text } from '../optparse/option.ts';

export const network = text(['--network'], 'network', 'IP network in CIDR notation');
export const gateway = text(['--gateway'], 'gateway', 'IP address of the router (gateway)');
export const addReservedIps = text(
  ['--add-reserved-ips'],
  'add_reserved_ips',
  'Comma-separated list of reserved IPs to add',
);
export const network6 = text(['--network6'], 'network6', 'IP network in CIDR notation');
export const gateway6 = text(['--gateway6'], 'gateway6', 'IP6 address of the router (gateway)');
export const removeReservedIps = text(
  ['--remove-reserved-ips'],
  'remove_reserved_ips',
  'Comma-delimited list of reserved IPs to remove',
);
