/** OP_INSTANCE_CONSOLE: how to reach the console of a running instance. */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { instanceNamed } from '../../model/lookup.ts';
import { instanceConsole as consoleCall } from '../../noderpc/calls/instance.ts';
import { InstanceConsole } from '../../opcodes/instance.ts';
import { primaryOf, requireOnline, runningOn } from '../checks.ts';
import { instanceOnNode } from '../on-node.ts';
import { operation } from '../operation.ts';

export const instanceConsole = operation({
  opcode: InstanceConsole,
  steps: [],
  locks: (op, configuration) => [
    { level: 'instance', name: instanceNamed(configuration, op.instance_name).name, mode: 'shared' },
  ],
  plan: async (op, { configuration, nodes }) => {
    const instance = instanceNamed(configuration, op.instance_name);
    const primary = primaryOf(configuration, instance);
    requireOnline(primary);
    if ((await runningOn(nodes, configuration, instance, primary.uuid)) === null) {
      const state =
        instance.admin_state === 'up'
          ? 'ERROR_down'
          : instance.admin_state === 'down'
            ? 'ADMIN_down'
            : 'ADMIN_offline';
      throw prerequisiteFailure(`Instance ${instance.name} is not running (state ${state})`, ErrorCode.state);
    }
    const info = await nodes.call(primary.uuid, consoleCall, {
      instance: instanceOnNode(configuration, instance, primary.uuid),
    });
    return { instance: instance.name, ...info };
  },
  run: async (info) => info,
});
