/**
 * What `gnt-cluster verify` asks of a node, each part only when asked for. A part that can't be found out
 * gives its reason under `faults` and doesn't keep the others from answering.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type * as z from 'zod';
import { now } from '../../kit/clock.ts';
import { messageOf } from '../../kit/failure.ts';
import { nodeVerify } from '../../noderpc/calls/verify.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { certificateIn, digestOf, expiryOf, isIssuedBy, validityFault } from '../../noderpc/pem.ts';
import { protocolVersion, releaseVersion } from '../../noderpc/versions.ts';
import { parseAllowedPaths, storageFolderFault, wrongPaths } from '../../storage/file-storage-paths.ts';
import { localPath } from '../../storage/host.ts';
import { listPhysicalVolumes } from '../../storage/lvm.ts';
import type { NodeContext } from '../context.ts';
import { missingLinks } from '../links.ts';
import { answersTcp, ownsAddress } from '../reachability.ts';
import { sshClutter, sshFaults } from '../ssh-check.ts';
import { hypervisorInfo, logicalVolumes, volumeGroups } from './node.ts';

type Question = z.output<typeof nodeVerify.argument>;
type Answer = z.output<typeof nodeVerify.result>;

/** Seconds that a peer has to answer on its port. */
const peerTimeoutMs = 10_000;

async function checksums(context: NodeContext, paths: readonly string[]): Promise<Answer['fileChecksums']> {
  const result: Record<string, string> = {};
  for (const path of paths) {
    const hash = createHash('sha1');
    try {
      await pipeline(createReadStream(localPath(context.paths, path)), hash);
    } catch {
      // A file that isn't there has no checksum; the master knows which it asked for.
      continue;
    }
    result[path] = hash.digest('hex');
  }
  return result;
}

async function hypervisors(context: NodeContext, question: Question): Promise<Answer['hypervisors']> {
  const result: Answer['hypervisors'] = [];
  for (const { name, hvparams } of question.hypervisors) {
    let fault: string | null = null;
    let info: Answer['hypervisors'][number]['info'] = null;
    let instances: string[] = [];
    try {
      const driver = await context.hypervisors.driver(name);
      fault = (await driver.verify(hvparams)) ?? null;
      info = await hypervisorInfo(context, { name, hvparams });
      instances = (await driver.list(hvparams)).map((guest) => guest.name);
    } catch (error) {
      fault ??= messageOf(error);
    }
    result.push({ name, fault, info, instances });
  }
  return result;
}

async function clientCertificate(context: NodeContext): Promise<Answer['clientCertificate']> {
  const { paths } = context;
  try {
    const cluster = certificateIn(await readFile(paths.serverCertificate, 'utf8'), paths.serverCertificate);
    const certificate = certificateIn(
      await readFile(paths.clientCertificate, 'utf8'),
      paths.clientCertificate,
    );
    const fault = isIssuedBy(certificate, cluster)
      ? validityFault(certificate, now())
      : 'certificate is not signed by the cluster certificate';
    return { fault: fault ?? null, digest: digestOf(certificate), expires: expiryOf(certificate) };
  } catch (error) {
    return { fault: messageOf(error), digest: null, expires: null };
  }
}

/** Peers are tried from this node's address of the same network, as the traffic itself would go. */
async function unreachablePeers(
  context: NodeContext,
  question: Question,
): Promise<Answer['unreachablePeers']> {
  const { peers, port } = question;
  const self = peers.find((peer) => peer.name === context.hostname);
  const tries = peers.flatMap((peer) => {
    const first = { name: peer.name, address: peer.primary, source: self?.primary };
    const second = { name: peer.name, address: peer.secondary, source: self?.secondary };
    return peer.primary === peer.secondary ? [first] : [first, second];
  });
  const answered = await Promise.all(
    tries.map(({ address, source }) =>
      answersTcp(address, port, { timeoutMs: peerTimeoutMs, ...(source === undefined ? {} : { source }) }),
    ),
  );
  return tries.flatMap(({ name, address }, index) => (answered[index] ? [] : [{ name, address }]));
}

async function without(
  names: readonly string[],
  holds: (name: string) => Promise<boolean>,
): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) if (!(await holds(name))) missing.push(name);
  return missing;
}

