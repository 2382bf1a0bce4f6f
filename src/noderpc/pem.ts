/**
 * The certificate files as Ganeti has them: one PEM with private key and certificate. server.pem is the
 * same on every node, client.pem is a node's own and is signed by the former. Reading only; making
 * certificates is in certificates.ts, which needs a library that takes 0.2 s to load.
 */
import { X509Certificate } from 'node:crypto';
import { Failure } from '../kit/failure.ts';

const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----\n?/;
const keyBlock = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA |EC )?PRIVATE KEY-----\n?/;

/**
 * The first certificate of a PEM text.
 * @throws Failure X509CertError
 */
export function certificateIn(pem: string, file = 'the PEM data'): X509Certificate {
  const block = certificateBlock.exec(pem);
  if (block === null) throw new Failure('X509CertError', [`${file}: no certificate found`]);
  try {
    return new X509Certificate(block[0]);
  } catch (error) {
    throw new Failure('X509CertError', [`${file}: the certificate can not be read`], { cause: error });
  }
}

/** @throws Failure X509CertError */
export function privateKeyIn(pem: string, file = 'the PEM data'): string {
  const block = keyBlock.exec(pem);
  if (block === null) throw new Failure('X509CertError', [`${file}: no private key found`]);
  return block[0];
}

/** SHA-1 digest as ssconf_master_candidates_certs holds it: upper-case hex with colons. */
export function digestOf(certificate: X509Certificate): string {
  return certificate.fingerprint;
}

/** End of validity, seconds since the epoch. */
export function expiryOf(certificate: X509Certificate): number {
  return certificate.validToDate.getTime() / 1000;
}

/** Says what is wrong with the certificate at `time` (seconds since the epoch), or nothing. */
export function validityFault(certificate: X509Certificate, time: number): string | undefined {
  if (time > expiryOf(certificate)) return 'certificate is expired';
  if (time < certificate.validFromDate.getTime() / 1000) return 'certificate is not yet valid';
  return undefined;
}

/** Is `certificate` signed by `issuer`, or is it the same? Names and validity are not looked at. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.raw.equals(issuer.raw) || certificate.verify(issuer.publicKey);
}

/** Digests by node uuid from the text of ssconf_master_candidates_certs ("uuid=digest" lines). */
export function parseCandidateDigests(text: string): ReadonlyMap<string, string> {
  const digests = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) digests.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return digests;
}
