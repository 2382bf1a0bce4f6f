/**
 * `gnt-cluster init`: from nothing to a running master. All checks come first; from the first file on, a
 * failure takes away again what was made.
 */
import { existsSync } from 'node:fs';
import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { initialConfiguration } from '../../config/initial.ts';
import { createConfigFile } from '../../config/open.ts';
import { writeSsconfFiles } from '../../config/ssconf-files.ts';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { now } from '../../kit/clock.ts';
import { ErrorCode, executionFailure, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { createLog } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { describeFailure, runProcess } from '../../kit/process.ts';
import { programPath } from '../../kit/programs.ts';
import { ownHostname, resolveHost } from '../../kit/resolve.ts';
import { leaveSshSetup, readSshSetup, sshFolder } from '../../kit/ssh-keys.ts';
import { etcHostsModify } from '../../noderpc/calls/node.ts';
import { createNodeClient } from '../../noderpc/client.ts';
import { forgetMasters } from '../../noderpc/fence.ts';
import { certificateIn, digestOf } from '../../noderpc/pem.ts';
import { joiningKey } from '../../operations/node/joining.ts';
import { nodeAddresses, nodeDaemonPort } from '../addresses.ts';
import { configurationRequest, type FirstNode } from './first-configuration.ts';
import {
  hypervisorsOf,
  type InitInput,
  secondaryAddressOf,
  templatesOf,
  textOf,
  volumeGroupOf,
} from './init-request.ts';
import { makeSecrets, writeSecrets } from './secrets.ts';
import { prepareSsh } from './ssh.ts';
import type { Talk } from './talk.ts';

async function requireNoCluster(paths: Paths): Promise<void> {
  const exists = await access(paths.configFile).then(
    () => true,
    () => false,
  );
  if (exists) throw prerequisiteFailure('Cluster is already initialised', ErrorCode.state);
  const jobs = await readdir(paths.queueDir).catch(() => []);
  if (jobs.some((name) => name.startsWith('job-'))) {
    throw prerequisiteFailure(
      `${paths.queueDir} contains jobs of an old cluster. Remove left-overs of an old cluster before initialising a new one`,
      ErrorCode.state,
    );
  }
}

function requireInterface(netdev: string | null, name: string): string {
  const device = netdev ?? 'xen-br0';
  if (!(device in networkInterfaces())) {
    const known = Object.keys(networkInterfaces()).join(', ');
    throw prerequisiteFailure(
      `Invalid master netdev given (${device}): no such interface on ${name}, or it has no address (there are: ${known})`,
      ErrorCode.invalid,
    );
  }
  return device;
}

interface Names {
  readonly cluster: { readonly name: string; readonly ip: string };
  readonly host: { readonly name: string; readonly ip: string };
}

async function resolveNames(input: InitInput, paths: Paths): Promise<Names> {
  const family = Number(input.primary_ip_version ?? 4) === 6 ? 6 : 4;
  const cluster = await resolveHost(textOf(input, 'cluster_name') ?? '', paths.etcHosts, family);
  const host = await resolveHost(ownHostname(), paths.etcHosts, family);
  if (paths.root === '' && host.ip.startsWith('127.')) {
    throw prerequisiteFailure(
      `This host's IP (${host.ip}) resolves to a loopback address. Please fix DNS or ${paths.etcHosts}.`,
      ErrorCode.environment,
    );
  }
  const own = Object.values(networkInterfaces()).flatMap((entries) =>
    (entries ?? []).map((entry) => entry.address),
  );
  if (!host.ip.startsWith('127.') && !own.includes(host.ip)) {
    throw prerequisiteFailure(
      `Inconsistency: this host's name resolves to ${host.ip},\nbut this ip address does not belong to this host`,
      ErrorCode.environment,
    );
  }
  if (own.includes(cluster.ip)) throw prerequisiteFailure('Cluster IP already active', ErrorCode.notUnique);
  return { cluster, host };
}

function macPrefixOf(input: InitInput): string {
  const prefix = textOf(input, 'mac_prefix') ?? 'aa:00:00';
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){2}$/i.test(prefix))
    throw prerequisiteFailure(`Invalid mac prefix given '${prefix}'`, ErrorCode.invalid);
  return prefix.toLowerCase();
}

function netmaskOf(input: InitInput, ip: string): number {
  const bits = isIP(ip) === 6 ? 128 : 32;
  const given = input.master_netmask;
  if (given === null || given === undefined) return bits;
  const mask = Number(given);
  if (!Number.isInteger(mask) || mask < 0 || mask > bits) {
    throw prerequisiteFailure(
      `CIDR netmask (${JSON.stringify(given)}) not valid for IPv${bits === 32 ? 4 : 6} `,
      ErrorCode.invalid,
    );
  }
  return mask;
}

