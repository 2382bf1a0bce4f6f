/**
 * What the guest of `lab/os/busybox` prints on its serial console, read. The counter is what live migration
 * and failover are judged by: a migration must lose no tick, a failover must find the last value that the
 * guest had synced before the cut.
 */

export interface GuestConsole {
  /** Name and kernel of each boot seen. */
  readonly boots: readonly { readonly name: string; readonly kernel: string }[];
  /** The counter that the last boot seen found on its disk; undefined when none was seen. */
  readonly found: number | undefined;
  readonly address: string | undefined;
  readonly ticks: readonly { readonly count: number; readonly uptimeSeconds: number }[];
  /** The values that were safe on the disk, in order. */
  readonly synced: readonly number[];
  readonly poweringOff: boolean;
}

/** Reads whole lines only: the first and last line of a console that was joined midway may be torn. */
export function readGuestConsole(text: string): GuestConsole {
  const lines = text.replaceAll('\r', '').split('\n').slice(0, -1);
  const all = (pattern: RegExp) =>
    lines.flatMap((line) => {
      const match = pattern.exec(line);
      return match === null ? [] : [match];
    });
  const found = all(/^guest: counter found on disk: (\d+)$/).at(-1)?.[1];
  return {
    boots: all(/^guest: boot (\S+), kernel (\S+)$/).map(([, name, kernel]) => ({
      name: name!,
      kernel: kernel!,
    })),
    found: found === undefined ? undefined : Number(found),
    address: all(/^guest: eth0 (\S+)$/).at(-1)?.[1],
    ticks: all(/^tick (\d+) at (\d+\.\d+)$/).map(([, count, uptime]) => ({
      count: Number(count),
      uptimeSeconds: Number(uptime),
    })),
    synced: all(/^synced (\d+)$/).map(([, value]) => Number(value)),
    poweringOff: lines.includes('guest: powering off'),
  };
}

/** The ticks between the first and the last of `counts` that are not there: empty when none was lost. */
export function lostTicks(counts: readonly number[]): number[] {
  if (counts.length === 0) return [];
  const seen = new Set(counts);
  const lost: number[] = [];
  for (let count = Math.min(...counts); count < Math.max(...counts); count += 1)
    if (!seen.has(count)) lost.push(count);
  return lost;
}
