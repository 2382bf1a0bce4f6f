/** Whom this node asks about the configuration: key, candidates and port, from files that every node has. */
import { readFile } from 'node:fs/promises';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';
import type { Asking } from './ask.ts';
import { confdPort } from './protocol.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** $GANETI_CONFD_PORT, or the port that everybody knows. */
export function portOf(env: Environment): number {
  const given = Number(env.GANETI_CONFD_PORT);
  return Number.isInteger(given) && given > 0 && given < 65_536 ? given : confdPort;
}

/** @throws Failure OpPrereqError when this machine has no key */
export async function readKey(paths: Pick<Paths, 'confdHmacKey'>): Promise<Buffer> {
  try {
    return await readFile(paths.confdHmacKey);
  } catch (error) {
    throw prerequisiteFailure(`Can't read ${paths.confdHmacKey}: ${messageOf(error)}`, ErrorCode.environment);
  }
}

/** Every master candidate that ssconf names. @throws Failure OpPrereqError outside of a cluster */
export async function candidates(
  paths: Pick<Paths, 'confdHmacKey' | 'dataDir'>,
  env: Environment = process.env,
): Promise<Asking> {
  const key = await readKey(paths);
  const path = `${paths.dataDir}/ssconf_master_candidates_ips`;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw prerequisiteFailure(`Can't read ${path}: ${messageOf(error)}`, ErrorCode.environment);
  });
  return { key, peers: text.split('\n').filter((line) => line !== ''), port: portOf(env) };
}
