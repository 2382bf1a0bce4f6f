/** Names of network interfaces and routing tables: checked before they reach a command or a path. */
import { stat } from 'node:fs/promises';
import { Failure } from '../kit/failure.ts';

/** What the kernel takes: at most 15 characters, no slash, no blank; never something like an option. */
export function isInterfaceName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/.test(name) && name !== '.' && name !== '..';
}

/** @throws Failure HypervisorError */
export function checkedInterface(name: string): string {
  if (!isInterfaceName(name)) {
    throw new Failure('HypervisorError', [`Invalid network interface name ${JSON.stringify(name)}`]);
  }
  return name;
}

/** A routing table, by number or by its name in rt_tables. */
export function checkedTable(name: string): string {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/.test(name)) {
    throw new Failure('HypervisorError', [`Invalid routing table ${JSON.stringify(name)}`]);
  }
  return name;
}

/** Is there an interface of that name on this machine? */
export async function interfaceExists(name: string): Promise<boolean> {
  if (!isInterfaceName(name)) return false;
  return stat(`/sys/class/net/${name}`).then(
    () => true,
    () => false,
  );
}
