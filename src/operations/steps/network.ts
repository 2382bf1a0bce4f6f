/** The step that connects a network to a group or cuts it off. */
import * as z from 'zod';
import type { ConfigStore } from '../../config/contract.ts';
import { NicParameters } from '../../model/objects/nic.ts';
import { step } from '../operation.ts';

const Connection = NicParameters.nullable();

async function ensure(
  config: ConfigStore,
  group: string,
  network: string,
  wanted: z.infer<typeof Connection>,
): Promise<void> {
  const current = config.current.nodegroups.get(group)?.networks[network] ?? null;
  if (JSON.stringify(current) === JSON.stringify(wanted)) return;
  await config.change(`connections of network ${network}`, (draft) => {
    const found = draft.nodegroups.get(group);
    if (found === undefined) return;
    const { [network]: _, ...others } = found.networks;
    draft.put('nodegroups', {
      ...found,
      networks: wanted === null ? others : { ...others, [network]: wanted },
    });
  });
}

/** null stands for no connection. */
export const changeConnection = step({
  name: 'change-connection',
  input: z.object({ group: z.string(), network: z.string(), before: Connection, after: Connection }),
  run: ({ config }, { group, network, after }) => ensure(config, group, network, after),
  undo: ({ config }, { group, network, before }) => ensure(config, group, network, before),
});
