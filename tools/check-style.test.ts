import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { checkStyle, longest } from './check-style.ts';

const root = mkdtempSync(join(tmpdir(), 'style-'));
after(() => rmSync(root, { recursive: true }));

const head = '/** What it is. */\n';
/** A file of so many lines. */
const ofLines = (count: number) => `${head}${'export {};\n'.repeat(count - 1)}`;

function faultsOf(files: Readonly<Record<string, string>>): readonly string[] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { read, faults } = checkStyle(root);
  for (const path of Object.keys(files)) rmSync(join(root, path));
  assert.equal(read, Object.keys(files).length);
  return faults;
}

test('a file of more lines than one subject needs is a fault, wherever it is', () => {
  for (const path of ['src/a.ts', 'lab/a.lab.ts', 'tools/a.ts', 'bench/a.test.ts']) {
    assert.deepEqual(faultsOf({ [path]: ofLines(longest) }), []);
    assert.deepEqual(faultsOf({ [path]: ofLines(longest + 1) }), [
      `${path}: ${longest + 1} lines; what is the second subject?`,
    ]);
  }
});

test('each file says at its head what it is, but for tests; none speaks of unfinished work', () => {
  const unfinished = ['TO', 'DO'].join('');
  const files = {
    'lab/a.ts': 'export {};\n',
    'lab/b.test.ts': 'export {};\n',
    'lab/c.ts': `#!/usr/bin/env node\n${head}// ${unfinished}\n`,
  };
  assert.deepEqual(faultsOf(files), [
    'lab/a.ts: no comment at its head says what it is',
    'lab/c.ts: speaks of unfinished work',
  ]);
});
