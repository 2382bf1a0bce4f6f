import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recorded } from './recorded.ts';

test('times, uuids, addresses, folders and job numbers are named, all else stays', () => {
  assert.equal(recorded('Fri Nov 20 15:48:01 2026 * disk 0, size 1.0G\n'), '<time> * disk 0, size 1.0G\n');
  assert.equal(recorded('Sun Mar  1 05:08:01 2026  - INFO: x'), '<time>  - INFO: x');
  assert.equal(recorded('Creation time: 2026-11-21 03:15:29'), 'Creation time: <date>');
  assert.equal(recorded('UUID: 58dd856d-a9e1-4801-a106-80f3825f6b5d'), 'UUID: <uuid>');
  assert.equal(recorded('MAC: aa:00:00:0b:1c:2d, IP: None'), 'MAC: <mac>, IP: None');
  assert.equal(recorded('Waiting for job 14 for inst1 ...'), 'Waiting for job <id> for inst1 ...');
  assert.equal(recorded('Submitted jobs 112, 113, 114'), 'Submitted jobs <id>');
  assert.equal(recorded('/tmp/x/node1/srv', '/tmp/x'), '<folder>/node1/srv');
  assert.equal(recorded('job queue of 3 nodes'), 'job queue of 3 nodes');
});