async function isScript(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function masterIpReachable(context: NodeContext, question: Question): Promise<boolean | null> {
  if (question.masterIp === null) return null;
  const { ip, masterName } = question.masterIp;
  const source =
    masterName === context.hostname && (await ownsAddress('127.0.0.1')) ? '127.0.0.1' : undefined;
  return answersTcp(ip, question.port, {
    timeoutMs: peerTimeoutMs,
    ...(source === undefined || ip.includes(':') ? {} : { source }),
  });
}

async function mirror(context: NodeContext): Promise<NonNullable<Answer['drbd']>> {
  const driver = await context.storage.mirroring(context.storage.mirroringTemplate);
  return {
    version: await driver.version(),
    helper: await driver.usermodeHelper(),
    minors: [...(await driver.usedMinors())],
  };
}

async function storageProblems(context: NodeContext, question: Question): Promise<Answer['storageProblems']> {
  const faults = await Promise.all(
    question.fileStorageDirs.map(({ path }) => storageFolderFault(context.host, path)),
  );
  return question.fileStorageDirs.flatMap(({ template }, index) => {
    const fault = faults[index];
    return fault === undefined ? [] : [{ template, fault }];
  });
}

/** Listed paths that no list may allow. */
async function forbiddenPaths({ host, paths }: NodeContext): Promise<string[]> {
  return wrongPaths(parseAllowedPaths((await host.readText(paths.fileStoragePathsFile)) ?? ''));
}

async function oobFaults(context: NodeContext, programs: readonly string[]): Promise<string[]> {
  const faults = await Promise.all(
    programs.map(async (path) => {
      const local = localPath(context.paths, path);
      if (await isScript(local)) return undefined;
      const isThere = await access(local).then(
        () => true,
        () => false,
      );
      return isThere
        ? `out-of-band helper ${path} is not executable`
        : `cannot find out-of-band helper ${path}`;
    }),
  );
  return faults.filter((fault) => fault !== undefined);
}

/** Where definitions of operating systems are looked for is known to the room of guests. */
export type DiagnoseOses = () => Promise<Answer['oses']>;

async function verify(context: NodeContext, diagnoseOses: DiagnoseOses, question: Question): Promise<Answer> {
  const faults: Record<string, string> = {};
  const part = async <T>(
    name: keyof Question,
    wanted: boolean,
    otherwise: T,
    find: () => Promise<T>,
  ): Promise<T> => {
    if (!wanted) return otherwise;
    try {
      return await find();
    } catch (error) {
      faults[name] = messageOf(error);
      return otherwise;
    }
  };
  const lvm = question.volumeGroups.length > 0;
  const { host, paths } = context;
  const isWritable = async () => {
    await access(paths.runDir, constants.W_OK);
    return true;
  };
  // Each part waits for other things: programs, disks, peers. All at once take as long as the slowest.
  const parts = {
    fileChecksums: checksums(context, question.fileChecksums),
    hypervisors: hypervisors(context, question),
    volumeGroups: part('volumeGroups', lvm, null, () => volumeGroups(context)),
    logicalVolumes: part('volumeGroups', lvm, null, () => logicalVolumes(context, [])),
    physicalVolumes: part('volumeGroups', lvm, null, async () => [
      ...(await listPhysicalVolumes(host, question.volumeGroups, false)),
    ]),
    drbd: part('drbd', question.drbd, null, () => mirror(context)),
    missingBridges: part('bridges', true, [], () => missingLinks(paths, question.bridges)),
    unreachablePeers: unreachablePeers(context, question),
    missingAddresses: without(question.addresses, ownsAddress),
    oses: part('oses', question.oses, [], diagnoseOses),
    storageProblems: storageProblems(context, question),
    masterIpReachable: masterIpReachable(context, question),
    missingScripts: without(question.userScripts, (path) => isScript(localPath(paths, path))),
    oobFaults: oobFaults(context, question.oobPrograms),
    forbiddenStoragePaths: part('storagePathList', question.storagePathList, [], () =>
      forbiddenPaths(context),
    ),
    sshFaults: part('ssh', question.ssh !== null, {}, () => sshFaults(paths, question.ssh!)),
    sshClutter: part('ssh', question.ssh?.clutter ?? false, [], () => sshClutter(paths)),
    clientCertificate: clientCertificate(context),
    writable: part('uidPool', question.uidPool, true, isWritable),
  };
  const names = Object.keys(parts) as (keyof typeof parts)[];
  const values = await Promise.all(names.map((name) => parts[name] as Promise<unknown>));
  const found = Object.fromEntries(names.map((name, index) => [name, values[index]]));
  const { writable: _, ...answer } = found;
  return {
    ...(answer as Omit<Answer, 'protocol' | 'release' | 'time' | 'faults'>),
    protocol: protocolVersion,
    release: releaseVersion,
    time: now(),
    faults,
  };
}

export function verifyHandlers(context: NodeContext, diagnoseOses: DiagnoseOses): NodeHandler[] {
  return [answers(nodeVerify, (question) => verify(context, diagnoseOses, question as Question))];
}
