/** gnt-cluster command and copyfile: something done on all nodes over SSH. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import * as o from '../../options/index.ts';
import type { Session } from '../../session.ts';
import { onlineNodes } from '../../shared/online-nodes.ts';
import { queryConfigValues, queryNodes } from '../../shared/queries.ts';
import { copyToNode, runRemotely } from '../../shared/remote.ts';

const rule = '-'.repeat(48);

/** SSH port by node name. */
async function sshPorts(session: Session, nodes: readonly string[]): Promise<Map<string, number | null>> {
  const rows = await queryNodes(session, nodes, ['name', 'ndp/ssh_port']);
  return new Map(rows.map(([name, port]) => [String(name), port as number | null]));
}

/** The master last, so that a command that ends daemons does its work elsewhere first. */
function masterLast(nodes: readonly string[], master: string): string[] {
  return nodes.includes(master) ? [...nodes.filter((node) => node !== master), master] : [...nodes];
}

export const runCommand = command({
  arguments: [many('command', 1)],
  options: [o.nodes, o.nodeGroup, o.showMachineNames, o.failureOnly],
  usage: '[-n <node-name>...] <command>',
  description: 'Runs a command on all (or only some) nodes',
  run: async (session, options, args) => {
    const nodes = await onlineNodes(session, { names: options.nodes, group: options.nodegroup });
    const ports = await sshPorts(session, nodes);
    const [clusterName, master] = await queryConfigValues(session, ['cluster_name', 'master_node']);
    for (const node of masterLast(nodes, String(master))) {
      const remote = { clusterName: String(clusterName), host: node, port: ports.get(node) ?? null };
      const { code, output } = await runRemotely(session, remote, args.join(' '));
      if (options.failure_only && code === 0) continue;
      session.print(rule);
      if (options.show_machine_names) {
        const lines = output === '' ? [] : output.replace(/\n$/, '').split('\n');
        session.printLines(lines.map((line) => `${node}: ${line}`));
      } else {
        session.print(`node: ${node}\n${output}`);
      }
      session.print(`return code = ${code}`);
    }
    return ExitCode.success;
  },
});

export const copyfile = command({
  arguments: [one('file')],
  options: [o.nodes, o.useReplicationNetwork, o.nodeGroup],
  usage: '[-n <node-name>...] <filename>',
  description: 'Copies a file to all (or only some) nodes',
  run: async (session, options, args) => {
    const file = resolve(args[0]!);
    if (!existsSync(file)) throw prerequisiteFailure(`No such filename '${file}'`, ErrorCode.invalid);
    const [clusterName] = await queryConfigValues(session, ['cluster_name']);
    const selection = { names: options.nodes, group: options.nodegroup, withoutMaster: true };
    const names = await onlineNodes(session, selection);
    const hosts = options.use_replication_network
      ? await onlineNodes(session, { ...selection, secondaryAddresses: true })
      : names;
    const ports = await sshPorts(session, names);
    let code: number = ExitCode.success;
    for (const [index, host] of hosts.entries()) {
      const port = ports.get(names[index]!) ?? null;
      if (await copyToNode(session, { clusterName: String(clusterName), host, port }, file)) continue;
      session.warn(`Copy of file ${file} to node ${host}:${port ?? 22} failed`);
      code = ExitCode.failure;
    }
    return code;
  },
});
