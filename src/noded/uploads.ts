/** Which files a master may write on a node: those of the cluster, by name, and none besides (backend.py). */
import { normalize } from 'node:path';
import { hypervisorAbouts } from '../hypervisors/catalog.ts';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import { localPath } from '../storage/host.ts';

/** Every path that upload_file_single takes, as it lies on this machine. */
export function uploadablePaths(paths: Paths): ReadonlySet<string> {
  const ancillary = hypervisorAbouts.flatMap((about) => about.ancillaryFiles);
  return new Set([
    paths.configFile,
    paths.etcHosts,
    paths.knownHosts,
    paths.serverCertificate,
    paths.rapiCertificate,
    paths.spiceCertificate,
    paths.spiceCaCertificate,
    paths.rapiUsers,
    paths.confdHmacKey,
    paths.clusterDomainSecret,
    `${paths.configDir}/scripts/master-ip-setup`,
    ...ancillary.map((path) => localPath(paths, path)),
  ]);
}

/** @throws Failure OpExecError in Ganeti's words for any other path */
export function checkUploadPath(paths: Paths, path: string): string {
  const local = localPath(paths, normalize(path));
  if (!path.startsWith('/') || !uploadablePaths(paths).has(local)) {
    throw new Failure('OpExecError', [
      `Filename passed to UploadFile not in allowed upload targets: '${path}'`,
    ]);
  }
  return local;
}
