/** Changes of an instance's interfaces: each checked, addresses chosen and reserved, nothing made yet. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Instance } from '../../../model/objects/instance.ts';
import type { Nic } from '../../../model/objects/nic.ts';
import { filledNic } from '../../../model/params/fill.ts';
import type { DeviceChange } from '../../../opcodes/values.ts';
import type { PlanContext } from '../../operation.ts';
import type { NicRequest } from '../plan-nics.ts';
import {
  inserted,
  placeFor,
  positionOf,
  replaced,
  requireGoodNames,
  requireNoSettings,
  without,
} from './items.ts';
import { type NicScope, plannedNic } from './nic.ts';

/** Most interfaces of one instance (constants.MAX_NICS). */
const mostNics = 8;

/** What clients are told: name and value, as `gnt-instance modify` prints them. */
export type Told = readonly [string, unknown];

export interface NicAction {
  readonly kind: 'add' | 'modify' | 'remove';
  readonly index: number;
  readonly uuid: string;
  /** All interfaces before and after it. */
  readonly before: readonly Nic[];
  readonly after: readonly Nic[];
  readonly told: readonly Told[];
}

export type NicChange = DeviceChange<NicRequest>;

const shown = (value: string | null | undefined) => value ?? 'None';

function toldOfNew(scope: NicScope, nic: Nic, index: number, options: NicRequest): Told[] {
  const { mode, link } = filledNic(scope.context.configuration.cluster, nic);
  const network = nic.network ? shown(options.network) : 'None';
  const text = `add:mac=${nic.mac},ip=${shown(nic.ip)},mode=${mode},link=${link},network=${network}`;
  return [[`nic.${index}`, text]];
}

function toldOfChange(scope: NicScope, old: Nic, nic: Nic, index: number, options: NicRequest): Told[] {
  const { mode, link, vlan } = filledNic(scope.context.configuration.cluster, nic);
  const own = (['mac', 'ip', 'name'] as const).flatMap((key): Told[] =>
    key in options || (key === 'mac' && old.mac !== nic.mac)
      ? [[`nic.${key}/${index}`, nic[key] ?? null]]
      : [],
  );
  const network: Told[] =
    (nic.network ?? null) === (old.network ?? null)
      ? []
      : [[`nic.network/${index}`, options.network === undefined ? null : options.network]];
  const params: Told[] = [
    [`nic.link/${index}`, link],
    [`nic.mode/${index}`, mode],
    [`nic.vlan/${index}`, vlan],
  ];
  return [...own, ...network, ...params];
}

async function planned(scope: NicScope, change: NicChange, before: readonly Nic[]): Promise<NicAction> {
  const { action, target, options } = change;
  requireNoSettings('NIC', action, options);
  if (action === 'attach' || action === 'detach') {
    throw prerequisiteFailure(
      `${action === 'attach' ? 'Attach' : 'Detach'} operation is not supported for NICs`,
      ErrorCode.invalid,
    );
  }
  if (action === 'add') {
    const index = placeFor('NIC', target, before.length);
    const nic = await plannedNic(scope, options, undefined);
    const after = inserted(before, index, nic);
    return { kind: 'add', index, uuid: nic.uuid, before, after, told: toldOfNew(scope, nic, index, options) };
  }
  const index = positionOf('NIC', target, before);
  const old = before[index]!;
  if (action === 'remove') {
    const told: Told[] = [[`NIC/${index}`, 'remove']];
    return { kind: 'remove', index, uuid: old.uuid, before, after: without(before, index), told };
  }
  const nic = await plannedNic(scope, options, old);
  return {
    kind: 'modify',
    index,
    uuid: old.uuid,
    before,
    after: replaced(before, index, nic),
    told: toldOfChange(scope, old, nic, index, options),
  };
}

export interface NicWishes {
  readonly changes: readonly NicChange[];
  readonly force: boolean;
  readonly conflictsCheck: boolean;
}

/** @throws Failure OpPrereqError */
export async function planNicChanges(
  context: PlanContext,
  instance: Instance,
  { changes, force, conflictsCheck }: NicWishes,
): Promise<NicAction[]> {
  const scope: NicScope = { context, instance, force, conflictsCheck };
  const actions: NicAction[] = [];
  let nics: readonly Nic[] = instance.nics;
  for (const change of changes) {
    const action = await planned(scope, change, nics);
    actions.push(action);
    nics = action.after;
  }
  if (nics.length > mostNics) {
    throw prerequisiteFailure(
      `Instance has too many network interfaces (${mostNics}), cannot add more`,
      ErrorCode.state,
    );
  }
  if (actions.length > 0) requireGoodNames('NIC', nics);
  return actions;
}
