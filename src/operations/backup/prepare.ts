/** OP_BACKUP_PREPARE: what another cluster needs to receive an instance of this one. */

import { executionFailure } from '../../kit/failure.ts';
import { instanceNamed } from '../../model/lookup.ts';
import { reasonOf } from '../../noderpc/reply.ts';
import { BackupPrepare } from '../../opcodes/backup.ts';
import { primaryOf, requireOnline } from '../checks.ts';
import { instanceLocks } from '../instance/locks.ts';
import { operation } from '../operation.ts';
import { createKey } from '../steps/transfer.ts';
import {
  domainSecret,
  makeHandshake,
  signCertificate,
  signKeyName,
  uniqueName,
} from '../transfer/authority.ts';

/** Seconds for which a key between clusters is good (constants.RIE_CERT_VALIDITY). */
export const keyValiditySeconds = 86_400;

interface PreparePlan {
  readonly isRemote: boolean;
  readonly node: { readonly uuid: string; readonly name: string };
  readonly secret: string;
  readonly key: string;
}

export const backupPrepare = operation({
  opcode: BackupPrepare,
  steps: [createKey],
  locks: (op, configuration) => instanceLocks(configuration, op.instance_name),
  plan: async (op, { configuration, paths, now }): Promise<PreparePlan> => {
    const instance = instanceNamed(configuration, op.instance_name);
    const node = primaryOf(configuration, instance);
    requireOnline(node);
    const secret = await domainSecret(paths);
    return { isRemote: op.mode === 'remote', node, secret, key: uniqueName('x509', now()) };
  },
  run: async ({ isRemote, node, secret, key }, job) => {
    if (!isRemote) return null;
    job.say(`Generating X509 certificate on ${node.name}`);
    let certificate: string;
    try {
      certificate = await job.do(createKey, {
        node: node.uuid,
        name: key,
        validitySeconds: keyValiditySeconds,
      });
    } catch (error) {
      throw executionFailure(
        `Can't create X509 key and certificate on ${node.name}: ${reasonOf(error)}`,
        error,
      );
    }
    await job.keep();
    return {
      handshake: makeHandshake(secret),
      x509_key_name: signKeyName(secret, key),
      x509_ca: signCertificate(secret, certificate),
    };
  },
});
