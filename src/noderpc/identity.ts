/**
 * The certificates that this node has on disk, and the clients that it trusts. Files are looked at again
 * whenever they have changed, so that renewed certificates and new master candidates count at once,
 * without a restart.
 */
import type { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { certificateIn, digestOf, isIssuedBy, parseCandidateDigests, validityFault } from './pem.ts';

/** What a file says, parsed again when the file has been replaced; undefined while there is none. */
function watched<T>(path: string, parse: (text: string) => T): () => T | undefined {
  let seen = '';
  let value: T | undefined;
  return () => {
    const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
    if (stat === undefined) {
      seen = '';
      value = undefined;
      return undefined;
    }
    const mark = `${stat.ino}:${stat.mtimeNs}:${stat.size}`;
    if (mark !== seen) {
      value = parse(readFileSync(path, 'utf8'));
      seen = mark;
    }
    return value;
  };
}

export interface Keyed {
  /** Key and certificate. */
  readonly pem: string;
  readonly certificate: X509Certificate;
}

export interface Identity {
  /** @throws Failure X509CertError when the node has no cluster certificate */
  cluster(): Keyed;
  /** What this node shows to others: its client certificate, before it has one the cluster's. */
  client(): Keyed;
  /** Says why the holder of `certificate` may not call this node, or nothing (backend.py, SSLVerifyPeer). */
  refusal(certificate: X509Certificate | undefined): string | undefined;
}

export function createIdentity(
  paths: Pick<Paths, 'serverCertificate' | 'clientCertificate' | 'dataDir'>,
): Identity {
  const keyed = (path: string) =>
    watched(path, (pem): Keyed => ({ pem, certificate: certificateIn(pem, path) }));
  const clusterFile = keyed(paths.serverCertificate);
  const clientFile = keyed(paths.clientCertificate);
  const candidates = watched(`${paths.dataDir}/ssconf_master_candidates_certs`, parseCandidateDigests);

  const cluster = () => {
    const value = clusterFile();
    if (value === undefined) {
      throw new Failure('X509CertError', [
        `${paths.serverCertificate}: this node has no cluster certificate`,
      ]);
    }
    return value;
  };
  return {
    cluster,
    client: () => clientFile() ?? cluster(),
    refusal(certificate) {
      if (certificate === undefined) return 'no client certificate was shown';
      if (!isIssuedBy(certificate, cluster().certificate)) return 'client certificate is not of this cluster';
      const fault = validityFault(certificate, Date.now() / 1000);
      if (fault !== undefined) return `client ${fault}`;
      const digests = candidates();
      if (digests === undefined || digests.size === 0) return undefined;
      const own = digestOf(certificate);
      for (const digest of digests.values()) if (digest === own) return undefined;
      return `client certificate ${own} is not that of a master candidate`;
    },
  };
}
