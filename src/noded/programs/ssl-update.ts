/** ssl-update: this node's client certificate, made anew from the cluster's certificate or taken away. */
import { readFile, rm } from 'node:fs/promises';
import * as z from 'zod';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import { pathsFor } from '../../kit/paths.ts';
import { ownHostname } from '../../kit/resolve.ts';
import { makeClientCertificate } from '../../noderpc/certificates.ts';
import { certificateIn } from '../../noderpc/pem.ts';
import { readSsconf } from '../ssconf.ts';
import { readJoinInput, runJoinTool } from './join-input.ts';

const Input = z.object({
  cluster_name: z.string().min(1),
  node_daemon_certificate: z.string().min(1),
  action: z.enum(['create', 'delete']),
});

export function sslUpdate(argv: readonly string[]): Promise<number> {
  return runJoinTool('ssl-update', argv, async ({ flags }, log) => {
    const data = await readJoinInput(Input);
    const paths = pathsFor();
    if ((await readSsconf(paths, 'cluster_name')) !== data.cluster_name)
      throw new Failure('ConfigurationError', [`This machine is no node of cluster '${data.cluster_name}'`]);
    const own = await readFile(paths.serverCertificate, 'utf8');
    if (!certificateIn(own).raw.equals(certificateIn(data.node_daemon_certificate).raw))
      throw new Failure('X509CertError', ['Given cluster certificate does not match local key']);
    if (flags.has('dry-run')) {
      log.info('This is a dry run, nothing is written');
    } else if (data.action === 'create') {
      const pem = await makeClientCertificate(own, { commonName: ownHostname() });
      await writeFileAtomic(paths.clientCertificate, pem, { mode: 0o440 });
    } else {
      await rm(paths.clientCertificate, { force: true });
      // A list that this node is to follow no longer: without it every certificate of the cluster counts.
      await rm(`${paths.dataDir}/ssconf_master_candidates_certs`, { force: true });
    }
  });
}
