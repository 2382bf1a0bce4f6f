/** gnt-node add: prepares the machine over SSH, then submits the job that takes it in. */
import { Failure, messageOf } from '../../../kit/failure.ts';
import { resolveHost } from '../../../kit/resolve.ts';
import { NodeAdd } from '../../../opcodes/node.ts';
import { command, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { groupsOf, nestedGroupsOf } from '../../optparse/key-values.ts';
import type { Session } from '../../session.ts';
import { typedNode } from '../../shared/parameters.ts';
import { queryConfigValues, queryGroups, queryNodes, type Row } from '../../shared/queries.ts';

const noSetupWarning = `-- WARNING -- 
The option --no-node-setup is disabled. Whether or not the
SSH setup is manipulated while adding a node is determined
by the 'modify_ssh_setup' value in the cluster-wide
configuration instead.
`;

const setupWarning = (node: string) => `-- WARNING -- 
Performing this operation is going to perform the following
changes to the target machine (${node}) and the current cluster
nodes:
* A new SSH daemon key pair is generated on the target machine.
* The public SSH keys of all master candidates of the cluster
  are added to the target machine's 'authorized_keys' file.
* In case the target machine is a master candidate, its newly
  generated public SSH key will be distributed to all other
  cluster nodes.
`;

/** The row of a query, or undefined when the master knows no such thing. */
async function firstRow(query: Promise<Row[]>): Promise<Row | undefined> {
  try {
    return (await query)[0];
  } catch (error) {
    const isRefusal = error instanceof Failure && ['OpPrereqError', 'OpExecError'].includes(error.errorClass);
    if (isRefusal) return undefined;
    throw error;
  }
}

interface KnownNode {
  readonly name: string;
  readonly secondaryIp: string;
  readonly isMaster: boolean;
  readonly sshPort: number;
}

async function findNode(session: Session, name: string): Promise<KnownNode | undefined> {
  const row = await firstRow(queryNodes(session, [name], ['name', 'sip', 'master', 'ndp/ssh_port']));
  if (row === undefined || row[0] === null) return undefined;
  const [known, secondaryIp, isMaster, sshPort] = row as [string, string, boolean, number];
  return { name: known, secondaryIp, isMaster, sshPort };
}

/** SSH port of the group that the node joins: the named one, or the default. */
async function groupSshPort(session: Session, group: string | null): Promise<number | null> {
  const row = await firstRow(queryGroups(session, group === null ? [] : [group], ['ndp/ssh_port']));
  return row === undefined ? null : (row[0] as number);
}

/** Why the node can't be added or added again, if so. */
function refusal(node: string, known: KnownNode | undefined, readd: boolean): string | undefined {
  if (readd && known === undefined) {
    return `Node ${node} not in the cluster - please retry without '--readd'`;
  }
  if (readd && known?.isMaster) return `Node ${node} is the master, cannot readd`;
  if (!readd && known !== undefined) {
    return `Node ${node} already in the cluster (as ${known.name}) - please retry with '--readd'`;
  }
  return undefined;
}

/** Failures after which the job may still be running, so that the node must be left as it is. */
const unsure = ['JobLost', 'NoMasterError', 'ProtocolError', 'TimeoutError'];

function hasEnded(error: unknown): boolean {
  return error instanceof Failure && !unsure.includes(error.errorClass);
}

/** Takes the preparation off the machine again; what fails is told and doesn't hide why the node wasn't added. */
async function undoSetup(session: Session, setup: Readonly<Record<string, unknown>>): Promise<void> {
  try {
    // Somebody else may have added it in the meantime.
    if ((await findNode(session, String(setup.name))) !== undefined) return;
    await session.bootstrap('node-undo', setup);
  } catch (error) {
    session.warn(`Could not undo the setup of node ${String(setup.name)}: ${messageOf(error)}`);
  }
}

export const add = command({
  arguments: [one('host')],
  options: [
    o.secondaryIp,
    o.readd,
    o.noSshKeyCheck,
    o.forceJoin,
    o.noNodeSetup,
    o.verbose,
    o.nodeGroup,
    o.priority,
    o.masterCapable,
    o.vmCapable,
    o.nodeParameters,
    o.hypervisorState,
    o.diskState,
  ],
  usage:
    '[-s ip] [--readd] [--no-ssh-key-check] [--force-join] [--no-node-setup] [--verbose] [--network] <node-name>',
  description: 'Add a node to the cluster',
  run: async (session, options, args) => {
    const ndparams = options.ndparams === null ? null : typedNode(options.ndparams);
    const [modifySsh, keyType, keyBits] = await queryConfigValues(session, [
      'modify_ssh_setup',
      'ssh_key_type',
      'ssh_key_bits',
    ]);
    const { name: node } = await resolveHost(args[0]!, session.paths.etcHosts);
    const groupPort = await groupSshPort(session, options.nodegroup);
    const known = await findNode(session, node);
    const complaint = refusal(node, known, options.readd);
    if (complaint !== undefined) {
      session.warn(complaint);
      return ExitCode.failure;
    }
    if (!options.node_setup) session.print(noSetupWarning);
    if (modifySsh) session.warn(setupWarning(node));
    if (options.force_join) {
      session.warn('The "--force-join" option is no longer supported and will be ignored.');
    }
    const setup = {
      name: node,
      ssh_port: known?.sshPort ?? groupPort,
      ssh_key_check: options.ssh_key_check,
      node_setup: Boolean(modifySsh),
      ssh_key_type: keyType,
      ssh_key_bits: keyBits,
      readd: options.readd,
      verbose: options.verbose,
      debug: options.debug,
    };
    const host = (await session.bootstrap('node-setup', setup)) as { name: string; ip: string };
    const opcode = opcodeOf(NodeAdd, {
      node_name: args[0]!,
      secondary_ip: options.readd ? (known?.secondaryIp ?? null) : options.secondary_ip,
      readd: options.readd,
      group: options.nodegroup,
      vm_capable: options.vm_capable,
      ndparams,
      master_capable: options.master_capable,
      disk_state: nestedGroupsOf(options.disk_state),
      hv_state: groupsOf(options.hv_state),
      node_setup: Boolean(modifySsh),
    });
    try {
      await submitAndWait(session, opcode, options);
    } catch (error) {
      if (!options.readd && hasEnded(error)) await undoSetup(session, { ...setup, ...host });
      throw error;
    }
    return ExitCode.success;
  },
});
