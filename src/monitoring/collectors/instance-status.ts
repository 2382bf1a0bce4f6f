/** inst-status-xen: whether this node's Xen instances are in the state that the cluster wants. Pure. */
import { mergedStatus, type Status } from './collector.ts';

export interface Domain {
  readonly id: number;
  readonly state: string;
  /** Seconds of processor time. */
  readonly seconds: number;
}

/** What the configuration daemon tells of an instance. */
export interface InstanceLike {
  readonly name: string;
  readonly uuid: string;
  readonly admin_state: string;
  readonly mtime: number;
}

const states: Readonly<Record<string, string>> = {
  'r-----': 'running',
  '-b----': 'blocked',
  '--p---': 'paused',
  '---s--': 'shutdown',
  '----c-': 'crashed',
  '-----d': 'dying',
};

/** Lines of `xl list`: name, id, memory, processors, state, time. */
export function parseDomains(text: string): Map<string, Domain> {
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  return new Map(
    rows
      .filter((words) => words.length >= 6)
      .map((words) => {
        const [id = '', , , state = '', seconds = ''] = words.slice(-5);
        const name = words.slice(0, -5).join(' ');
        return [name, { id: Number(id), state: states[state] ?? 'unknown', seconds: Number(seconds) }];
      }),
  );
}

/** Lines of `xl uptime`: name, id, and the rest; by id. */
export function parseUptimes(text: string): Map<number, string> {
  return new Map(
    text
      .split('\n')
      .slice(1)
      .flatMap((line): [number, string][] => {
        const found = /^\S+\s+(\d+)\s+(.*?)\s*$/.exec(line);
        return found === null ? [] : [[Number(found[1]), found[2]!]];
      }),
  );
}

/** Asked twice: a domain that has used no processor time in between is taken for hung, as Ganeti does. */
export function withHung(
  first: ReadonlyMap<string, Domain>,
  second: ReadonlyMap<string, Domain>,
): Map<string, Domain> {
  return new Map(
    [...first].map(([name, domain]) => {
      const again = second.get(name);
      if (again === undefined) return [name, { ...domain, state: 'unknown' }];
      return [name, again.seconds === domain.seconds ? { ...domain, state: 'hung' } : domain];
    }),
  );
}

function judge(wanted: string, actual: string): Status {
  if (wanted === 'down') {
    return ['shutdown', 'dying'].includes(actual)
      ? { code: 0, message: '' }
      : { code: 4, message: 'The instance is not stopped as it should be' };
  }
  if (wanted !== 'up') return { code: 2, message: 'The instance is marked as offline' };
  if (actual === 'hung') {
    return { code: 2, message: 'Instance marked as running, but it appears to be hung' };
  }
  return ['running', 'blocked'].includes(actual)
    ? { code: 0, message: '' }
    : { code: 4, message: 'The instance is not running as it should be' };
}

export interface Observed {
  readonly domains: ReadonlyMap<string, Domain>;
  readonly uptimes: ReadonlyMap<number, string>;
  /** Instance to the reasons for its state. */
  readonly reasons: ReadonlyMap<string, readonly unknown[]>;
}

/** @param instances whose primary node this is */
export function instanceStatus(instances: readonly InstanceLike[], observed: Observed): unknown {
  const rows = instances.map(({ name, uuid, admin_state: wanted, mtime }) => {
    const domain = observed.domains.get(name);
    const actual = domain?.state ?? (wanted === 'down' ? 'shutdown' : 'unknown');
    return {
      name,
      uuid,
      adminState: wanted,
      actualState: actual,
      uptime: (domain === undefined ? undefined : observed.uptimes.get(domain.id)) ?? null,
      mtime,
      state_reason: observed.reasons.get(name) ?? [],
      status: judge(wanted, actual),
    };
  });
  return { instances: rows, status: mergedStatus(rows.map(({ status }) => status)) };
}
