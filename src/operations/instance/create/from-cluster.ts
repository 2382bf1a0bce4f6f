/** An instance that comes from another cluster: what proves that the other side may send it. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { PlanContext } from '../../operation.ts';
import { checkCertificate, domainSecret, handshakeFault, uniqueName } from '../../transfer/authority.ts';
import type { Op } from './request.ts';

/** Seconds until the sender must have connected, beside those in which its guest stops (constants.RIE_CONNECT_TIMEOUT). */
const connectTimeout = 180;

export interface ClusterOrigin {
  readonly kind: 'cluster';
  readonly oldName: string;
  /** The only certificate that the sender may show. */
  readonly certificate: string;
  /** The secret that both clusters have; never in an input of a step. */
  readonly secret: string;
  /** Name of the key that is made for it. */
  readonly key: string;
  readonly connectTimeout: number;
}

/** @throws Failure OpPrereqError */
export async function readHandshake(op: Op, { paths, now }: PlanContext): Promise<ClusterOrigin> {
  const wrong = (text: string) => prerequisiteFailure(text, ErrorCode.invalid);
  const secret = await domainSecret(paths);
  if (op.source_handshake === null || op.source_handshake.length === 0)
    throw wrong('Missing source handshake');
  const fault = handshakeFault(secret, op.source_handshake);
  if (fault !== undefined) throw wrong(`Invalid handshake: ${fault}`);
  if (op.source_x509_ca === null) throw wrong('Missing source X509 CA');
  const certificate = checkCertificate(secret, op.source_x509_ca, 'source');
  if (op.source_instance_name === null) throw wrong('Missing source instance name');
  return {
    kind: 'cluster',
    oldName: op.source_instance_name,
    certificate,
    secret,
    key: uniqueName('x509', now()),
    connectTimeout: connectTimeout + op.source_shutdown_timeout,
  };
}
