/**
 * Real QEMU guests on this machine, for trying the KVM driver without any nodes: the kernel that the lab's
 * nodes boot their guests from, and a hand on a guest's serial console.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pollUntil } from '../../src/kit/clock.ts';
import { Failure } from '../../src/kit/failure.ts';
import { runChecked, runProcess } from '../../src/kit/process.ts';

const cursorQuestion = '\u001b[6n';
const labFolder = resolve(import.meta.dirname, '..');

/** The part of lab/uml that unpacks a kernel and makes the memory disk; kept for the next time. */
const fetchGuest = `
set -euo pipefail
here=$1 cache=$2
die() { echo "$*" >&2; exit 1; }
say() { echo "$*" >&2; }
mkdir -p "$cache"
. "$here/node/kernel.sh"
exec 9>"$cache/lock"; flock 9
[ -e "$cache/guest/initrd.gz" ] || fetch_guest
cp "$cache/guest/vmlinuz" "$cache/guest/initrd.gz" "$3/"`;

export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  remove(): Promise<void>;
}

/**
 * Kernel and memory disk in a folder of their own, fetched when the lab hasn't yet: the lab's may be wiped
 * at any time. Needs root and Debian's packages.
 */
export async function guestImage(): Promise<GuestImage> {
  const cache = join(process.env.GANTRY_LAB_DIR ?? '/var/tmp/gantry-lab', 'cache');
  const packages = ['qemu-system-x86', 'socat', 'busybox-static', 'kmod'];
  if ((await runProcess(['dpkg', '-s', ...packages])).code !== 0) {
    await runChecked(['apt-get', 'install', '-qq', '-y', '--no-install-recommends', ...packages]);
  }
  const own = await mkdtemp(join(tmpdir(), 'gantry-guest-'));
  await runChecked(['bash', '-c', fetchGuest, 'guest', labFolder, cache, own], { timeoutMs: 600_000 });
  return {
    kernel: join(own, 'vmlinuz'),
    initrd: join(own, 'initrd.gz'),
    remove: () => rm(own, { recursive: true }),
  };
}

/** A guest's serial console: what it says, and what it is told. */
export class SerialConsole {
  readonly #socket: Socket;
  text = '';

  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (chunk: string) => {
      // Shells ask terminals where their cursor is; nobody answers here.
      this.text = (this.text + chunk.replaceAll('\r', '')).replaceAll(cursorQuestion, '');
    });
    this.#socket.on('error', () => {});
  }

  /** Waits until the guest has said what `pattern` looks for, from `from` on in its text. */
  async waitFor(pattern: RegExp, timeoutMs: number, from = 0): Promise<RegExpExecArray> {
    const found = await pollUntil(async () => pattern.exec(this.text.slice(from)) ?? undefined, {
      everyMs: 100,
      timeoutMs,
    });
    if (found !== undefined) return found;
    throw new Failure('TimeoutError', [
      `the guest did not say ${String(pattern)}; last: ${this.text.slice(-500)}`,
    ]);
  }

  /** Runs a command in a shell of the guest and gives what it printed. */
  async run(command: string, timeoutMs = 60_000): Promise<string> {
    const from = this.text.length;
    this.#socket.write('\n');
    await this.waitFor(/[#$] $/, timeoutMs, from);
    this.#socket.write(`${command}; echo "<$?"">"\nexit\n`);
    await this.waitFor(/<\d+>\n/, timeoutMs, from);
    const said = this.text.slice(from);
    return said.slice(said.indexOf('"\n') + 2).replace(/<\d+>[\s\S]*$/, '');
  }

  close(): void {
    this.#socket.destroy();
  }
}
