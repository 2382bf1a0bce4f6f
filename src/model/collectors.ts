/** The data collectors of the monitoring daemon: what every program must know of them (Ganeti's DataCollectors.hs). */

export interface Collector {
  readonly name: string;
  /** Part of the path of its report; none: "default". */
  readonly category: 'storage' | 'instance' | 'daemon' | 'hypervisor' | null;
  /** Does it tell figures, or whether all is well? */
  readonly kind: 'performance' | 'status';
  /** Does a cluster with these hypervisors need it? Always, when not said. */
  readonly isUseful?: (enabledHypervisors: readonly string[]) => boolean;
}

const withXen = (hypervisors: readonly string[]) => hypervisors.some((name) => name.startsWith('xen-'));

/** In the order in which they are listed. */
export const collectors: readonly Collector[] = [
  { name: 'cpu-avg-load', category: null, kind: 'performance' },
  { name: 'xen-cpu-avg-load', category: null, kind: 'performance' },
  { name: 'diskstats', category: 'storage', kind: 'performance' },
  { name: 'drbd', category: 'storage', kind: 'status' },
  { name: 'inst-status-xen', category: 'instance', kind: 'status', isUseful: withXen },
  { name: 'lv', category: 'storage', kind: 'performance' },
];
