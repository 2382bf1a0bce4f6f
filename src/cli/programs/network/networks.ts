/** gnt-network add, modify, remove, rename, connect and disconnect. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import { nicParameters } from '../../../model/params/nic.ts';
import {
  NetworkAdd,
  NetworkConnect,
  NetworkDisconnect,
  NetworkRemove,
  NetworkRename,
  NetworkSetParams,
} from '../../../opcodes/network.ts';
import { command, many, one } from '../../command.ts';
import { ExitCode } from '../../exit-codes.ts';
import { opcodeOf } from '../../jobs/opcode.ts';
import { submit, submitAndWait } from '../../jobs/submit.ts';
import * as o from '../../options/index.ts';
import { unescapeAndSplit } from '../../optparse/key-values.ts';
import type { Session } from '../../session.ts';
import { typedNic } from '../../shared/parameters.ts';
import { queryGroups } from '../../shared/queries.ts';

/** Null while the option isn't given, no addresses for an empty one. */
function addressesOf(text: string | null): string[] | null {
  if (text === null) return null;
  return text === '' ? [] : unescapeAndSplit(text);
}

/** A new network that shall have no gateway may be asked for in so many words. */
const unlessNone = (text: string | null) => (text === 'none' ? null : text);

export const add = command({
  arguments: [one('network')],
  options: [
    o.dryRun,
    o.network,
    o.gateway,
    o.addReservedIps,
    o.macPrefix,
    o.network6,
    o.gateway6,
    o.noConflictsCheck,
    o.tags,
    o.priority,
    o.submit,
    o.printJobId,
  ],
  usage: '<network-name>',
  description: 'Add a new IP network to the cluster',
  run: async (session, options, args) => {
    if (options.network === null && options.network6 === null) {
      throw prerequisiteFailure('The --network option must be given', ErrorCode.invalid);
    }
    const opcode = opcodeOf(NetworkAdd, {
      network_name: args[0]!,
      gateway: unlessNone(options.gateway),
      network: options.network,
      gateway6: unlessNone(options.gateway6),
      network6: options.network6,
      mac_prefix: options.mac_prefix,
      add_reserved_ips: addressesOf(options.add_reserved_ips),
      conflicts_check: options.conflicts_check,
      tags: options.tags === null ? [] : options.tags.split(','),
    });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const modify = command({
  arguments: [one('network')],
  options: [
    o.dryRun,
    o.submit,
    o.printJobId,
    o.addReservedIps,
    o.removeReservedIps,
    o.gateway,
    o.macPrefix,
    o.network6,
    o.gateway6,
    o.priority,
  ],
  usage: '<network>',
  description: 'Alters the parameters of a network',
  run: async (session, options, args) => {
    const changes = {
      gateway: options.gateway,
      add_reserved_ips: addressesOf(options.add_reserved_ips),
      remove_reserved_ips: addressesOf(options.remove_reserved_ips),
      mac_prefix: options.mac_prefix,
      gateway6: options.gateway6,
      network6: options.network6,
    };
    if (Object.values(changes).every((change) => change === null)) {
      session.warn('Please give at least one of the parameters.');
      return ExitCode.failure;
    }
    await submit(session, opcodeOf(NetworkSetParams, { network_name: args[0]!, ...changes }), options);
    return ExitCode.success;
  },
});

export const remove = command({
  arguments: [one('network')],
  options: [o.force, o.dryRun, o.submit, o.printJobId, o.priority],
  usage: '[--dry-run] <network>',
  description: 'Remove an (empty) network from the cluster',
  run: async (session, options, args) => {
    const opcode = opcodeOf(NetworkRemove, { network_name: args[0]!, force: options.force });
    await submit(session, opcode, options);
    return ExitCode.success;
  },
});

export const rename = command({
  arguments: [{ kind: 'group', min: 2, max: 2 }],
  options: [o.dryRun, o.submit, o.printJobId, o.priority],
  usage: '[--dry-run] <old-name> <new-name>',
  description: 'Rename a network',
  run: async (session, options, args) => {
    const [name = '', newName = ''] = args;
    await submit(session, opcodeOf(NetworkRename, { network_name: name, new_name: newName }), options);
    return ExitCode.success;
  },
});

/** The named groups, or every group. */
async function groupsMeant(session: Session, names: readonly string[]): Promise<string[]> {
  if (names.length > 0) return [...names];
  return (await queryGroups(session, [], ['uuid'])).map(([uuid]) => String(uuid));
}

export const connect = command({
  arguments: [one('network'), many('group')],
  options: [o.noConflictsCheck, o.priority, o.nicParameters],
  usage: '<network> [<group>...]',
  description: 'Map a given network to the specified node group with given mode and link (netparams)',
  run: async (session, options, args) => {
    const [name = '', ...groups] = args;
    const nic = typedNic(options.nicparams);
    for (const group of await groupsMeant(session, groups)) {
      const opcode = opcodeOf(NetworkConnect, {
        group_name: group,
        network_name: name,
        network_mode: (nic.mode ?? nicParameters.mode.default) as never,
        network_link: String(nic.link ?? nicParameters.link.default),
        network_vlan: String(nic.vlan ?? nicParameters.vlan.default),
        conflicts_check: options.conflicts_check,
      });
      await submitAndWait(session, opcode, options);
    }
    return ExitCode.success;
  },
});

export const disconnect = command({
  arguments: [one('network'), many('group')],
  options: [o.priority],
  usage: '<network> [<group>...]',
  description: 'Unmap a given network from a specified node group',
  run: async (session, options, args) => {
    const [name = '', ...groups] = args;
    for (const group of await groupsMeant(session, groups)) {
      const opcode = opcodeOf(NetworkDisconnect, { group_name: group, network_name: name });
      await submitAndWait(session, opcode, options);
    }
    return ExitCode.success;
  },
});
