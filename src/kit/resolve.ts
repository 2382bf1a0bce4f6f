/**
 * Host names to addresses. The node's own hosts file comes first, so that a virtual node below
 * $GANETI_ROOTDIR needs no change of the machine's.
 */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { ErrorCode, prerequisiteFailure } from './failure.ts';

export interface ResolvedHost {
  /** Canonical name. */
  readonly name: string;
  readonly ip: string;
}

const hostnamePattern = /^[a-z0-9._-]{1,255}$/;

/**
 * The name in lower case without a trailing dot (netutils.Hostname.GetNormalizedName).
 * @throws Failure wrong_input
 */
export function normalizedHostname(name: string): string {
  const lower = name.toLowerCase();
  if (!hostnamePattern.test(lower) || lower.includes('..') || lower.startsWith('.')) {
    throw prerequisiteFailure(`Invalid hostname '${name}'`, ErrorCode.invalid);
  }
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** Lines of a hosts file as address and names. */
export function parseHosts(text: string): { readonly ip: string; readonly names: readonly string[] }[] {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
    .filter((words) => words.length > 1 && isIP(words[0]!) !== 0)
    .map(([ip, ...names]) => ({ ip: ip!, names }));
}

/**
 * @param family 4 or 6, as the cluster's primary addresses are
 * @throws Failure resolver_error with Ganeti's words
 */
export async function resolveHost(name: string, hostsFile: string, family: 4 | 6 = 4): Promise<ResolvedHost> {
  const wanted = normalizedHostname(name);
  const text = await readFile(hostsFile, 'utf8').catch(() => '');
  for (const entry of parseHosts(text)) {
    if (isIP(entry.ip) === family && entry.names.some((candidate) => candidate.toLowerCase() === wanted)) {
      return { name: (entry.names[0] ?? wanted).toLowerCase(), ip: entry.ip };
    }
  }
  try {
    const found = await lookup(wanted, { family });
    return { name: wanted, ip: found.address };
  } catch (error) {
    throw prerequisiteFailure(
      `The given name (${wanted}) does not resolve: Temporary failure in name resolution`,
      ErrorCode.resolver,
      error,
    );
  }
}

/** This machine's own name; of a virtual node $GANETI_HOSTNAME. */
export function ownHostname(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.GANETI_HOSTNAME ?? hostname();
}

/** Is this the name of this machine? Machines may know themselves by the first part of their name only. */
export function isOwnName(name: string): boolean {
  const own = ownHostname();
  return name === own || name.split('.')[0] === own;
}
