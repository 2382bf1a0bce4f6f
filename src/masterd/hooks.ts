/** Hook scripts of operations, run by the node daemons of the nodes that the operation names. */
import { hookEnvironment } from '../hooks/environment.ts';
import { Failure } from '../kit/failure.ts';
import type { Paths } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import type { NodeCaller } from '../noderpc/call.ts';
import { hooksRunner } from '../noderpc/calls/node.ts';
import type { HookRun, HooksRunner } from '../operations/runner.ts';

/** constants.HOOKS_NAME_CFGUPDATE. */
const configurationHook = 'config-update';

function environment(
  { phase, opcode, plan, after }: HookRun,
  { cluster, nodes }: Configuration,
  { dataDir }: Pick<Paths, 'dataDir'>,
): Record<string, string> {
  return hookEnvironment({
    path: plan.path,
    phase,
    opcode,
    objectType: plan.objectType,
    cluster: cluster.cluster_name,
    master: nodes.get(cluster.master_node)?.name ?? '',
    dataDir,
    before: plan.env,
    after: after?.env,
  });
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
        ...failed.map(
          ([node, script, output]) =>
            `On ${node} script ${script} failed, output: ${output || '(no output)'}`,
        ),
      ];
    },
    async configurationChanged(opcode, about) {
      const configuration = current();
      const { cluster, nodes: members } = configuration;
      const env = hookEnvironment({
        path: configurationHook,
        phase: 'post',
        opcode,
        objectType: about?.objectType,
        cluster: cluster.cluster_name,
        master: members.get(cluster.master_node)?.name ?? '',
        dataDir: paths.dataDir,
        before: about?.env ?? {},
      });
      await nodes.callAll([cluster.master_node], hooksRunner, {
        hook: configurationHook,
        phase: 'post',
        env,
      });
    },
  };
}
