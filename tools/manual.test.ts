/** The manual pages say what the programs do now. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { manualFolder, manualPages } from './manual.ts';

const pages = await manualPages();

test('the checked-in pages are the generated ones (node tools/manual.ts writes them)', () => {
  assert.deepEqual(readdirSync(manualFolder).sort(), [...pages.keys()].sort());
  for (const [file, text] of pages)
    assert.ok(
      readFileSync(join(manualFolder, file), 'utf8') === text,
      `${file} is old: run node tools/manual.ts`,
    );
});

test('no line of text is taken for a request', () => {
  const requests = /^\.(?:PP|SH|SS|TH|TP)\b/;
  for (const [file, text] of pages)
    for (const line of text.split('\n'))
      assert.ok(!/^[.']/.test(line) || requests.test(line), `${file}: ${line}`);
});