/** Daemons that answer questions about node and cluster, and the remote API. */
const helpers = ['ganeti-mond', 'ganeti-confd', 'ganeti-rapi'];

async function startDaemons(): Promise<void> {
  for (const daemon of ['ganeti-noded', 'ganeti-masterd']) {
    const result = await runProcess([programPath('daemon-util'), 'start', daemon], { timeoutMs: 60_000 });
    if (result.code !== 0) throw executionFailure(`Could not start ${daemon}: ${describeFailure(result)}`);
  }
}

/** The cluster is one without them, and it does without them: what hinders them is said. */
async function startHelpers(talk: Talk): Promise<void> {
  const shipped = helpers.filter((daemon) => existsSync(programPath(daemon)));
  const starts = shipped.map(async (daemon) => {
    const result = await runProcess([programPath('daemon-util'), 'start', daemon], { timeoutMs: 60_000 });
    if (result.code !== 0) talk.log(`Could not start ${daemon}: ${describeFailure(result)}`);
  });
  await Promise.all(starts);
}

/** What was made is taken away again. */
async function takeBack(paths: Paths): Promise<void> {
  for (const daemon of [...helpers, 'ganeti-masterd', 'ganeti-noded']) {
    await runProcess([programPath('daemon-util'), 'stop', daemon], { timeoutMs: 60_000 });
  }
  const setup = await readSshSetup(paths.sshSetup);
  if (setup !== undefined) await leaveSshSetup(sshFolder(paths.root), setup);
  for (const name of await readdir(paths.dataDir).catch(() => [])) {
    if (name === 'rapi') continue;
    await rm(`${paths.dataDir}/${name}`, { recursive: true, force: true });
  }
}

async function addOwnHostsEntry(paths: Paths, node: FirstNode): Promise<void> {
  const client = createNodeClient({
    paths,
    log: createLog('gantry-bootstrap', process.stderr, 'ERROR'),
    address: nodeAddresses(() => {
      throw executionFailure('there is no configuration to read yet');
    }, nodeDaemonPort()),
  });
  try {
    await client.call(joiningKey(node.name, node.primaryIp), etcHostsModify, {
      action: 'add',
      host: node.name,
      ip: node.primaryIp,
    });
  } finally {
    await client.close();
  }
}

export async function initialise(input: InitInput, talk: Talk): Promise<null> {
  const paths = pathsFor();
  await requireNoCluster(paths);
  const hypervisors = hypervisorsOf(input);
  const templates = templatesOf(input);
  const { cluster, host } = await resolveNames(input, paths);
  const secondary = secondaryAddressOf(input, host.ip);
  const netmask = netmaskOf(input, cluster.ip);
  const volumeGroup = await volumeGroupOf(input, templates);
  const macPrefix = macPrefixOf(input);
  const netdev = requireInterface(textOf(input, 'master_netdev'), host.name);
  const secrets = await makeSecrets(paths, host.name);
  const client = secrets.find(({ path }) => path === paths.clientCertificate)!;
  const node: FirstNode = {
    name: host.name,
    primaryIp: host.ip,
    secondaryIp: secondary,
    certificateDigest: digestOf(certificateIn(client.content)),
  };
  const request = configurationRequest(input, {
    cluster,
    netdev,
    netmask,
    macPrefix,
    volumeGroup,
    hypervisors,
    templates,
    node,
    now: now(),
  });
  const configuration = initialConfiguration(request);
  try {
    await mkdir(paths.dataDir, { recursive: true, mode: 0o755 });
    await mkdir(paths.configDir, { recursive: true });
    await forgetMasters(paths);
    await writeSecrets(secrets);
    const hostKey = await prepareSsh(paths, configuration.cluster, talk);
    await createConfigFile(
      paths,
      hostKey === null
        ? configuration
        : { ...configuration, cluster: { ...configuration.cluster, rsahostkeypub: hostKey } },
    );
    await writeSsconfFiles(paths, configuration);
    await mkdir(paths.queueDir, { recursive: true, mode: 0o750 });
    await writeFileAtomic(`${paths.queueDir}/version`, '1\n', { mode: 0o640 });
    await startDaemons();
    await startHelpers(talk);
    if (configuration.cluster.modify_etc_hosts) await addOwnHostsEntry(paths, node);
  } catch (error) {
    await takeBack(paths).catch((failure: unknown) =>
      talk.log(`Could not take back what was made: ${messageOf(failure)}`),
    );
    throw error;
  }
  return null;
}
