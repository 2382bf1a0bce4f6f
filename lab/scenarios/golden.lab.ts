/** What real Ganeti answered to a thousand commands is still what we answer, wherever it was before. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { runProcess } from '../../src/kit/process.ts';

test("answers that were Ganeti's are still Ganeti's", { timeout: 1_500_000 }, async () => {
  const replay = resolve(import.meta.dirname, '../golden/replay');
  const { code, stdout, stderr } = await runProcess([replay, '--check'], { timeoutMs: 1_400_000 });
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /^19-masked-errors: \d+ of \d+$/m);
});
