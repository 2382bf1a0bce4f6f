/** How a KVM guest's console is reached: serial port over SSH, else VNC, else SPICE. */
import { dirname, isAbsolute } from 'node:path';
import { nodeConsole } from '../console.ts';
import type { ConsoleInfo, Guest } from '../contract.ts';
import { vncBasePort } from './hardware/display.ts';
import type { GuestFiles } from './host/layout.ts';

const socat = '/usr/bin/socat';
/** Control and "]" leaves. */
const terminal = 'STDIO,raw,echo=0,escape=0x1d';

async function serialConsole(guest: Guest, { serial, monitor }: GuestFiles): Promise<ConsoleInfo> {
  const target = `UNIX-CONNECT:${serial.argument}`;
  const found = await nodeConsole(guest, '/usr/lib/ganeti/tools/kvm-console-wrapper', {
    wrapped: [socat, guest.name, monitor.argument, terminal, target],
    direct: [socat, terminal, target],
  });
  if (isAbsolute(serial.argument)) return found;
  return { ...found, command: ['env', '-C', dirname(serial.file), ...(found.command ?? [])] };
}

export async function consoleOf(guest: Guest, files: GuestFiles): Promise<ConsoleInfo> {
  const none = { message: null, host: null, port: null, user: null, command: null, display: null };
  const hv = guest.hvparams;
  if (hv.serial_console) return serialConsole(guest, files);
  const port = guest.networkPort;
  if (hv.vnc_bind_address && port !== null && port > vncBasePort) {
    return { ...none, kind: 'vnc', host: String(hv.vnc_bind_address), port, display: port - vncBasePort };
  }
  if (hv.spice_bind) return { ...none, kind: 'spice', host: String(hv.spice_bind), port };
  return { ...none, kind: 'msg', message: `No serial shell for instance ${guest.name}` };
}
