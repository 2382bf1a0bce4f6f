/**
 * How two clusters trust each other for the transfer of an instance: both know the same cluster domain
 * secret, and everything that goes through the hands of a client between them carries a salted HMAC with it:
 * the handshake, the name of the key, certificates, and where each disk goes (masterd/instance.py,
 * utils/x509.py; wire formats, so they are Ganeti's to the letter).
 */
import { createHash, createHmac, randomBytes, timingSafeEqual, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';
import { validityFault } from '../../noderpc/pem.ts';

/** Version of the protocol between clusters (constants.RIE_VERSION), and what both say (RIE_HANDSHAKE). */
const protocolVersion = 0;
const greeting = "Hi, I'm Ganeti";
const signatureHeader = 'X-Ganeti-Signature';

/** Random hexadecimal digits. */
export const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');

export function hmacOf(secret: string, text: string, salt: string): string {
  return createHmac('sha1', secret).update(salt).update(text).digest('hex');
}

function holds(secret: string, text: string, digest: unknown, salt: unknown): boolean {
  if (typeof digest !== 'string' || typeof salt !== 'string') return false;
  const wanted = Buffer.from(hmacOf(secret, text, salt));
  const given = Buffer.from(digest.toLowerCase());
  return wanted.length === given.length && timingSafeEqual(wanted, given);
}

/** @throws Failure OpPrereqError when this cluster has none */
export async function domainSecret(paths: Pick<Paths, 'clusterDomainSecret'>): Promise<string> {
  const text = await readFile(paths.clusterDomainSecret, 'utf8').catch((error: unknown) => {
    throw prerequisiteFailure(
      `Can't read the cluster domain secret: ${messageOf(error)}`,
      ErrorCode.environment,
      error,
    );
  });
  return text.split('\n')[0]!.trim();
}

const handshakeText = (version: unknown) => `${String(version)}:${greeting}`;

export function makeHandshake(secret: string, salt = randomHex(8)): [number, string, string] {
  return [protocolVersion, hmacOf(secret, handshakeText(protocolVersion), salt), salt];
}

/** Says what is wrong with the other cluster's handshake, or nothing. */
export function handshakeFault(secret: string, handshake: readonly unknown[]): string | undefined {
  if (handshake.length !== 3) return 'Invalid data: three values are expected';
  const [version, digest, salt] = handshake;
  if (!holds(secret, handshakeText(version), digest, salt))
    return "Hash didn't match, clusters don't share the same domain secret";
  if (version === protocolVersion) return undefined;
  return `Clusters don't have the same remote import/export protocol (local=${protocolVersion}, remote=${String(version)})`;
}

/** The name of a key for the way through a client and back. */
export function signKeyName(secret: string, name: string, salt = randomHex(8)): [string, string, string] {
  return [name, hmacOf(secret, name, salt), salt];
}

/** The name in it. @throws Failure OpPrereqError */
export function checkKeyName(secret: string, signed: readonly unknown[]): string {
  if (signed.length !== 3)
    throw prerequisiteFailure('Invalid data for X509 key name: three values are expected', ErrorCode.invalid);
  const [name, digest, salt] = signed;
  if (typeof name !== 'string' || !holds(secret, name, digest, salt))
    throw prerequisiteFailure('HMAC for X509 key name is wrong', ErrorCode.invalid);
  return name;
}

/** OpenSSL's own form of a certificate: what the HMAC is made of. */
const plainPem = (certificate: X509Certificate) => certificate.toString();

export function signCertificate(secret: string, pem: string, salt = randomHex(8)): string {
  const plain = plainPem(new X509Certificate(pem));
  return `${signatureHeader}: ${salt}/${hmacOf(secret, plain, salt)}\n\n${plain}`;
}

/**
 * The certificate of the other cluster.
 * @param whose "source" or "destination", for the words
 * @throws Failure OpPrereqError
 */
export function checkCertificate(secret: string, signed: string, whose: string): string {
  const wrong = (text: string) => prerequisiteFailure(text, ErrorCode.invalid);
  const found = new RegExp(`^${signatureHeader}:\\s*([-_a-zA-Z0-9]+)/([a-fA-F0-9]+)\\s*$`, 'm').exec(
    signed.split('-----BEGIN')[0]!,
  );
  if (found === null) throw wrong(`Unable to load ${whose} X509 CA (X509 certificate signature is missing)`);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(signed.slice(signed.indexOf('-----BEGIN')));
  } catch (error) {
    throw prerequisiteFailure(
      `Unable to load ${whose} X509 CA (${messageOf(error)})`,
      ErrorCode.invalid,
      error,
    );
  }
  if (!holds(secret, plainPem(certificate), found[2], found[1]))
    throw wrong(`Unable to load ${whose} X509 CA (X509 certificate signature is invalid)`);
  const fault = validityFault(certificate, Date.now() / 1000);
  if (fault !== undefined) throw wrong(`Invalid ${whose} X509 CA (${fault})`);
  return plainPem(certificate);
}

