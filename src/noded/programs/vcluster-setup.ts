/**
 * vcluster-setup DIRECTORY: makes the folders of a virtual cluster, many nodes on one machine, each with a folder for its
 * files, an address, and a `cmd` that runs a command as that node. Options, files and addresses are those of Ganeti's
 * program. A node finds the others in a hosts file of its own too, so that -E and -N give a cluster that needs no root
 * on the loopback network (`-E -N -p 127.78.0 -n lo`).
 */
import { chmod, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import { pathsFor } from '../../kit/paths.ts';
import { runChecked, runProcess } from '../../kit/process.ts';
import { programFolder } from '../../kit/programs.ts';
import { isToolAnswer, parseToolOptions, type ToolCall, tellToolAnswer } from '../../kit/tool-options.ts';
import { ensureFolders } from '../folders.ts';

const options = [
  { names: ['-c'], metavar: 'NUMBER', help: 'Number of virtual nodes (defaults to 5)' },
  { names: ['-i'], metavar: 'NUMBER', help: 'Number of instances (defaults to 10)' },
  { names: ['-p'], metavar: 'PREFIX', help: 'IPv4 network prefix (defaults to 192.0.2)' },
  { names: ['-n'], metavar: 'NETDEV', help: 'Network device for virtual IP addresses (defaults to eth0)' },
  { names: ['-I'], metavar: 'PATH', help: 'Init script that the scripts call (without it, daemon-util)' },
  { names: ['-E'], help: 'Do not modify /etc/hosts' },
  { names: ['-N'], help: 'Do not configure networking' },
];
/** The last part of addresses: the cluster .1, nodes .10 to .99, instances .100 to .254. */
const clusterOctet = 1;
const firstNode = 10;
const firstInstance = 100;
const lastInstance = 254;

export interface Plan {
  readonly root: string;
  readonly nodes: readonly Host[];
  readonly hosts: readonly Host[];
  readonly prefix: string;
  readonly device: string;
  readonly initScript: string | undefined;
}

interface Host {
  readonly name: string;
  readonly address: string;
}

function countIn(call: ToolCall, name: string, otherwise: number, least: number, most: number): number {
  const text = call.values.get(name) ?? String(otherwise);
  if (!/^\d{1,3}$/.test(text) || Number(text) < least || Number(text) > most)
    throw new Failure('ParameterError', [`-${name} must be a number from ${least} to ${most}`]);
  return Number(text);
}

/** What is to be made. @throws Failure ParameterError */
export function planOf(call: ToolCall, root: string): Plan {
  const prefix = call.values.get('p') ?? '192.0.2';
  const octets = prefix.split('.');
  if (octets.length !== 3 || !octets.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256))
    throw new Failure('ParameterError', [`Invalid network prefix: ${prefix}`]);
  const device = call.values.get('n') ?? 'eth0';
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}$/.test(device))
    throw new Failure('ParameterError', [`Invalid network device: ${device}`]);
  if (/['\n]/.test(root))
    throw new Failure('ParameterError', [`Directory '${root}' has a name that can't be used`]);
  const hostsOf = (base: string, count: number, first: number): Host[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `${base}${index + 1}`,
      address: `${prefix}.${first + index}`,
    }));
  const nodes = hostsOf('node', countIn(call, 'c', 5, 1, firstInstance - firstNode), firstNode);
  const instances = hostsOf(
    'instance',
    countIn(call, 'i', 10, 0, lastInstance + 1 - firstInstance),
    firstInstance,
  );
  const cluster = { name: 'cluster', address: `${prefix}.${clusterOctet}` };
  const initScript = call.values.get('I');
  return { root, nodes, hosts: [cluster, ...nodes, ...instances], prefix, device, initScript };
}

const script = (text: string) => `#!/bin/bash\n${text}`;
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

async function writeScript(path: string, text: string): Promise<void> {
  await writeFile(path, script(text));
  await chmod(path, 0o755);
}

/** The hosts file with the cluster's names, without what the network had before. Pure. */
export function withHosts(text: string, { hosts, prefix }: Plan): string {
  const kept = text
    .split('\n')
    .filter((line) => !new RegExp(`^${prefix.replaceAll('.', '\\.')}\\.\\d+\\s`).test(line));
  while (kept.at(-1) === '') kept.pop();
  return [...kept, ...hosts.map(({ name, address }) => `${address} ${name}`), ''].join('\n');
}

async function setUpNode(plan: Plan, { name, address }: Host): Promise<void> {
  const root = join(plan.root, name);
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  await mkdir(join(root, 'etc/default'), { recursive: true });
  ensureFolders(paths);
  await writeFile(paths.etcHosts, withHosts('127.0.0.1 localhost\n', plan));
  const bound = `-b ${address}`;
  const settings = {
    NODED_ARGS: `--no-mlock ${bound}`,
    MASTERD_ARGS: '',
    RAPI_ARGS: bound,
    CONFD_ARGS: bound,
    MOND_ARGS: bound,
    METAD_ARGS: `${bound} -p 8069`,
  };
  const identity = `export GANETI_ROOTDIR=${quoted(root)}\nexport GANETI_HOSTNAME='${name}'\n`;
  const lines = Object.entries(settings).map(([variable, value]) => `${variable}='${value}'\n`);
  await writeFile(
    join(root, 'etc/default/ganeti'),
    `# Default settings for virtual node ${name}\n${lines.join('')}\n${identity}`,
  );
  await writeScript(
    join(root, 'cmd'),
    `# Runs a command as ${name}: words as they are, or one line of shell.\n${identity}` +
      `export PATH=${quoted(programFolder())}:"$PATH"\n` +
      'if [ $# -eq 1 ]; then exec bash -c "$1"; fi\nexec "$@"\n',
  );
}

