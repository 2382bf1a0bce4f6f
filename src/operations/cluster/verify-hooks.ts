/**
 * The hooks of a verification: on every node of the group, after it, and what they say is part of the report
 * (LUClusterVerifyGroup.HooksCallBack).
 */
import { hookEnvironment } from '../../hooks/environment.ts';
import type { Node } from '../../model/objects/node.ts';
import type { Reply } from '../../noderpc/call.ts';
import { hooksRunner } from '../../noderpc/calls/node.ts';
import type { World } from '../operation.ts';
import type { VerifyReport } from './verify-report.ts';

const hook = 'cluster-verify';

function environment({ config, paths }: World, members: readonly Node[]): Record<string, string> {
  const { cluster, nodes } = config.current;
  return hookEnvironment({
    path: hook,
    phase: 'post',
    opcode: 'OP_CLUSTER_VERIFY_GROUP',
    objectType: 'CLUSTER',
    cluster: cluster.cluster_name,
    master: nodes.get(cluster.master_node)?.name ?? '',
    dataDir: paths.dataDir,
    before: variables(cluster.tags, members),
    after: variables(cluster.tags, members),
  });
}

function variables(tags: readonly string[], members: readonly Node[]): Record<string, string> {
  return {
    CLUSTER_TAGS: tags.join(' '),
    ...Object.fromEntries(members.map((node) => [`NODE_TAGS_${node.name}`, node.tags.join(' ')])),
  };
}

/** @param silent nodes that did not answer before, with the reason: they aren't asked again */
export async function verifyByHooks(
  world: World,
  members: readonly Node[],
  silent: ReadonlyMap<string, string>,
  report: VerifyReport,
): Promise<void> {
  report.section('Hooks Results');
  const online = members.filter(({ offline }) => !offline);
  const asked = online.filter(({ uuid }) => !silent.has(uuid)).map(({ uuid }) => uuid);
  const env = environment(world, members);
  const replies = await world.nodes.callAll(asked, hooksRunner, { hook, phase: 'post', env });
  for (const { uuid, name } of online) {
    const reply: Reply<readonly { script: string; status: string; output: string }[]> = replies.get(uuid) ?? {
      kind: 'unreachable',
      message: silent.get(uuid) ?? 'no answer',
    };
    if (reply.kind === 'offline') continue;
    if (reply.kind !== 'answered') {
      report.error('ENODEHOOKS', name, `Communication failure in hooks execution: ${reply.message}`);
      continue;
    }
    for (const { script, status, output } of reply.value) {
      if (status !== 'error') continue;
      report.error('ENODEHOOKS', name, `Script ${script} failed, output:`);
      report.line(output.replaceAll(/^/gm, '      '));
    }
  }
}
