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

/**
 * Beside server.pem and client.pem while certificates are renewed: what was prepared, and what has been replaced.
 * A cluster certificate under either name is trusted as the one in use, so that nodes that have changed already
 * and nodes that have not go on speaking with each other.
 */
export const stagedSuffix = '.new';
export const replacedSuffix = '.old';

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
  /** Is that the cluster's certificate, or the one that it has during a renewal besides? */
  isCluster(certificate: X509Certificate): boolean;
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
  const renewal = [stagedSuffix, replacedSuffix].map((suffix) =>
    keyed(`${paths.serverCertificate}${suffix}`),
  );
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
  /** A renewal's file that can't be read doesn't count: nothing may hang on it. */
  const trusted = function* (): Generator<X509Certificate> {
    yield cluster().certificate;
    for (const file of renewal) {
      try {
        const other = file();
        if (other !== undefined) yield other.certificate;
      } catch {}
    }
  };
  const isTrusted = (accepts: (authority: X509Certificate) => boolean): boolean => {
    for (const authority of trusted()) if (accepts(authority)) return true;
    return false;
  };
  return {
    cluster,
    client: () => clientFile() ?? cluster(),
    isCluster: (certificate) => isTrusted((authority) => certificate.raw.equals(authority.raw)),
    refusal(certificate) {
      if (certificate === undefined) return 'no client certificate was shown';
      if (!isTrusted((authority) => isIssuedBy(certificate, authority)))
        return 'client certificate is not of this cluster';
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
