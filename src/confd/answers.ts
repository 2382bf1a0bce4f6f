/**
 * The twelve questions (design-2.1 "confd", Ganeti's Confd/Server.hs): each gives a reply's status, answer and serial
 * number from a view of the configuration. Pure.
 */
import { assertNever, Failure, messageOf } from '../kit/failure.ts';
import { collectors } from '../model/collectors.ts';
import {
  type ConfdReply,
  type ConfdRequest,
  errorNumbers,
  masterFields,
  nodeRoles,
  protocolVersion,
  queryKeys,
  type RequestName,
  replyStatus,
  requestTypes,
} from './client/protocol.ts';
import { valueAt } from './json-pointer.ts';
import type { RawNode } from './raw.ts';
import { disksOf, mirrorsOf, type View } from './view.ts';

type Answer = Omit<ConfdReply, 'protocol'>;

const namesByType = new Map<number, RequestName>(
  Object.entries(requestTypes).map(([name, type]) => [type, name as RequestName]),
);

const unknownEntry: Answer = { status: replyStatus.error, answer: errorNumbers.unknownEntry, serial: 0 };
const wrongArgument: Answer = { status: replyStatus.error, answer: errorNumbers.argument, serial: 0 };

/** The request itself makes no sense: nobody is answered (the reason is for the log). */
export class Unanswerable extends Error {}

function shown(query: unknown): string {
  if (query === null) return 'EmptyQuery';
  return typeof query === 'string' ? `PlainQuery ${JSON.stringify(query)}` : 'DictQuery';
}

/** @throws Failure for a query that is no name */
function nameIn(query: unknown): string {
  if (typeof query === 'string') return query;
  throw new Failure('ParameterError', [`Invalid query type ${shown(query)}`]);
}

function isObject(query: unknown): query is Readonly<Record<string, unknown>> {
  return typeof query === 'object' && query !== null && !Array.isArray(query);
}

function okay(view: View, answer: unknown): Answer {
  return { status: replyStatus.okay, answer, serial: view.configuration.cluster.serial_no };
}

function masterOf(view: View): RawNode {
  return view.nodes.find(view.configuration.cluster.master_node);
}

function roleOf(view: View, wanted: string): number {
  const node = view.nodes.find(wanted);
  if (masterOf(view).name === node.name) return nodeRoles.master;
  if (node.drained) return nodeRoles.drained;
  if (node.offline) return nodeRoles.offline;
  return node.master_candidate ? nodeRoles.candidate : nodeRoles.regular;
}

/** Numbers as such or, as Ganeti's confd-client sends them, as texts. */
function clusterMaster(view: View, query: unknown): Answer {
  const master = masterOf(view);
  if (query === null) return okay(view, master.name);
  if (!isObject(query)) return wrongArgument;
  const { cluster } = view.configuration;
  const fields = (query[queryKeys.fields] ?? []) as unknown;
  if (!Array.isArray(fields)) throw new Unanswerable('the fields are no list');
  const values = (fields as unknown[]).map((field) => {
    switch (Number(field)) {
      case masterFields.name:
        return master.name;
      case masterFields.address:
        return cluster.master_ip;
      case masterFields.nodeAddress:
        return master.primary_ip;
      default:
        throw new Unanswerable(`unknown field ${JSON.stringify(field)}`);
    }
  });
  return okay(view, values);
}

function nodeOfAddress(view: View, link: string, address: string): Answer {
  const instance = view.addresses.get(link)?.get(address);
  const node = view.nodes.byUuid(instance?.primary_node ?? '');
  return node === undefined ? unknownEntry : okay(view, node.primary_ip);
}

function nodesOfAddresses(view: View, query: unknown): Answer {
  if (!isObject(query)) return wrongArgument;
  const wanted = query[queryKeys.link];
  const link = typeof wanted === 'string' ? wanted : view.defaultLink;
  const one = query[queryKeys.address];
  if (typeof one === 'string') return nodeOfAddress(view, link, one);
  const addresses = query[queryKeys.addresses] ?? [];
  if (!Array.isArray(addresses)) throw new Unanswerable('the addresses are no list');
  const each = (addresses as unknown[]).map((address) => nodeOfAddress(view, link, String(address)));
  return okay(
    view,
    each.map(({ status, answer, serial }) => [status, answer, serial]),
  );
}

function instanceAddresses(view: View, query: unknown): Answer {
  if (query !== null && typeof query !== 'string')
    throw new Failure('ParameterError', ['Invalid query type']);
  return okay(view, [...(view.addresses.get(query ?? view.defaultLink)?.keys() ?? [])].sort());
}