export interface DiskTarget {
  readonly host: string;
  readonly port: number;
  readonly magic: string;
}

const targetText = (index: number, host: unknown, port: unknown, magic: unknown) =>
  `${index}:${String(host)}:${String(port)}:${String(magic)}`;

/** Where a disk is received, signed. */
export function signDiskTarget(
  secret: string,
  index: number,
  { host, port, magic }: DiskTarget,
  salt = randomHex(8),
): [string, number, string, string, string] {
  return [host, port, magic, hmacOf(secret, targetText(index, host, port, magic), salt), salt];
}

/** @throws Failure OpPrereqError naming the disk */
export function checkDiskTarget(secret: string, index: number, signed: unknown): DiskTarget {
  const wrong = (text: string) =>
    prerequisiteFailure(`Target info for disk ${index}: ${text}`, ErrorCode.invalid);
  if (!Array.isArray(signed) || signed.length !== 5) throw wrong('Invalid data: five values are expected');
  const [host, port, magic, digest, salt] = signed as unknown[];
  if (!host || !port || !magic) throw wrong('Missing destination host, port or magic');
  if (!holds(secret, targetText(index, host, port, magic), digest, salt)) throw wrong('HMAC is wrong');
  const number = Number(port);
  if (typeof host !== 'string' || typeof magic !== 'string' || !/^[a-zA-Z0-9.:-]+$/.test(host))
    throw wrong(`Invalid destination '${JSON.stringify(host)}'`);
  if (!Number.isInteger(number) || number < 1 || number > 65535)
    throw wrong(`Invalid service name '${JSON.stringify(port)}'`);
  return { host, port: number, magic };
}

export const isIpv6 = (host: string) => isIP(host) === 6;

/** What both ends of one disk's transfer must know (masterd/instance.py, _GetInstDiskMagic). */
export function magicOf(base: string, instanceName: string, index: number): string {
  const parts = [String(protocolVersion), base, instanceName, String(index)];
  return createHash('sha1').update(parts.join('')).digest('hex');
}

/** Local time for the names of folders, as Ganeti's. */
function timestamp(date: Date): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}_${two(date.getMinutes())}_${two(date.getSeconds())}`;
}

/** "import-disk0-2026-11-20_16_02_34-1a2b3c4d": unlike every other. @param now seconds since the epoch */
export function uniqueName(kind: string, now: number): string {
  return `${kind}-${timestamp(new Date(now * 1000))}-${randomHex(4)}`;
}

/** @throws Failure OpPrereqError when the cluster doesn't allow the tool */
export function requireCompression(tools: readonly string[], compress: string): void {
  if (compress === 'none' || tools.includes(compress)) return;
  throw prerequisiteFailure(
    `Compression tool not allowed, tools allowed are [${tools.join(', ')}]`,
    ErrorCode.invalid,
  );
}
