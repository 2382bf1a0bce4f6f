/** Hook scripts of operations, run by the node daemons of the nodes that the operation names. */
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { hooksRunner } from '../noderpc/calls/node.ts';
import type { HookRun, HooksRunner } from '../operations/runner.ts';

/** constants.HOOKS_VERSION. */
const hooksVersion = '2';
const hooksPath = '/sbin:/bin:/usr/sbin:/usr/bin';

function environment(
  { phase, opcode, plan, after }: HookRun,
  configuration: Configuration,
  paths: Paths,
): Record<string, string> {
  const prefixed = (values: Readonly<Record<string, string>>, prefix: string) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]));
  const master = configuration.nodes.get(configuration.cluster.master_node);
  return {
    PATH: hooksPath,
    GANETI_HOOKS_VERSION: hooksVersion,
    GANETI_OP_CODE: opcode,
    GANETI_DATA_DIR: paths.dataDir,
    GANETI_HOOKS_PHASE: phase,
    GANETI_HOOKS_PATH: plan.path,
    GANETI_OBJECT_TYPE: plan.objectType,
    GANETI_CLUSTER: configuration.cluster.cluster_name,
    GANETI_MASTER: master?.name ?? '',
    ...prefixed(plan.env, 'GANETI_'),
    ...(after === undefined ? {} : prefixed(after.env, 'GANETI_POST_')),
  };
}

export interface HookServices {
  readonly nodes: NodeCaller;
  readonly paths: Paths;
  readonly current: () => Configuration;
}

export function createHooksRunner({ nodes, paths, current }: HookServices): HooksRunner {
  const nameOf = (uuid: string) => current().nodes.get(uuid)?.name ?? uuid;
  return {
    async runPhase(run) {
      const configuration = current();
      const where = [...new Set(run.phase === 'pre' ? run.plan.preNodes : run.plan.postNodes)];
      if (where.length === 0) return [];
      const replies = await nodes.callAll(where, hooksRunner, {
        hook: run.plan.path,
        phase: run.phase,
        env: environment(run, configuration, paths),
      });
      const warnings: string[] = [];
      const failed: [string, string, string][] = [];
      for (const [uuid, reply] of replies) {
        if (reply.kind === 'offline') continue;
        if (reply.kind !== 'answered') {
          warnings.push(`Communication failure to node ${nameOf(uuid)}: ${reply.message}`);
          continue;
        }
        for (const { script, status, output } of reply.value) {
          if (status === 'error') failed.push([nameOf(uuid), script, output]);
        }
      }
      if (run.phase === 'pre' && failed.length > 0) throw new Failure('HooksAbort', [failed]);
      return [
        ...warnings,
        ...failed.map(([node, script, output]) => `On ${node} script ${script} failed, output: ${output}`),
      ];
    },
    async configurationChanged(opcode) {
      const configuration = current();
      const master = configuration.cluster.master_node;
      const plan = {
        path: 'config-update',
        objectType: 'CLUSTER',
        env: { OP_TARGET: configuration.cluster.cluster_name },
        preNodes: [],
        postNodes: [master],
      } as const;
      await nodes.callAll([master], hooksRunner, {
        hook: plan.path,
        phase: 'post',
        env: environment({ phase: 'post', opcode, plan }, configuration, paths),
      });
    },
  };
}
