/**
 * The shell that the guest of `lab/os/busybox` opens on its serial console, reached through the console's socket
 * on the node where it runs. While it is open the guest prints no ticks.
 */
import assert from 'node:assert/strict';
import type { NodeName, UmlLab } from './uml.ts';

const limitSeconds = 60;

/**
 * The node's half: types into the console and reads up to the end mark. The marks are written in two pieces, so
 * that the echo of what is typed isn't taken for them. The socket must not be shut half way: QEMU would close it.
 */
const typing = `
{ printf '\\n'; sleep 1; printf '%s\\n' "echo '<<''<'; { $2; } 2>&1; echo \\"[\\$?]\\"; echo '>>''>'; exit"; } |
timeout ${limitSeconds} socat -t ${limitSeconds} - "UNIX-CONNECT:$1,shut-none" 2>/dev/null |
sed -un 's/\\r*$//; /^<<</,/^>>>/{ /^<<</d; /^>>>/q; p }'`;

/**
 * Runs a command line in the guest.
 * @returns what it printed, without the last line feed
 * @throws when it ends with another code than 0, or not within a minute
 */
export async function inGuest(
  lab: UmlLab,
  node: NodeName,
  instance: string,
  command: string,
): Promise<string> {
  const socket = `/var/run/ganeti/kvm-hypervisor/ctrl/${instance}.serial`;
  const { stdout, stderr } = await lab.run(node, ['sh', '-c', typing, 'sh', socket, command]);
  const seen = /^([\s\S]*?)\n?\[(\d+)\]\n$/.exec(stdout);
  assert.ok(seen !== null, `${instance} did not answer '${command}': ${stdout}${stderr}`);
  assert.equal(seen[2], '0', `${instance}: ${command}: ${seen[1]}`);
  return seen[1]!;
}

/** Seconds since the guest has booted: less than before means that it was started anew. */
export async function uptimeOf(lab: UmlLab, node: NodeName, instance: string): Promise<number> {
  return Number.parseFloat(await inGuest(lab, node, instance, 'cat /proc/uptime'));
}

/** Waits until the guest's system answers on its console. */
export async function waitForGuest(lab: UmlLab, node: NodeName, instance: string): Promise<void> {
  for (let left = 10; ; left -= 1) {
    try {
      await inGuest(lab, node, instance, 'test -e /run/count');
      return;
    } catch (error) {
      if (left <= 0) throw error;
    }
  }
}
