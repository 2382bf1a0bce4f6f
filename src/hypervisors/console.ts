/** Consoles that are a command on the node, reached over SSH. */
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ConsoleInfo, Guest } from './contract.ts';

/**
 * The command to run, by way of the helper `wrapper` where that is installed: it lets a guest go on that was
 * started paused, once somebody looks.
 */
export async function nodeConsole(
  guest: Guest,
  wrapper: string,
  command: { readonly wrapped: readonly string[]; readonly direct: readonly string[] },
): Promise<ConsoleInfo> {
  const installed = await access(wrapper).then(
    () => true,
    () => false,
  );
  return sshConsole(guest, installed ? [wrapper, ...command.wrapped] : command.direct);
}

export function sshConsole(guest: Guest, command: readonly string[]): ConsoleInfo {
  const host = guest.primaryNodeName ?? process.env.GANETI_HOSTNAME ?? hostname();
  return {
    kind: 'ssh',
    message: null,
    host,
    port: guest.sshPort ?? null,
    user: 'root',
    command,
    display: null,
  };
}
