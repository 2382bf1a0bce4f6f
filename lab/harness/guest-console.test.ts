import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lostTicks, readGuestConsole } from './guest-console.ts';

const recorded = [
  'ck 3 at 1.00', // the console was joined in the middle of a line
  '[    0.000000] Linux version 6.1.0-56-cloud-amd64\r',
  'guest: root is /dev/vda\r',
  'guest: boot web1.lab.example, kernel 6.1.0-56-cloud-amd64\r',
  'guest: counter found on disk: 41\r',
  'guest: eth0 10.77.0.121/24\r',
  'tick 42 at 6.60\r',
  'tick 43 at 6.82\r',
  'synced 43\r',
  'guest: powering off\r',
  'tick 44 at 7.',
].join('\n');

test('reads boot, counter, address, ticks and the end', () => {
  assert.deepEqual(readGuestConsole(recorded), {
    boots: [{ name: 'web1.lab.example', kernel: '6.1.0-56-cloud-amd64' }],
    found: 41,
    address: '10.77.0.121/24',
    ticks: [
      { count: 42, uptimeSeconds: 6.6 },
      { count: 43, uptimeSeconds: 6.82 },
    ],
    synced: [43],
    poweringOff: true,
  });
});

test('an empty console tells nothing', () => {
  assert.deepEqual(readGuestConsole(''), {
    boots: [],
    found: undefined,
    address: undefined,
    ticks: [],
    synced: [],
    poweringOff: false,
  });
});

test('names exactly the ticks that are missing between first and last', () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.integer({ min: 3, max: 60 }),
      fc.array(fc.nat(1000)),
      (start, length, picks) => {
        const all = Array.from({ length }, (_, index) => start + index);
        const removed = new Set(picks.map((pick) => start + 1 + (pick % (length - 2))));
        const kept = all.filter((count) => !removed.has(count));
        assert.deepEqual(
          lostTicks(kept),
          [...removed].sort((a, b) => a - b),
        );
      },
    ),
  );
  assert.deepEqual(lostTicks([]), []);
});
