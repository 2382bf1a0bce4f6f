/** Reads what xl prints. Pure; recorded samples stand beside. */
import { Failure } from '../../kit/failure.ts';
import type { HostFacts, RunningGuest } from '../contract.ts';

/** The domain of the node itself. */
export const controlDomain = 'Domain-0';

export interface Domain extends RunningGuest {
  readonly id: number;
}

/**
 * What the six letters of a domain's state mean: running, blocked, paused, shut down, crashed, dying. Paused
 * says nothing (it is seen in passing in any state), a crashed domain counts as gone, one that is shut down
 * for suspending or restarting as running.
 */
export function domainState(letters: string): RunningGuest['state'] | null {
  const state = letters.replaceAll('p', '-');
  if (state.includes('c')) return null;
  const begins = ['r--', 'rb-', '-b-', '---'];
  const ends = ['---', 'ss-', 'sr-'];
  if (begins.some((begin) => ends.some((end) => state === begin + end))) return 'running';
  if (state === '-----d') return 'running';
  if (state === '---s--' || state === '---s-d') return 'shutdown';
  throw new Failure('HypervisorError', [`Unhandled Xen instance state '${letters}'`]);
}

/**
 * Domains from `xl list`, with the node's own first.
 * @throws Failure HypervisorError for a line that isn't one
 */
export function parseDomains(output: string): Domain[] {
  return output
    .trim()
    .split('\n')
    .slice(1)
    .flatMap((line): Domain[] => {
      const [name, id, memory, vcpus, letters, time, ...more] = line.trim().split(/\s+/);
      const numbers = [id, memory, vcpus, time].map(Number);
      if (name === undefined || letters === undefined || more.length > 0 || numbers.some(Number.isNaN)) {
        throw new Failure('HypervisorError', [`Can't parse instance list, line: ${line}`]);
      }
      const state = domainState(letters);
      const [number, mib, count, seconds] = numbers as [number, number, number, number];
      return state === null ? [] : [{ name, id: number, memory: mib, vcpus: count, state, time: seconds }];
    });
}

/** The host from `xl info` and the domains that run. */
export function parseHostFacts(info: string, domains: readonly Domain[]): HostFacts {
  const fields = new Map(
    info.split('\n').flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon < 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
    }),
  );
  const number = (name: string) => Number(fields.get(name) ?? 0);
  const cpuTotal = number('nr_cpus');
  const perSocket = number('cores_per_socket') * number('threads_per_core');
  const node = domains.find((domain) => domain.name === controlDomain);
  const major = fields.get('xen_major');
  return {
    version: major === undefined ? null : `${major}.${fields.get('xen_minor') ?? '0'}`,
    memoryTotal: number('total_memory') || number('memory'),
    memoryFree: number('free_memory'),
    memoryNode: node?.memory ?? 0,
    cpuTotal,
    cpuNodes: number('nr_nodes'),
    cpuSockets: perSocket > 0 ? Math.floor(cpuTotal / perSocket) : 1,
    cpuNode: node?.vcpus ?? 0,
  };
}
