/** The cluster's key, which may be renewed while the daemon runs: looked at once a second at most, when it is needed. */
import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../kit/failure.ts';
import type { Log } from '../kit/log.ts';

const lookMs = 1000;

/** @throws the error of the operating system when there is no key at the start */
export function followKey(path: string, log: Log): () => Uint8Array {
  const stamp = () => {
    const { ino, mtimeMs, size } = statSync(path);
    return `${ino}/${mtimeMs}/${size}`;
  };
  let seen = stamp();
  let key = readFileSync(path);
  let looked = performance.now();
  return () => {
    if (performance.now() - looked < lookMs) return key;
    looked = performance.now();
    try {
      const now = stamp();
      if (now !== seen) {
        key = readFileSync(path);
        seen = now;
        log.info(`${path} has changed`);
      }
    } catch (error) {
      log.error(`The key of before is used on: ${messageOf(error)}`);
    }
    return key;
  };
}
