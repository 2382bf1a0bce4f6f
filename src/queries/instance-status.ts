/**
 * What is said of an instance when what it should do is held against what it does (Instance.hs,
 * determineInstanceStatus; man page gnt-instance, "status"). Pure.
 *
 *                      should run          should not           offline
 *   runs there         running             ERROR_up             ERROR_up
 *   runs elsewhere     ERROR_wrongnode     ERROR_wrongnode      ERROR_wrongnode
 *   was shut down      ERROR_down or       ADMIN_down           ADMIN_down
 *    and is still seen  USER_down
 *   not seen           ERROR_down          ADMIN_down or        ADMIN_offline
 *                                           USER_down
 *   no answer          ERROR_nodedown, or ERROR_nodeoffline when the node is marked offline
 */

import { assertNever } from '../kit/failure.ts';
import type { AdminState } from '../model/objects/instance.ts';

export type InstanceStatus =
  | 'running'
  | 'ADMIN_down'
  | 'ADMIN_offline'
  | 'USER_down'
  | 'ERROR_up'
  | 'ERROR_down'
  | 'ERROR_wrongnode'
  | 'ERROR_nodedown'
  | 'ERROR_nodeoffline';

export interface WhatShouldBe {
  readonly adminState: AdminState;
  readonly adminStateSource: 'admin' | 'user';
  /** The primary node is marked offline. */
  readonly nodeOffline: boolean;
  /** The cluster lets users stop instances from within. */
  readonly userShutdownEnabled: boolean;
  /** The instance's hypervisor parameters let them. */
  readonly userShutdownAllowed: boolean;
}

/** undefined: its primary node did not answer, and no other node has it. */
export type WhatIs =
  | { readonly state: 'running' | 'paused' | 'shutdown'; readonly onPrimary: boolean }
  | 'absent'
  | undefined;

function statusOfSeen(
  should: WhatShouldBe,
  is: { readonly state: 'running' | 'paused' | 'shutdown'; readonly onPrimary: boolean },
): InstanceStatus {
  if (!is.onPrimary) return 'ERROR_wrongnode';
  const isWanted = should.adminState === 'up';
  if (is.state !== 'shutdown') return isWanted ? 'running' : 'ERROR_up';
  if (!isWanted) return 'ADMIN_down';
  return should.userShutdownEnabled && should.userShutdownAllowed ? 'USER_down' : 'ERROR_down';
}

function statusOfAbsent(should: WhatShouldBe): InstanceStatus {
  switch (should.adminState) {
    case 'up':
      return 'ERROR_down';
    case 'offline':
      return 'ADMIN_offline';
    case 'down':
      return should.adminStateSource === 'user' && should.userShutdownEnabled ? 'USER_down' : 'ADMIN_down';
    default:
      return assertNever(should.adminState);
  }
}

export function instanceStatus(should: WhatShouldBe, is: WhatIs): InstanceStatus {
  if (should.nodeOffline) return 'ERROR_nodeoffline';
  if (is === undefined) return 'ERROR_nodedown';
  return is === 'absent' ? statusOfAbsent(should) : statusOfSeen(should, is);
}
