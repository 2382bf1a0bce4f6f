/**
 * Does hardware virtualisation work here? /dev/kvm may be there and of no use: in containers, on virtual
 * machines that pass it on badly. So a guest of one sector is tried, which ends QEMU with a number of its
 * own choosing. Where KVM does work but takes many times as long as emulation, emulation it is.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../../kit/failure.ts';
import type { Log } from '../../../kit/log.ts';
import { describeFailure, runProcess } from '../../../kit/process.ts';

export type Accelerator = 'kvm' | 'tcg';

/** mov dx, 0xf4; mov al, 0x15; out dx, al; hlt; jump back to hlt. */
const code = [0xba, 0xf4, 0x00, 0xb0, 0x15, 0xee, 0xf4, 0xeb, 0xfd];
/** isa-debug-exit ends QEMU with twice the value and one. */
const expectedExit = 0x15 * 2 + 1;

/** A boot sector that does nothing but end QEMU. Pure. */
export function trialSector(): Uint8Array {
  const sector = new Uint8Array(512);
  sector.set(code);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

export interface Trial {
  /** Milliseconds, or null when it failed. */
  readonly duration: number | null;
  readonly fault: string | null;
}

/** KVM when it works and isn't a burden. Pure. */
export function chooseAccelerator(kvm: Trial, emulation: Trial | null): Accelerator {
  if (kvm.duration === null) return 'tcg';
  if (emulation?.duration == null) return 'kvm';
  return kvm.duration > 4 * emulation.duration ? 'tcg' : 'kvm';
}

/** A healthy KVM is done long before; beyond it, emulation is timed as well. Milliseconds. */
const quick = 2000;

async function tryOut(program: string, accelerator: Accelerator, sector: string): Promise<Trial> {
  const began = performance.now();
  const result = await runProcess(
    [
      ...[program, '-accel', accelerator, '-machine', 'pc', '-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-m', '16', '-boot', 'a', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04'],
      ...['-drive', `file=${sector},if=floppy,format=raw,readonly=on`],
    ],
    { timeoutMs: 30_000 },
  );
  const duration = performance.now() - began;
  return result.code === expectedExit
    ? { duration, fault: null }
    : { duration: null, fault: describeFailure(result) };
}

async function findOut(program: string, log: Log): Promise<Accelerator> {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-kvm-'));
  try {
    const sector = join(folder, 'sector');
    await writeFile(sector, trialSector());
    const kvm = await tryOut(program, 'kvm', sector);
    const slow = kvm.duration !== null && kvm.duration > quick;
    const chosen = chooseAccelerator(kvm, slow ? await tryOut(program, 'tcg', sector) : null);
    if (chosen === 'tcg') {
      const why = kvm.fault ?? `it took ${Math.round(kvm.duration ?? 0)} ms for a guest of one sector`;
      log.warning(`KVM is of no use on this machine, guests are emulated: ${why}`);
    }
    return chosen;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Finds out once for each QEMU program for as long as the daemon runs. */
export class Accelerators {
  readonly #known = new Map<string, Promise<Accelerator>>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  best(program: string): Promise<Accelerator> {
    let known = this.#known.get(program);
    if (known === undefined) {
      known = findOut(program, this.#log).catch((error: unknown) => {
        this.#known.delete(program);
        this.#log.warning(`Could not try out KVM: ${messageOf(error)}`);
        return 'tcg' as const;
      });
      this.#known.set(program, known);
    }
    return known;
  }
}