/** start-all and the like, each for all nodes one after the other. */
async function setUpScripts(plan: Plan): Promise<void> {
  const check =
    'for d in $(daemon-util list-start-daemons); do if daemon-util check $d; then echo "$d runs"; else echo "$d does not run"; fi; done';
  const own: Readonly<Record<string, string>> = {
    start: 'daemon-util start-all',
    stop: 'daemon-util stop-all',
    restart: 'daemon-util stop-all && daemon-util start-all',
    status: check,
  };
  const write = (action: string, label: string, command: (cmd: string) => string) =>
    writeScript(
      join(plan.root, `${action}-all`),
      plan.nodes
        .map(
          ({ name }) =>
            `echo '${label} virtual node "${name}" ...'\n${command(quoted(join(plan.root, name, 'cmd')))}\n`,
        )
        .join(''),
    );
  for (const [action, line] of Object.entries(own)) {
    const words = plan.initScript === undefined ? quoted(line) : `${quoted(plan.initScript)} ${action} "$@"`;
    await write(action, `Action "${action}" for`, (cmd) => `${cmd} ${words}`);
  }
  await write('watcher', 'Running watcher for', (cmd) => `${cmd} ganeti-watcher "$@"`);
}

async function setUpNetwork({ nodes, prefix, device }: Plan): Promise<void> {
  for (const { address } of nodes)
    await runChecked(['ip', 'addr', 'replace', `${address}/32`, 'dev', device], { timeoutMs: 30_000 });
  await runChecked(['ip', 'route', 'replace', `${prefix}.0/24`, 'dev', device], { timeoutMs: 30_000 });
}

function instructions({ root, nodes }: Plan): string {
  const add =
    nodes.length > 1 ? `\nAdd node:\n  cd ${root} && node1/cmd gnt-node add --no-ssh-key-check node2\n` : '';
  return `Virtual cluster setup is complete.

Root directory: ${root}
Cluster name: cluster
Nodes: ${nodes.map(({ name }) => name).join(' ')}

Initialize cluster:
  cd ${root} && node1/cmd gnt-cluster init --no-etc-hosts \\
    --no-ssh-init --master-netdev=lo \\
    --enabled-disk-templates=diskless --enabled-hypervisors=fake \\
    --nic-parameters mode=routed,link=100 \\
    --ipolicy-bounds-specs=min:disk-size=0,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=0/max:disk-size=1048576,cpu-count=8,disk-count=16,memory-size=32768,nic-count=8,spindle-use=12 \\
    cluster
${add}`;
}

async function requireThere(call: ToolCall, plan: Plan): Promise<void> {
  if (plan.initScript !== undefined) {
    const found = await stat(plan.initScript).catch(() => undefined);
    if (found === undefined || (found.mode & 0o111) === 0)
      throw new Failure('ParameterError', [`Init script '${plan.initScript}' is not executable`]);
  }
  if (call.flags.has('N')) return;
  if ((await runProcess(['ip', 'link', 'show', 'dev', plan.device])).code !== 0)
    throw new Failure('ParameterError', [`Invalid network device: ${plan.device}`]);
}

export async function vclusterSetup(argv: readonly string[]): Promise<number> {
  const usage = '[-E] [-N] [-c <number>] [-i <number>] [-p <prefix>] [-n <netdev>] [-I <path>] <directory>';
  const call = parseToolOptions('vcluster-setup', usage, options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  const [directory] = call.args;
  if (directory === undefined || call.args.length !== 1) {
    process.stderr.write(`Usage: vcluster-setup ${usage}\n`);
    return 1;
  }
  const root = await realpath(directory).catch(() => {
    throw new Failure('ParameterError', [`Directory '${directory}' does not exist!`]);
  });
  const plan = planOf(call, root);
  await requireThere(call, plan);
  const say = (text: string) => process.stderr.write(`${text}\n`);
  for (const node of plan.nodes) {
    say(`Setting up node '${node.name}' ...`);
    await setUpNode(plan, node);
  }
  if (!call.flags.has('E')) {
    const { etcHosts } = pathsFor();
    say(`Configuring ${etcHosts} ...`);
    await mkdir(dirname(etcHosts), { recursive: true });
    const before = await readFile(etcHosts, 'utf8').catch(() => '');
    await writeFileAtomic(etcHosts, withHosts(before, plan), { mode: 0o644 });
  }
  if (!call.flags.has('N')) {
    say('Configuring network ...');
    await setUpNetwork(plan);
  }
  say('Configuring helper scripts ...');
  await setUpScripts(plan);
  process.stdout.write(instructions(plan));
  return 0;
}
