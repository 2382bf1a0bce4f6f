/**
 * OP_INSTANCE_CREATE: a new instance, from nothing, from volumes that exist, or from what was reserved for it.
 * Everything is named in the plan (create/plan.ts); the steps (create/run.ts) make the volumes, write the
 * configuration, wait for the mirror, install the OS and start the guest.
 */
import { pythonText } from '../../kit/python-text.ts';
import type { LockRequest } from '../../locks/contract.ts';
import type { Configuration } from '../../model/configuration.ts';
import { nodeNamed, nodesOf } from '../../model/lookup.ts';
import { InstanceCreate } from '../../opcodes/instance.ts';
import { everyNode } from '../backup/remove.ts';
import { instanceHooks } from '../hooks-environment.ts';
import { operation } from '../operation.ts';
import { candidateLocks } from './choose-nodes.ts';
import { readHandshake } from './create/from-cluster.ts';
import { type ExportOrigin, readExport } from './create/from-export.ts';
import { planCreate } from './create/plan.ts';
import type { Op } from './create/request.ts';
import { create, createSteps } from './create/run.ts';

/** Nodes that are named, those of what was reserved, or any, when an allocator is going to choose. */
function nodeLocks(op: Op, configuration: Configuration): LockRequest[] {
  const reserved = configuration.instances.byName(op.instance_name.toLowerCase());
  if (!op.commit && op.pnode === null)
    return candidateLocks(configuration, { opportunistic: op.opportunistic_locking });
  const uuids =
    op.commit && reserved !== undefined
      ? nodesOf(configuration, reserved)
      : [op.pnode, op.snode].flatMap((name) => (name === null ? [] : [nodeNamed(configuration, name).uuid]));
  return uuids.flatMap((uuid): LockRequest[] => [
    { level: 'node', name: uuid, mode: 'shared' },
    { level: 'node-res', name: uuid, mode: 'shared' },
  ]);
}

/** The node that an export lies on, or every node when it has to be looked for. */
function sourceLocks(op: Op, configuration: Configuration): LockRequest[] {
  if (op.mode !== 'import') return [];
  return op.src_node === null
    ? everyNode(configuration, 'shared')
    : [{ level: 'node', name: nodeNamed(configuration, op.src_node).uuid, mode: 'shared' }];
}

/** What hooks of an import are told of the export. */
const sourceEnvironment = ({ node, path, images }: ExportOrigin) => ({
  SRC_NODE: node.name,
  SRC_PATH: path,
  SRC_IMAGES: pythonText(images.map((image) => image ?? false)),
});

export const instanceCreate = operation({
  opcode: InstanceCreate,
  steps: createSteps,
  locks: (op, configuration) => [
    { level: 'instance', name: op.instance_name.toLowerCase(), mode: 'exclusive' },
    ...nodeLocks(op, configuration),
    ...sourceLocks(op, configuration),
  ],
  plan: async (op, context) => {
    if (op.mode === 'create') return await planCreate(op, context);
    if (op.osparams['os-image'] !== undefined) context.info('OS image has no effect during import');
    if (op.mode === 'remote-import') return await planCreate(op, context, await readHandshake(op, context));
    const { op: whole, origin } = await readExport(op, context);
    return await planCreate(whole, context, origin);
  },
  hooks: (op, { instance, disks, nodes, origin }, configuration) =>
    instanceHooks(
      'instance-add',
      configuration,
      instance,
      nodes.map((node) => node.uuid),
      { ADD_MODE: op.mode, ...(origin?.kind === 'export' && sourceEnvironment(origin)) },
      disks,
    ),
  run: create,
  dryRunResult: ({ nodes }) => nodes.map((node) => node.name),
});
