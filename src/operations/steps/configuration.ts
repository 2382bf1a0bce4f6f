/** Steps that change the configuration. Each undo puts back what its input carries. */
import * as z from 'zod';
import { Disk } from '../../model/objects/disk.ts';
import { Instance } from '../../model/objects/instance.ts';
import { step } from '../operation.ts';

/** Adds an instance with its disks; undone by taking both out, with the ports they held given back. */
export const addInstance = step({
  name: 'add-instance',
  input: z.object({ instance: Instance, disks: z.array(Disk), ports: z.array(z.int()) }),
  run: async ({ config }, { instance, disks }) => {
    await config.change(`add instance ${instance.name}`, (draft) => {
      for (const disk of disks) draft.put('disks', disk);
      draft.put('instances', instance);
    });
  },
  undo: async ({ config }, { instance, disks, ports }) => {
    if (
      !config.current.instances.has(instance.uuid) &&
      !disks.some((disk) => config.current.disks.has(disk.uuid))
    )
      return;
    await config.change(`take back instance ${instance.name}`, (draft) => {
      draft.remove('instances', instance.uuid);
      for (const disk of disks) draft.remove('disks', disk.uuid);
      draft.changeCluster({
        tcpudp_port_pool: [...new Set([...draft.cluster.tcpudp_port_pool, ...ports])].sort((a, b) => a - b),
      });
    });
  },
});

/** Takes an instance and its disks out for good; the ports go back into the pool. */
export const dropInstance = step({
  name: 'drop-instance',
  input: z.object({
    uuid: z.string(),
    name: z.string(),
    disks: z.array(z.string()),
    ports: z.array(z.int()),
  }),
  run: async ({ config }, { uuid, name, disks, ports }) => {
    await config.change(`remove instance ${name}`, (draft) => {
      draft.remove('instances', uuid);
      for (const disk of disks) draft.remove('disks', disk);
      draft.changeCluster({
        tcpudp_port_pool: [...new Set([...draft.cluster.tcpudp_port_pool, ...ports])].sort((a, b) => a - b),
      });
    });
  },
  undo: 'none',
});

const RunState = z.object({
  admin_state: z.enum(['up', 'down', 'offline']),
  admin_state_source: z.enum(['admin', 'user']),
  disks_active: z.boolean(),
  primary_node: z.string(),
});
export type RunState = z.infer<typeof RunState>;

/** What of an instance says how it should run now. */
export function runStateOf(instance: Instance): RunState {
  const { admin_state, admin_state_source, disks_active, primary_node } = instance;
  return { admin_state, admin_state_source, disks_active, primary_node };
}

/** Sets how an instance should run: state, disks, primary node; undone by what it was before. */
export const setRunState = step({
  name: 'set-run-state',
  input: z.object({ uuid: z.string(), before: RunState, after: RunState.partial() }),
  run: async ({ config }, { uuid, after }) => {
    await config.change('set instance state', (draft) => {
      const instance = draft.instances.get(uuid);
      if (instance === undefined) return;
      const next = { ...instance, ...after } as Instance;
      if (JSON.stringify(runStateOf(next)) !== JSON.stringify(runStateOf(instance)))
        draft.put('instances', next);
    });
  },
  undo: async ({ config }, { uuid, before }) => {
    const instance = config.current.instances.get(uuid);
    if (instance === undefined || JSON.stringify(runStateOf(instance)) === JSON.stringify(before)) return;
    await config.change('put back instance state', (draft) => {
      const current = draft.instances.get(uuid);
      if (current !== undefined) draft.put('instances', { ...current, ...before });
    });
  },
});
