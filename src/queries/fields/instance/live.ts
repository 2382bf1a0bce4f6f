/** What an instance does now, as its node tells. */
import type { Instance } from '../../../model/objects/instance.ts';
import { type Cell, ifKnown, noData, offline, unavailable, valued } from '../../cell.ts';
import { described, type LiveField, type View } from '../../field.ts';
import { instanceStatus, type WhatIs } from '../../instance-status.ts';
import type { Console, InstanceLive } from '../../live/instance.ts';

type InstanceLiveField = LiveField<Instance, InstanceLive>;

function whatIs(live: InstanceLive): WhatIs {
  if (live.kind !== 'answered') return undefined;
  return live.running ?? 'absent';
}

function statusOf(instance: Instance, view: View, live: InstanceLive): string {
  const { cluster, nodes } = view.configuration;
  const allowed = view.relations.hvparams(instance).user_shutdown;
  return instanceStatus(
    {
      adminState: instance.admin_state,
      adminStateSource: instance.admin_state_source,
      nodeOffline: nodes.get(instance.primary_node)?.offline ?? false,
      userShutdownEnabled: cluster.enabled_user_shutdown,
      userShutdownAllowed: allowed === undefined || allowed === true,
    },
    whatIs(live),
  );
}

/** A fact of the running instance; an instance that doesn't run has none. */
function running(get: (facts: { readonly memory: number; readonly vcpus: number }) => number) {
  return (_instance: Instance, _view: View, live: InstanceLive): Cell => {
    if (live.kind === 'answered') return live.running === null ? unavailable : valued(get(live.running));
    return live.kind === 'offline' ? offline : noData;
  };
}

/** As clients know it (objects.InstanceConsole): what is not set is left out. */
function consoleValue(instance: Instance, console: Console): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries({ instance: instance.name, ...console }).filter(([, value]) => value !== null),
  );
}

export const liveFields: InstanceLiveField[] = [
  {
    ...described(
      'status',
      'Status',
      'text',
      'What it should do against what it does: running, ADMIN_down (stopped, and should be), ADMIN_offline,' +
        ' USER_down (stopped from within), ERROR_up (runs, but should not), ERROR_down (should run, but does' +
        ' not), ERROR_wrongnode (runs, but not on its primary node), ERROR_nodedown (no answer from its' +
        ' primary node), ERROR_nodeoffline (its primary node is marked offline)',
    ),
    live: ['state'],
    read: (instance, view, live) => valued(statusOf(instance, view, live)),
  },
  {
    ...described('oper_state', 'Running', 'bool', 'Whether it runs'),
    live: ['state'],
    read: (_instance, _view, live) => (live.kind === 'answered' ? valued(live.running !== null) : noData),
  },
  {
    ...described('oper_ram', 'Memory', 'unit', 'Memory that it has now'),
    live: ['state'],
    read: running(({ memory }) => memory),
  },
  {
    ...described('oper_vcpus', 'VCPUs', 'number', 'Virtual processors that it has now'),
    live: ['state'],
    read: running(({ vcpus }) => vcpus),
  },
  {
    ...described('console', 'Console', 'other', 'How to reach its console'),
    live: ['state', 'console'],
    read: (instance, _view, live) => {
      if (live.kind === 'offline') return offline;
      return ifKnown(
        live.kind === 'answered' && live.console !== null ? consoleValue(instance, live.console) : null,
      );
    },
  },
];
