/** Node calls about transfers of disks: what the process of an end must know, and the keys it may use. */
import { mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';
import { definitionOf } from '../../guests/definitions.ts';
import { instanceEnvironment, transferEnvironment } from '../../guests/environment.ts';
import { logFileName } from '../../guests/run.ts';
import { sizeFd } from '../../guests/transfer.ts';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { executionFailure } from '../../kit/failure.ts';
import * as calls from '../../noderpc/calls/transfer.ts';
import { makeSelfSignedCertificate } from '../../noderpc/certificates.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { certificateIn, privateKeyIn } from '../../noderpc/pem.ts';
import { localPath } from '../../storage/host.ts';
import type { NodeContext } from '../context.ts';
import { createTurns } from '../in-turn.ts';
import type { EndIo, TransferSpec } from '../transfer/spec.ts';
import { createTransfers, type Transfers } from '../transfers.ts';
import { activeDisk } from './instance.ts';
import { scriptDisk, scriptInstance } from './os.ts';

/** Ganeti's longest (backend._MAX_SSL_CERT_VALIDITY). */
const longestValiditySeconds = 7 * 24 * 60 * 60;
/** What Ganeti's sending side expects of the receiver's certificate (constants.X509_CERT_CN). */
const certificateName = 'ganeti.example.com';

type Direction = 'import' | 'export';

/**
 * Where a file of an export lies here.
 * @throws Failure OpExecError for a path outside the export folder, also by way of links
 */
export async function exportFile({ paths }: Pick<NodeContext, 'paths'>, path: string): Promise<string> {
  if (!path.startsWith('/') || normalize(path) !== path)
    throw executionFailure(`Path '${path}' is not normalized or absolute`);
  const local = localPath(paths, path);
  const real = (file: string) => realpath(file).catch(() => file);
  const folder = await real(dirname(local));
  const file = join(folder, basename(local));
  if ((await real(file)) !== file || !folder.startsWith(`${await real(paths.exportDir)}/`))
    throw executionFailure(`File '${path}' is not under exports directory '${paths.exportDir}': ${file}`);
  return local;
}

async function ioOf(
  context: NodeContext,
  direction: Direction,
  end: calls.TransferEnd,
  logFile: string,
): Promise<EndIo> {
  const { io } = end;
  if (io.kind === 'file') return { kind: 'file', path: await exportFile(context, io.path) };
  if (io.kind === 'disk') {
    const { path } = await activeDisk(context, io.disk);
    if (path === null)
      throw executionFailure(`disk ${io.disk.disk.iv_name} of ${io.disk.owner} has no device here`);
    return { kind: 'device', path, sizeMiB: io.disk.disk.size, isEmpty: io.isEmpty };
  }
  const definition = await definitionOf(context.paths.osSearchPath, io.instance.os);
  const told = await scriptInstance(context, io.instance, end.secretParameters);
  const disk = await scriptDisk(context, io.disk);
  const environment = {
    ...instanceEnvironment(definition, told, end.debug),
    ...transferEnvironment(direction, disk, io.index, sizeFd),
  };
  return { kind: 'script', definition, environment, logFile };
}

/** Files of a key that `x509_cert_create` made. */
function keyFiles({ paths }: NodeContext, name: string) {
  const folder = join(paths.cryptoKeysDir, name);
  return { folder, key: join(folder, 'key'), certificate: join(folder, 'cert') };
}

async function specOf(
  context: NodeContext,
  direction: Direction,
  end: calls.TransferEnd,
  target: { readonly host: string | null; readonly port: number | null },
  logFile: string,
): Promise<TransferSpec> {
  const { serverCertificate } = context.paths;
  if ((end.keyName === null) !== (end.peerCertificate === null))
    throw executionFailure('Cluster certificate can only be used for both key and CA');
  const own = end.keyName === null ? undefined : keyFiles(context, end.keyName);
  const [keyFile, certificateFile] = [own?.key ?? serverCertificate, own?.certificate ?? serverCertificate];
  for (const file of [keyFile, certificateFile])
    if ((await stat(file).catch(() => undefined)) === undefined)
      throw executionFailure(`File '${file}' does not exist`);
  const shared = end.peerCertificate ?? certificateIn(await readFile(serverCertificate, 'utf8')).toString();
  const { ipv6, compress, magic, connectTimeout } = end;
  return {
    ...{ mode: direction, keyFile, certificateFile, peerCertificate: shared, ...target },
    ...{ ipv6, compress, magic, connectTimeout },
    io: await ioOf(context, direction, end, logFile),
  };
}

async function start(
  context: NodeContext,
  transfers: Transfers,
  direction: Direction,
  end: calls.TransferEnd,
  target: { readonly host: string | null; readonly port: number | null },
): Promise<null> {
  const { osLogDir } = context.paths;
  const logFile = logFileName(osLogDir, direction, end.os, end.instanceName, new Date(), end.component);
  await transfers.start(end.name, await specOf(context, direction, end, target, logFile), logFile);
  return null;
}

/** Removes keys that nobody can use any more: a client that prepared an export may never have come back. */
async function removeExpired(context: NodeContext): Promise<void> {
  const { paths, log } = context;
  for (const name of await readdir(paths.cryptoKeysDir).catch(() => [])) {
    const { folder, certificate } = keyFiles(context, name);
    const pem = await readFile(certificate, 'utf8').catch(() => '');
    if (pem === '' || certificateIn(pem).validToDate.getTime() > Date.now()) continue;
    log.info(`The key ${name} has expired`);
    await rm(folder, { recursive: true, force: true });
  }
}

async function createCertificate(context: NodeContext, name: string, seconds: number): Promise<string> {
  const { folder, key, certificate } = keyFiles(context, name);
  const found = await readFile(certificate, 'utf8').catch(() => '');
  if (found !== '') return found;
  await removeExpired(context);
  const pem = await makeSelfSignedCertificate({
    commonName: certificateName,
    days: Math.min(seconds, longestValiditySeconds) / (24 * 60 * 60),
    serial: Math.floor(Date.now() / 1000)
      .toString(16)
      .padStart(10, '0'),
  });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // The certificate last: it says that all is there. The key never leaves this node.
  await writeFileAtomic(key, privateKeyIn(pem), { mode: 0o400 });
  const shown = certificateIn(pem).toString();
  await writeFileAtomic(certificate, shown, { mode: 0o400 });
  return shown;
}

/** Handlers of every call in calls/transfer.ts. */
export function transferHandlers(context: NodeContext): NodeHandler[] {
  const transfers = createTransfers(context);
  const inTurn = createTurns();
  const done = (name: string, work: () => Promise<void>) =>
    inTurn(name, async () => {
      await work();
      return null;
    });
  return [
    answers(calls.importStart, (end) =>
      inTurn(end.name, () => start(context, transfers, 'import', end, { host: null, port: null })),
    ),
    answers(calls.exportStart, ({ host, port, ...end }) =>
      inTurn(end.name, () => start(context, transfers, 'export', end, { host, port })),
    ),
    answers(calls.impexpStatus, ({ names }) => Promise.all(names.map((name) => transfers.status(name)))),
    answers(calls.impexpAbort, ({ name }) => done(name, () => transfers.abort(name))),
    answers(calls.impexpCleanup, ({ name }) => done(name, () => transfers.cleanUp(name))),
    answers(calls.x509CertCreate, ({ name, validitySeconds }) =>
      inTurn(name, () => createCertificate(context, name, validitySeconds)),
    ),
    answers(calls.x509CertRemove, ({ name }) =>
      done(name, () => rm(keyFiles(context, name).folder, { recursive: true, force: true })),
    ),
  ];
}
