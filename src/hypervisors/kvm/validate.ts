/** What KVM parameters need of this machine: files, users, interfaces, abilities of QEMU. */

import { isIP } from 'node:net';
import { Failure } from '../../kit/failure.ts';
import type { Parameters } from '../../model/objects/common.ts';
import { isNormalAbsolutePath } from '../checks.ts';
import { checkOnNode } from '../on-node.ts';
import { about } from './about.ts';
import { interfaceAddresses } from './host/node.ts';
import { findUser } from './host/users.ts';
import { isAtLeast, type QemuPrograms } from './qemu/programs.ts';

async function securityFault(hv: Parameters): Promise<string | undefined> {
  if (hv.security_model !== 'user') return undefined;
  const known = await findUser(String(hv.security_domain));
  return known === null ? `Unknown security domain user ${String(hv.security_domain)}` : undefined;
}

function isInterface(name: string): boolean {
  return name in interfaceAddresses();
}

function vncFault(hv: Parameters): string | undefined {
  const bind = String(hv.vnc_bind_address ?? '');
  if (bind === '' || isIP(bind) !== 0 || isInterface(bind) || isNormalAbsolutePath(bind)) return undefined;
  return 'VNC: The vnc_bind_address parameter must be either a valid IP address, an interface name, or an absolute path';
}

function spiceFault(hv: Parameters, supported: boolean): string | undefined {
  const bind = String(hv.spice_bind ?? '');
  if (bind === '') return undefined;
  if (hv.vnc_bind_address) {
    return 'Both SPICE and VNC are configured, but only one of them can be used at a given time';
  }
  if (!supported) return "SPICE is configured, but it is not supported according to 'kvm --help'";
  return isIP(bind) !== 0 || isInterface(bind)
    ? undefined
    : 'SPICE: The spice_bind parameter must be either a valid IP address or interface name';
}

/** @throws Failure HypervisorError with the first thing that is wrong */
export async function validate(programs: QemuPrograms, hv: Parameters): Promise<void> {
  await checkOnNode(about, hv);
  const qemu = await programs.facts(String(hv.kvm_path));
  const machine = String(hv.machine_version ?? '');
  const fault =
    (await securityFault(hv)) ??
    vncFault(hv) ??
    spiceFault(hv, qemu.spice) ??
    (hv.disk_aio === 'io_uring' && !isAtLeast(qemu.version, 5)
      ? "At least QEMU 5.0 required to use 'disk_aio=io_uring'."
      : undefined) ??
    (machine !== '' && !qemu.machines.includes(machine)
      ? `Unsupported machine version: ${machine}`
      : undefined);
  if (fault !== undefined) throw new Failure('HypervisorError', [fault]);
}
