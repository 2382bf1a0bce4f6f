/**
 * The hooks of the cluster's address, which the master's own node daemon runs around bringing it up and taking it down
 * (backend.RunLocalHooks): the address changes at times when there is no job.
 */
import { readFile } from 'node:fs/promises';
import { hookEnvironment } from '../hooks/environment.ts';
import { runHooks } from '../hooks/runner.ts';
import { Failure } from '../kit/failure.ts';
import type { NodeContext } from './context.ts';
import type { MasterAddress } from './master-ip.ts';

/** Name of the hook, and the word that stands for an opcode (constants.FAKE_OP_MASTER_*). */
const hooks = {
  up: { path: 'master-ip-turnup', opcode: 'OP_CLUSTER_IP_TURNUP' },
  down: { path: 'master-ip-turndown', opcode: 'OP_CLUSTER_IP_TURNDOWN' },
} as const;

type Context = Pick<NodeContext, 'paths' | 'log' | 'hostname' | 'env'>;

async function ssconf({ paths }: Context, name: string): Promise<string> {
  return (await readFile(`${paths.dataDir}/ssconf_${name}`, 'utf8').catch(() => '')).trim();
}

/**
 * @throws Failure HooksAbort when a script before it fails: then nothing is done; the failure of the work itself.
 *   Scripts after it that fail are logged.
 */
export async function withMasterIpHooks(
  context: Context,
  direction: keyof typeof hooks,
  address: MasterAddress,
  work: () => Promise<void>,
): Promise<void> {
  const { path, opcode } = hooks[direction];
  const about = {
    MASTER_NETDEV: address.netdev,
    MASTER_IP: address.ip,
    MASTER_NETMASK: String(address.netmask),
    CLUSTER_IP_VERSION: address.family === 2 ? '4' : '6',
  };
  const cluster = await ssconf(context, 'cluster_name');
  const master = await ssconf(context, 'master_node');
  const run = async (phase: 'pre' | 'post') => {
    const env = hookEnvironment({
      path,
      phase,
      opcode,
      cluster,
      master,
      dataDir: context.paths.dataDir,
      before: about,
      ...(phase === 'post' && { after: about }),
    });
    const results = await runHooks(context.paths, { hook: path, phase, env }, { daemonEnv: context.env });
    return results.filter(({ status }) => status === 'error');
  };
  const refused = await run('pre');
  if (refused.length > 0)
    throw new Failure('HooksAbort', [
      refused.map(({ script, output }) => [context.hostname, script, output]),
    ]);
  await work();
  for (const { script, output } of await run('post'))
    context.log.warning(`${script} failed, output: ${output || '(no output)'}`);
}
