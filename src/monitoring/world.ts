/** The real machine for collectors: files, programs, and the configuration daemons of the cluster. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Asking, answerOf } from '../confd/client/ask.ts';
import { candidates } from '../confd/client/peers.ts';
import { Failure } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { runProcess } from '../kit/process.ts';
import { ownHostname } from '../kit/resolve.ts';
import type { CollectorWorld } from './collectors/collector.ts';

const programMs = 30_000;
const answerMs = 5000;
const validName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

export interface WorldOptions {
  readonly paths: Paths;
  readonly log: Log;
  /** Whom to ask about the configuration, when not the candidates that ssconf names. */
  readonly asking?: Partial<Asking> | undefined;
}

export function createWorld({ paths, log, asking = {} }: WorldOptions): CollectorWorld {
  return {
    log,
    hostname: ownHostname(process.env),
    readText: (path) => readFile(path, 'utf8'),
    run: (argv) =>
      runProcess(argv, {
        timeoutMs: programMs,
        env: { LC_ALL: 'C.UTF-8', PATH: '/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin' },
      }),
    ask: async (request, query) =>
      await answerOf({ ...(await candidates(paths)), timeoutMs: answerMs, ...asking }, request, query),
    reasonFile(instance) {
      if (!validName.test(instance)) throw new Failure('ProgrammerError', [`no name: '${instance}'`]);
      return join(paths.runDir, 'instance-reason', instance);
    },
    now: Date.now,
  };
}
