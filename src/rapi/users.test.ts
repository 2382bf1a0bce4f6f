import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../kit/log.ts';
import { parseUsers, passwordFits, watchUsers } from './users.ts';

test('a line is name, password, rights', () => {
  const users = parseUsers('# comment\n\n  a pw\nb pw read\nc pw write, read\nlonely\n');
  assert.deepEqual([...users.keys()], ['a', 'b', 'c']);
  assert.deepEqual(
    [...users.values()].map(({ options }) => options),
    [[], ['read'], ['write', 'read']],
  );
});

test('passwords of unknown or broken schemes fit nothing', () => {
  const fits = (password: string, given: string) => passwordFits({ name: 'u', password }, given);
  assert.equal(fits('plain', 'plain'), true);
  assert.equal(fits('{ClearText}plain', 'plain'), true);
  assert.equal(fits('{SSHA}abc', 'abc'), false);
  for (const broken of ['{}abc', '{abc', '{']) assert.equal(fits(broken, broken), false, broken);
});

test('the file counts as it is now', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rapi-users-'));
  try {
    const path = join(folder, 'users');
    const directory = watchUsers(path, silentLog);
    assert.equal(directory.user('a'), undefined);
    writeFileSync(path, 'a one write\n');
    assert.equal(directory.user('a')?.password, 'one');
    writeFileSync(path, 'a other write\n');
    assert.equal(directory.user('a')?.password, 'other');
    rmSync(path);
    assert.equal(directory.user('a'), undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
