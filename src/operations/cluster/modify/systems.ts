/** Operating systems: their parameters, and which of them are hidden or not for new instances. */
import { executionFailure, messageOf } from '../../../kit/failure.ts';
import { masterNode } from '../../../model/lookup.ts';
import { changeLevel, type ParameterValues } from '../../../model/params/family.ts';
import { osValidate } from '../../../noderpc/calls/os.ts';
import type { PlanContext } from '../../operation.ts';
import { faultOf } from '../../replies.ts';
import { isGiven, type Modification, wrongInput } from './request.ts';

type ByOs = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** "default" and null take a value away; an OS without values goes. */
function changedParameters(current: ByOs, change: Readonly<Record<string, unknown>>): ByOs {
  const result: Record<string, Readonly<Record<string, string>>> = { ...current };
  for (const [os, wanted] of Object.entries(change)) {
    const values = Object.entries((wanted ?? {}) as ParameterValues).map(
      ([name, value]) => [name, value === null ? 'default' : String(value)] as const,
    );
    const own = changeLevel(result[os] ?? {}, Object.fromEntries(values)) as Record<string, string>;
    if (Object.keys(own).length === 0) delete result[os];
    else result[os] = own;
  }
  return result;
}

/** The master looks at them with the OS definition's own script; an OS that isn't there is left alone. */
async function requireAccepted(context: PlanContext, os: string, open: ByOs, secret: ByOs): Promise<void> {
  const master = masterNode(context.configuration);
  const osparams = { ...open[os], ...secret[os] };
  const replies = await context.nodes.callAll([master.uuid], osValidate, {
    name: os,
    checks: ['parameters'],
    osparams,
    required: false,
    forceVariant: false,
  });
  const reply = replies.get(master.uuid);
  const fault = faultOf(reply);
  if (fault !== undefined)
    throw executionFailure(`OS Parameters validation failed on node ${master.name}: ${fault}`);
  if (reply?.kind === 'answered' && !reply.value.found)
    context.info(`OS ${os} not found on node ${master.name}, validation skipped`);
}

function changedList(
  current: readonly string[],
  changes: readonly (readonly [string, string])[],
  title: string,
  notes: string[],
): string[] {
  const list = [...current];
  for (const [action, os] of changes) {
    if (action === 'add') {
      if (list.includes(os)) notes.push(`OS ${os} already in ${title} OS list, ignoring`);
      else list.push(os);
    } else if (action === 'remove') {
      if (list.includes(os)) list.splice(list.indexOf(os), 1);
      else notes.push(`OS ${os} not found in ${title} OS list, ignoring`);
    } else throw wrongInput(`Invalid modification '${action}'`);
  }
  return list;
}

/** @returns private parameters after the change; they must stand in no journal, so they are no part of `change` */
export async function modifySystems(modification: Modification): Promise<ByOs | undefined> {
  const { op, cluster, change, context, notes } = modification;
  const open = changedParameters(cluster.osparams, op.osparams ?? {});
  const secret = changedParameters(cluster.osparams_private_cluster, op.osparams_private_cluster ?? {});
  const touched = new Set([
    ...Object.keys(op.osparams ?? {}),
    ...Object.keys(op.osparams_private_cluster ?? {}),
  ]);
  for (const os of touched) {
    try {
      await requireAccepted(context, os, open, secret);
    } catch (error) {
      throw executionFailure(messageOf(error), error);
    }
  }
  if (isGiven(op.osparams)) change.osparams = open as Record<string, Record<string, string>>;
  if (op.hidden_os !== null) change.hidden_os = changedList(cluster.hidden_os, op.hidden_os, 'hidden', notes);
  if (op.blacklisted_os !== null)
    change.blacklisted_os = changedList(cluster.blacklisted_os, op.blacklisted_os, 'blacklisted', notes);
  return isGiven(op.osparams_private_cluster) ? secret : undefined;
}
