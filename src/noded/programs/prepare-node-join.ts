/** prepare-node-join: SSH of a machine that is about to join: the cluster's host keys, root's key, who may log in. */
import * as z from 'zod';
import { Failure } from '../../kit/failure.ts';
import { pathsFor } from '../../kit/paths.ts';
import { readText } from '../../kit/ssh-keys.ts';
import { certificateIn } from '../../noderpc/pem.ts';
import { JoinData, setUpSsh } from '../join.ts';
import { readSsconf } from '../ssconf.ts';
import { readJoinInput, runJoinTool } from './join-input.ts';

/** Every part may be missing, as in Ganeti. */
const Input = JoinData.pick({
  ssh_host_key: true,
  authorized_keys: true,
  ssh_key_type: true,
  ssh_key_bits: true,
}).extend({
  cluster_name: z.string().min(1),
  node_daemon_certificate: z.string().min(1).optional(),
  /** Ganeti has sent root's keys of the master since 2.12 without a use for them. */
  ssh_root_key: z.array(z.unknown()).optional(),
});

export function prepareNodeJoin(argv: readonly string[]): Promise<number> {
  return runJoinTool('prepare-node-join', argv, async ({ flags }, log) => {
    const data = await readJoinInput(Input);
    const paths = pathsFor();
    const here = await readSsconf(paths, 'cluster_name');
    if (here !== undefined && here !== data.cluster_name) {
      throw new Failure('ConfigurationError', [`This machine belongs to another cluster ('${here}')`]);
    }
    const own = await readText(paths.serverCertificate);
    if (own !== undefined && data.node_daemon_certificate !== undefined) {
      const given = certificateIn(data.node_daemon_certificate);
      if (!certificateIn(own).raw.equals(given.raw))
        throw new Failure('X509CertError', ['Given cluster certificate does not match local key']);
    }
    if (flags.has('dry-run')) {
      log.info('This is a dry run, not replacing the SSH keys.');
      return;
    }
    await setUpSsh({ paths, log, dryRun: false }, { ...data, ssh_root_key: true });
  });
}
