/**
 * Why the two sides don't speak: a device that stands alone though it should be connected was refused by
 * its peer, or refuses it. The kernel says the reason in its log only. Pure.
 */
import type { MinorState } from './proc.ts';

export type Refusal = 'split-brain' | 'unrelated' | 'authentication' | 'unknown';

const reasons: readonly (readonly [RegExp, Refusal])[] = [
  [/Split-Brain detected but unresolved/i, 'split-brain'],
  [/Unrelated data, aborting/i, 'unrelated'],
  [/Authentication of peer failed/i, 'authentication'],
];

/** The last word of the kernel's log about a minor: why it dropped its connection. */
export function refusalIn(kernelLog: string, minor: number): Refusal {
  let refusal: Refusal = 'unknown';
  for (const line of kernelLog.split('\n')) {
    if (!new RegExp(`\\b(drbd${minor}|resource${minor}|d-con resource${minor}):`).test(line)) continue;
    const found = reasons.find(([pattern]) => pattern.test(line));
    if (found !== undefined) refusal = found[1];
    else if (/-> (Connected|SyncSource|SyncTarget) \)/.test(line)) refusal = 'unknown';
  }
  return refusal;
}

/** A sentence for the administrator, with the way out. */
export function explainRefusal(refusal: Refusal, label: string, instance: string): string {
  const rebuild = `'gnt-instance replace-disks -s ${instance}' keeps the primary's data and copies it to the secondary again`;
  switch (refusal) {
    case 'split-brain':
      return `${label}: split brain, both sides were written to while they were apart; ${rebuild}`;
    case 'unrelated':
      return `${label}: the two sides hold data of different disks; ${rebuild}`;
    case 'authentication':
      return `${label}: the two sides have different secrets; 'gnt-instance deactivate-disks ${instance}' and 'activate-disks' set up both anew`;
    case 'unknown':
      return `${label}: stands alone; 'gnt-instance activate-disks ${instance}' connects it again`;
  }
}

/** What a guest on this node would read and write now. */
export function hasGoodData(state: MinorState): boolean {
  const connected = !['StandAlone', 'WFConnection', 'Unconnected'].includes(state.connection);
  return ['UpToDate', 'Consistent'].includes(state.localDisk) || (connected && state.peerDisk === 'UpToDate');
}
