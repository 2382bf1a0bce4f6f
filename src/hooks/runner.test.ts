import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { runHooks } from './runner.ts';

describe('hook scripts', () => {
  let root = '';
  const paths = () => ({ root: '', hooksDir: root });
  const script = (folder: string, name: string, body: string, mode = 0o755) => {
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(root, folder, name), mode);
  };
  const run = (options = {}) =>
    runHooks(
      paths(),
      { hook: 'node-add', phase: 'pre', env: { GANETI_OP: 'x', PATH: '/bin:/usr/bin' } },
      options,
    );

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hooks-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  test('no folder means no results', async () => {
    assert.deepEqual(await run(), []);
  });

  test('scripts run in the order of their names, each with its own result', async () => {
    script('node-add-pre.d', '20-second', 'echo two; exit 3');
    script('node-add-pre.d', '10-first', 'echo one; echo complaint >&2');
    script('node-add-post.d', '10-first', 'echo never');
    assert.deepEqual(await run(), [
      { script: 'node-add-pre.d/10-first', status: 'success', output: 'one\ncomplaint' },
      { script: 'node-add-pre.d/20-second', status: 'error', output: 'two' },
    ]);
  });

  test('what is not a script by its name or mode is skipped, hidden files are not seen', async () => {
    script('node-add-pre.d', 'kept.dpkg-old', 'echo no');
    script('node-add-pre.d', 'plain', 'echo no', 0o644);
    script('node-add-pre.d', '.hidden', 'echo no');
    mkdirSync(join(root, 'node-add-pre.d', 'folder'));
    const results = await run();
    assert.deepEqual(
      results.map(({ script: name, status }) => [name, status]),
      [
        ['node-add-pre.d/folder', 'skip'],
        ['node-add-pre.d/kept.dpkg-old', 'skip'],
        ['node-add-pre.d/plain', 'skip'],
      ],
    );
  });

  test("the environment is the master's and nothing else", async () => {
    process.env.LEAKED_SECRET = 'yes';
    script('node-add-pre.d', 'show', 'env | sort');
    const [result] = await run();
    delete process.env.LEAKED_SECRET;
    assert.match(result!.output, /^GANETI_OP=x$/m);
    assert.doesNotMatch(result!.output, /LEAKED/);
  });

  test('a virtual node is named to its scripts', async () => {
    script('node-add-pre.d', 'show', 'echo "$GANETI_ROOTDIR $GANETI_HOSTNAME"');
    const [result] = await runHooks(
      { root: '/vc/node1', hooksDir: root },
      { hook: 'node-add', phase: 'pre', env: {} },
      { daemonEnv: { GANETI_HOSTNAME: 'node1.example.com' } },
    );
    assert.equal(result!.output, '/vc/node1 node1.example.com');
  });

  test('a script that hangs is killed with its children and is an error', async () => {
    script('node-add-pre.d', 'hang', 'echo begun; sleep 60 & wait');
    const [result] = await run({ timeoutMs: 300 });
    assert.equal(result!.status, 'error');
    assert.match(result!.output, /^begun\nHook script did not end within 0.3 seconds/);
  });

  test('a name that leads elsewhere is refused', async () => {
    await assert.rejects(runHooks(paths(), { hook: '../evil', phase: 'pre', env: {} }), {
      errorClass: 'ProgrammerError',
    });
  });
});