/** Rows of node, minor, instance, disk, role of the node, peer. */
function nodeDrbd(view: View, query: unknown): Answer {
  const node = view.nodes.find(nameIn(query));
  const nameOf = (uuid: string) => view.nodes.find(uuid).name;
  const rows: unknown[][] = [];
  for (const instance of view.instances.values()) {
    const role = instance.primary_node === node.uuid ? 'primary' : 'secondary';
    disksOf(view, instance).forEach((disk, index) => {
      for (const { nodes, minors } of mirrorsOf(disk)) {
        const side = nodes.indexOf(node.uuid);
        if (side < 0) continue;
        const peer = nameOf(nodes[1 - side]!);
        rows.push([node.name, minors[side], instance.name ?? '', `disk/${index}`, role, peer]);
      }
    });
  }
  return { status: replyStatus.okay, answer: rows, serial: node.serial_no };
}

/** Says which kind of object wasn't there, before the reason. */
function withPrefix<T>(kind: string, find: () => T): T {
  try {
    return find();
  } catch (error) {
    throw new Failure('OpPrereqError', [`${kind} not found in the configuration: ${messageOf(error)}`]);
  }
}

function nodeInstances(view: View, query: unknown): Answer {
  const name = nameIn(query);
  const node = withPrefix('Node', () => view.nodes.find(name));
  const all = [...view.instances.values()];
  const primary = all.filter(({ primary_node }) => primary_node === node.uuid);
  const secondary = all.filter(
    (instance) =>
      instance.primary_node !== node.uuid &&
      disksOf(view, instance).some((disk) => mirrorsOf(disk).some(({ nodes }) => nodes.includes(node.uuid))),
  );
  return { status: replyStatus.okay, answer: [primary, secondary], serial: node.serial_no };
}

function instanceDisks(view: View, query: unknown): Answer {
  const name = nameIn(query);
  const instance = withPrefix('Instance', () => view.instances.find(name));
  return { status: replyStatus.okay, answer: disksOf(view, instance), serial: instance.serial_no };
}

function configQuery(view: View, query: unknown): Answer {
  const found = valueAt(view.configuration, nameIn(query));
  return found === undefined ? wrongArgument : okay(view, found);
}

/** Those of Xen work where a Xen hypervisor is enabled only. */
function dataCollectors(view: View): Answer {
  const { cluster } = view.configuration;
  const settings = collectors.map(({ name, isUseful }) => {
    const { active = true, interval = 0 } = cluster.data_collectors?.[name] ?? {};
    return [name, { active: active && (isUseful?.(cluster.enabled_hypervisors) ?? true), interval }];
  });
  return okay(view, Object.fromEntries(settings));
}

function answerWith(view: View, name: RequestName, query: unknown): Answer {
  const nodes = () => [...view.nodes.values()].reverse();
  switch (name) {
    case 'ping':
      return { status: replyStatus.okay, answer: view.configuration.version, serial: 0 };
    case 'nodeRoleByName':
      return okay(view, roleOf(view, nameIn(query)));
    case 'nodeAddressByInstanceAddress':
      return nodesOfAddresses(view, query);
    case 'clusterMaster':
      return clusterMaster(view, query);
    case 'nodeAddresses':
      return okay(
        view,
        nodes().map((node) => node.primary_ip),
      );
    case 'candidateAddresses':
      return okay(
        view,
        nodes()
          .filter((node) => node.master_candidate)
          .map((node) => node.primary_ip),
      );
    case 'instanceAddresses':
      return instanceAddresses(view, query);
    case 'nodeDrbd':
      return nodeDrbd(view, query);
    case 'nodeInstances':
      return nodeInstances(view, query);
    case 'instanceDisks':
      return instanceDisks(view, query);
    case 'configQuery':
      return configQuery(view, query);
    case 'dataCollectors':
      return dataCollectors(view);
    default:
      return assertNever(name);
  }
}

/**
 * @param view or why there is none
 * @throws Unanswerable when the request deserves silence
 */
export function replyTo(view: View | Error, { type, query }: ConfdRequest): ConfdReply {
  const fault = (error: unknown) => ({ status: replyStatus.error, answer: messageOf(error), serial: 0 });
  let answer: Answer;
  try {
    answer = view instanceof Error ? fault(view) : answerWith(view, namesByType.get(type)!, query);
  } catch (error) {
    if (error instanceof Unanswerable) throw error;
    answer = fault(error);
  }
  return { protocol: protocolVersion, ...answer };
}
