import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceStatus, type WhatIs, type WhatShouldBe } from './instance-status.ts';

const base: WhatShouldBe = {
  adminState: 'up',
  adminStateSource: 'admin',
  nodeOffline: false,
  userShutdownEnabled: false,
  userShutdownAllowed: true,
};
const here = { state: 'running', onPrimary: true } as const;
const shut = { state: 'shutdown', onPrimary: true } as const;

test('what should be against what is', () => {
  const cases: readonly (readonly [Partial<WhatShouldBe>, WhatIs, string])[] = [
    [{}, here, 'running'],
    [{}, { state: 'paused', onPrimary: true }, 'running'],
    [{ adminState: 'down' }, here, 'ERROR_up'],
    [{ adminState: 'offline' }, here, 'ERROR_up'],
    [{}, { state: 'running', onPrimary: false }, 'ERROR_wrongnode'],
    [{ adminState: 'down' }, { state: 'shutdown', onPrimary: false }, 'ERROR_wrongnode'],
    [{}, shut, 'ERROR_down'],
    [{ userShutdownEnabled: true }, shut, 'USER_down'],
    [{ userShutdownEnabled: true, userShutdownAllowed: false }, shut, 'ERROR_down'],
    [{ adminState: 'down' }, shut, 'ADMIN_down'],
    [{ adminState: 'down', userShutdownEnabled: true, adminStateSource: 'user' }, shut, 'ADMIN_down'],
    [{}, 'absent', 'ERROR_down'],
    [{ userShutdownEnabled: true }, 'absent', 'ERROR_down'],
    [{ adminState: 'down' }, 'absent', 'ADMIN_down'],
    [{ adminState: 'down', adminStateSource: 'user' }, 'absent', 'ADMIN_down'],
    [{ adminState: 'down', adminStateSource: 'user', userShutdownEnabled: true }, 'absent', 'USER_down'],
    [{ adminState: 'offline' }, 'absent', 'ADMIN_offline'],
    [{}, undefined, 'ERROR_nodedown'],
    [{ adminState: 'down' }, undefined, 'ERROR_nodedown'],
    [{ nodeOffline: true }, undefined, 'ERROR_nodeoffline'],
    [{ nodeOffline: true }, here, 'ERROR_nodeoffline'],
  ];
  for (const [should, is, status] of cases) {
    assert.equal(instanceStatus({ ...base, ...should }, is), status, JSON.stringify([should, is]));
  }
});
