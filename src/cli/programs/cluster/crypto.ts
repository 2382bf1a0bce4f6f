/** gnt-cluster renew-crypto: new certificates, keys and secrets. `gantry-bootstrap renew-crypto` changes them. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Failure } from '../../../kit/failure.ts';
import { ClusterRenewCrypto } from '../../../opcodes/cluster.ts';
import { command } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import type { ValuesOf } from '../../optparse/option.ts';
import { systemErrorText } from '../../output/system-errors.ts';

const renewCryptoOptions = [
  o.newClusterCertificate,
  o.newRapiCertificate,
  o.rapiCertificate,
  o.newConfdHmacKey,
  o.force,
  o.newClusterDomainSecret,
  o.clusterDomainSecret,
  o.newSpiceCertificate,
  o.spiceCertificate,
  o.spiceCaCertificate,
  o.newNodeCertificates,
  o.newSshKeys,
  o.noSshKeyCheck,
  o.verbose,
  o.sshKeyBits,
  o.sshKeyType,
] as const;

type CryptoOptions = ValuesOf<typeof renewCryptoOptions>;

/** Options that exclude or need each other. */
function conflict(options: CryptoOptions): string | undefined {
  if (options.new_rapi_cert && options.rapi_cert) {
    return 'Only one of the --new-rapi-certificate and --rapi-certificate options can be specified at the same time.';
  }
  if (options.new_cluster_domain_secret && options.cluster_domain_secret) {
    return (
      'Only one of the --new-cluster-domain-secret and --cluster-domain-secret options can be specified at' +
      ' the same time.'
    );
  }
  if (options.new_spice_cert && (options.spice_cert || options.spice_cacert)) {
    return 'When using --new-spice-certificate, the --spice-certificate and --spice-ca-certificate must not be used.';
  }
  if (Boolean(options.spice_cert) !== Boolean(options.spice_cacert)) {
    return 'Both --spice-certificate and --spice-ca-certificate must be specified.';
  }
  return undefined;
}

/** The text of a certificate file. @throws Failure X509CertError with the file and what is wrong */
function readCertificate(file: string | null, withKey: boolean): string | null {
  if (file === null) return null;
  const refuse = (what: string, error: unknown): never => {
    throw new Failure('X509CertError', [file, `Unable to ${what}: ${systemErrorText(error)}`], {
      cause: error,
    });
  };
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    return refuse('read certificate', error);
  }
  try {
    new X509Certificate(pem);
  } catch (error) {
    return refuse('load certificate', error);
  }
  if (!withKey) return pem;
  try {
    createPrivateKey(pem);
  } catch (error) {
    return refuse('load private key', error);
  }
  return pem;
}

interface Files {
  readonly rapi_cert: string | null;
  readonly spice_cert: string | null;
  readonly spice_cacert: string | null;
  readonly cluster_domain_secret: string | null;
}

/** What was given as files, or the complaint about one of them. */
function readFiles(options: CryptoOptions): Files | string {
  const secretFile = options.cluster_domain_secret;
  try {
    return {
      rapi_cert: readCertificate(options.rapi_cert, true),
      spice_cert: readCertificate(options.spice_cert, true),
      spice_cacert: readCertificate(options.spice_cacert, false),
      cluster_domain_secret: secretFile === null ? null : readFileSync(secretFile, 'utf8'),
    };
  } catch (error) {
    if (error instanceof Failure && error.errorClass === 'X509CertError') {
      return `Unable to load X509 certificate from ${String(error.args[0])}: ${String(error.args[1])}`;
    }
    return `Can't load new cluster domain secret from ${String(secretFile)}: ${systemErrorText(error)}`;
  }
}

export const renewCrypto = command({
  arguments: [],
  usage: '[<opts>...]',
  description: 'Renews cluster certificates, keys and secrets',
  options: renewCryptoOptions,
  run: async (session, options) => {
    session.print(
      'Updating certificates now. Running "gnt-cluster verify"  is recommended after this operation.',
    );
    const complaint = conflict(options);
    const files = complaint ?? readFiles(options);
    if (typeof files === 'string') {
      session.warn(files);
      return ExitCode.failure;
    }
    const question =
      'This requires all daemons on all nodes to be restarted and may take some time. Continue?';
    if (!options.force && !session.ask(question)) return ExitCode.failure;
    await session.bootstrap('renew-crypto', {
      new_cluster_cert: options.new_cluster_cert,
      new_rapi_cert: options.new_rapi_cert ?? false,
      new_spice_cert: options.new_spice_cert ?? false,
      new_confd_hmac_key: options.new_confd_hmac_key,
      new_cluster_domain_secret: options.new_cluster_domain_secret,
      new_node_cert: options.new_node_cert,
      new_ssh_keys: options.new_ssh_keys,
      ssh_key_check: options.ssh_key_check,
      verbose: options.verbose,
      ...files,
    });
    if (options.new_node_cert || options.new_cluster_cert || options.new_ssh_keys) {
      const opcode = opcodeOf(ClusterRenewCrypto, {
        node_certificates: options.new_node_cert || options.new_cluster_cert,
        renew_ssh_keys: options.new_ssh_keys,
        ssh_key_type: options.ssh_key_type as never,
        ssh_key_bits: options.ssh_key_bits,
        verbose: options.verbose,
        debug: options.debug > 0,
      });
      await submitAndWait(session, opcode, options);
    }
    session.print(
      'All requested certificates and keys have been replaced. Running "gnt-cluster verify" now is recommended.',
    );
    return ExitCode.success;
  },
});
