/** Node calls about the Open vSwitch that a cluster sets up (node parameters ovs, ovs_name and ovs_link). */
import { executionFailure } from '../../kit/failure.ts';
import { describeFailure } from '../../kit/process.ts';
import * as calls from '../../noderpc/calls/node.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import type { NodeContext } from '../context.ts';

async function control({ host }: NodeContext, what: string, args: readonly string[]): Promise<void> {
  const result = await host.run(['ovs-vsctl', ...args]);
  if (result.code !== 0) throw executionFailure(`Failed to ${what}: ${describeFailure(result)}`);
}

/** null when there is no such switch. */
async function portsOf({ host }: NodeContext, name: string): Promise<string[] | null> {
  const exists = await host.run(['ovs-vsctl', 'br-exists', name]);
  // 2: there is none (ovs-vsctl(8)).
  if (exists.code === 2) return null;
  if (exists.code !== 0) throw executionFailure(describeFailure(exists));
  const listed = await host.run(['ovs-vsctl', 'list-ports', name]);
  if (listed.code !== 0) throw executionFailure(describeFailure(listed));
  return listed.stdout.split('\n').filter((port) => port !== '');
}

/** node_configure_ovs, node_remove_ovs and node_ovs_ports. */
export function switchHandlers(context: NodeContext): NodeHandler[] {
  return [
    answers(calls.nodeConfigureOvs, async ({ name, link }) => {
      await control(context, 'create openvswitch', ['--may-exist', 'add-br', name]);
      if (link !== null) {
        await control(context, `connect openvswitch to interface ${link}`, [
          '--may-exist',
          'add-port',
          name,
          link,
        ]);
      }
      return null;
    }),
    answers(calls.nodeRemoveOvs, async ({ name, link, keepSwitch }) => {
      if (link !== null)
        await control(context, `disconnect ${link}`, ['--if-exists', 'del-port', name, link]);
      if (!keepSwitch) await control(context, 'remove openvswitch', ['--if-exists', 'del-br', name]);
      return null;
    }),
    answers(calls.nodeOvsPorts, async ({ name }) => ({ ports: await portsOf(context, name) })),
  ];
}
