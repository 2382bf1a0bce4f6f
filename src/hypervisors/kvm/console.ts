/** How a KVM guest's console is reached: serial port over SSH, else VNC, else SPICE. */
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, isAbsolute } from 'node:path';
import type { ConsoleInfo, Guest } from '../contract.ts';
import { vncBasePort } from './hardware/display.ts';
import type { GuestFiles } from './host/layout.ts';

const socat = '/usr/bin/socat';
/** Lets a guest go on that was started paused, once somebody looks. */
const wrapper = '/usr/lib/ganeti/tools/kvm-console-wrapper';
/** Control and "]" leaves. */
const terminal = 'STDIO,raw,echo=0,escape=0x1d';

function serialCommand(files: GuestFiles, name: string, wrapped: boolean): string[] {
  const target = `UNIX-CONNECT:${files.serial.argument}`;
  const command = wrapped
    ? [wrapper, socat, name, files.monitor.argument, terminal, target]
    : [socat, terminal, target];
  return isAbsolute(files.serial.argument) ? command : ['env', '-C', dirname(files.serial.file), ...command];
}

export async function consoleOf(guest: Guest, files: GuestFiles): Promise<ConsoleInfo> {
  const none = { message: null, host: null, port: null, user: null, command: null, display: null };
  const hv = guest.hvparams;
  if (hv.serial_console) {
    const wrapped = await access(wrapper).then(
      () => true,
      () => false,
    );
    const host = guest.primaryNodeName ?? process.env.GANETI_HOSTNAME ?? hostname();
    const command = serialCommand(files, guest.name, wrapped);
    return { ...none, kind: 'ssh', host, port: guest.sshPort ?? null, user: 'root', command };
  }
  const port = guest.networkPort;
  if (hv.vnc_bind_address && port !== null && port > vncBasePort) {
    return { ...none, kind: 'vnc', host: String(hv.vnc_bind_address), port, display: port - vncBasePort };
  }
  if (hv.spice_bind) return { ...none, kind: 'spice', host: String(hv.spice_bind), port };
  return { ...none, kind: 'msg', message: `No serial shell for instance ${guest.name}` };
}
