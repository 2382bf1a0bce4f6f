/**
 * Makes the certificates of a cluster: RSA 2048, SHA-256, five years, as Ganeti makes them
 * (constants.RSA_KEY_BITS, X509_CERT_SIGN_DIGEST, X509_CERT_DEFAULT_VALIDITY). Pure: nothing is written.
 */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { certificateIn, privateKeyIn } from './pem.ts';

const algorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};
const day = 24 * 60 * 60 * 1000;

export interface CertificateOptions {
  readonly commonName: string;
  /** Days; five years when not given. */
  readonly days?: number;
  /** Begin of validity, milliseconds since the epoch. */
  readonly from?: number;
  /** Hexadecimal; the time in seconds when not given, as Ganeti counts its client certificates. */
  readonly serial?: string;
}

async function library() {
  // The library's dependency injection asks for this before it is loaded.
  await import('reflect-metadata');
  // A CommonJS package: bundled into a chunk of its own it has its names below `default` only.
  return (await import('@peculiar/x509')).default;
}

async function newKey(): Promise<{ keys: webcrypto.CryptoKeyPair; pem: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const pem = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
  return { keys, pem };
}

function validity(options: CertificateOptions) {
  const notBefore = new Date(options.from ?? Date.now());
  return { notBefore, notAfter: new Date(notBefore.getTime() + (options.days ?? 1825) * day) };
}

function nameOf(commonName: string) {
  return [{ CN: [commonName] }];
}

/** A self-signed certificate with its key: server.pem, rapi.pem, spice.pem. */
export async function makeSelfSignedCertificate(options: CertificateOptions): Promise<string> {
  const x509 = await library();
  const { keys, pem } = await newKey();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: options.serial ?? '01',
    name: nameOf(options.commonName),
    ...validity(options),
    signingAlgorithm: algorithm,
    keys: keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  return `${pem}${certificate.toString('pem')}\n`;
}

/** The certificate of the cluster: every node serves with it and signs nothing else than client certificates. */
export function makeClusterCertificate(options: Partial<CertificateOptions> = {}): Promise<string> {
  return makeSelfSignedCertificate({ ...options, commonName: options.commonName ?? 'ganeti.example.com' });
}

/**
 * A node's client certificate with its key, signed by the cluster certificate (client.pem).
 * @param clusterPem text of server.pem, with its key
 */
export async function makeClientCertificate(
  clusterPem: string,
  options: CertificateOptions,
): Promise<string> {
  const x509 = await library();
  const issuer = certificateIn(clusterPem, 'the cluster certificate');
  const issuerKey = createPrivateKey(privateKeyIn(clusterPem, 'the cluster certificate'));
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    issuerKey.export({ format: 'der', type: 'pkcs8' }),
    algorithm,
    false,
    ['sign'],
  );
  const { keys, pem } = await newKey();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber:
      options.serial ??
      Math.floor(Date.now() / 1000)
        .toString(16)
        .padStart(10, '0'),
    subject: nameOf(options.commonName),
    issuer: new x509.X509Certificate(issuer.raw).subjectName.toJSON(),
    ...validity(options),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: signingKey,
  });
  return `${pem}${certificate.toString('pem')}\n`;
}

/** Does the key in the PEM belong to the certificate in it? */
export function keyMatches(pem: string): boolean {
  return new X509Certificate(certificateIn(pem).raw).checkPrivateKey(createPrivateKey(privateKeyIn(pem)));
}
