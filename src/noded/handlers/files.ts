/** Node calls about files: the cluster's own, ssconf, the hosts file and the folders of file-based disks. */
import { chown, mkdir, readFile, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import * as calls from '../../noderpc/calls/node.ts';
import { keyMatches } from '../../noderpc/certificates.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { acceptedPath } from '../../storage/file-storage-paths.ts';
import type { NodeContext } from '../context.ts';
import { withHost, withoutHost } from '../etc-hosts.ts';
import { ownerIds } from '../owner.ts';
import { writeSsconf } from '../ssconf.ts';
import { checkUploadPath } from '../uploads.ts';

const isRoot = () => process.getuid?.() === 0;

async function upload(
  context: NodeContext,
  file: {
    path: string;
    content: string;
    encoding: 'utf8' | 'base64';
    mode: number;
    owner: string;
    group: string;
  },
): Promise<void> {
  const { paths } = context;
  const path = checkUploadPath(paths, file.path);
  const data = Buffer.from(file.content, file.encoding);
  if (path === paths.serverCertificate && !keyMatches(data.toString('utf8'))) {
    throw new Failure('X509CertError', [`${file.path}: the key does not belong to the certificate`]);
  }
  const ids = paths.root === '' && isRoot() ? await ownerIds(file.owner, file.group) : undefined;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFileAtomic(path, data, { mode: file.mode & 0o7777 });
  if (ids !== undefined) await chown(path, ids.uid, ids.gid);
  if (path === paths.serverCertificate) context.certificateChanged();
}

async function modifyHosts(
  context: NodeContext,
  change: { action: 'add' | 'remove'; host: string; ip: string | null },
): Promise<void> {
  const path = context.paths.etcHosts;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/.test(change.host)) {
    throw new Failure('OpExecError', [`'${change.host}' is not a host name`]);
  }
  if (change.action === 'add' && (change.ip === null || !/^[0-9a-fA-F.:]+$/.test(change.ip))) {
    throw new Failure('OpExecError', ["Mode 'add' needs 'ip' parameter, but it is missing"]);
  }
  const before = await readFile(path, 'utf8').catch(() => '');
  const after =
    change.action === 'add' ? withHost(before, change.ip!, change.host) : withoutHost(before, change.host);
  if (after === before) return;
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o644;
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, after, { mode: mode & 0o7777 });
}

async function createFolder(context: NodeContext, path: string): Promise<void> {
  const local = await acceptedPath(context.host, path, true);
  const found = await stat(local).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) {
    throw new Failure('OpExecError', [`Specified storage dir '${path}' is not a directory`]);
  }
  await mkdir(local, { recursive: true, mode: 0o750 });
}

async function removeFolder(context: NodeContext, path: string): Promise<void> {
  const local = await acceptedPath(context.host, path, true);
  try {
    await rmdir(local);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    throw new Failure('OpExecError', [`Cannot remove file storage directory '${path}': ${message}`], {
      cause: error,
    });
  }
}

/** upload_file_single, write_ssconf_files, etc_hosts_modify, file_storage_dir_create and _remove. */
export function fileHandlers(context: NodeContext): NodeHandler[] {
  const done = <A>(work: (argument: A) => Promise<void>) => {
    return async (argument: A): Promise<null> => {
      await work(argument);
      return null;
    };
  };
  return [
    answers(
      calls.uploadFile,
      done((file) => upload(context, file)),
    ),
    answers(
      calls.writeSsconfFiles,
      done(({ values, serial }) => writeSsconf(context.paths, values, serial)),
    ),
    answers(
      calls.etcHostsModify,
      done((change) => modifyHosts(context, change)),
    ),
    answers(
      calls.fileStorageDirCreate,
      done(({ path }) => createFolder(context, path)),
    ),
    answers(
      calls.fileStorageDirRemove,
      done(({ path }) => removeFolder(context, path)),
    ),
  ];
}
