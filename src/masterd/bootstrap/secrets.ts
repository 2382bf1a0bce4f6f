/** The certificates and secrets of a cluster, made once on its first node. Modes are Ganeti's. */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import type { Paths } from '../../kit/paths.ts';
import {
  makeClientCertificate,
  makeClusterCertificate,
  makeSelfSignedCertificate,
} from '../../noderpc/certificates.ts';

const certificateMode = 0o440;
const certificateOnly = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/;

/** Bytes of a shared secret, written in hexadecimal (utils.GenerateSecret). */
const secretBytes = 20;

export interface SecretFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

export function makeSharedSecret(): string {
  return `${randomBytes(secretBytes).toString('hex')}\n`;
}

/** The certificate of SPICE consoles, and the authority that their clients are told of. */
export async function makeSpiceCertificates(): Promise<{
  readonly certificate: string;
  readonly authority: string;
}> {
  const authority = await makeSelfSignedCertificate({ commonName: 'ganeti.example.com' });
  return {
    certificate: await makeClientCertificate(authority, { commonName: 'ganeti.example.com' }),
    authority: certificateOnly.exec(authority)?.[0] ?? authority,
  };
}

/** Everything that is secret about a new cluster, and the master's own client certificate. */
export async function makeSecrets(paths: Paths, masterName: string): Promise<SecretFile[]> {
  const cluster = await makeClusterCertificate();
  const rapi = await makeClusterCertificate();
  const spice = await makeSpiceCertificates();
  const client = await makeClientCertificate(cluster, { commonName: masterName });
  return [
    { path: paths.serverCertificate, content: cluster, mode: certificateMode },
    { path: paths.clientCertificate, content: client, mode: certificateMode },
    { path: paths.rapiCertificate, content: rapi, mode: certificateMode },
    { path: paths.spiceCertificate, content: spice.certificate, mode: certificateMode },
    { path: paths.spiceCaCertificate, content: spice.authority, mode: certificateMode },
    { path: paths.confdHmacKey, content: makeSharedSecret(), mode: 0o440 },
    { path: paths.clusterDomainSecret, content: makeSharedSecret(), mode: 0o640 },
  ];
}

export async function writeSecrets(secrets: readonly SecretFile[]): Promise<void> {
  for (const { path, content, mode } of secrets) {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, content, { mode });
  }
}
