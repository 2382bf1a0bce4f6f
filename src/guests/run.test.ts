import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { OsDefinition } from './definitions.ts';
import { lastLines, logFileName, printable, runScript } from './run.ts';

async function withScript(text: string, work: (definition: OsDefinition, folder: string) => Promise<void>) {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-script-'));
  const create = join(folder, 'create');
  await writeFile(create, text);
  await chmod(create, 0o755);
  const scripts = { create, create_untrusted: null, export: '', import: '', rename: create, verify: null };
  try {
    await work(
      { name: 'testos', path: folder, apiVersions: [20], scripts, variants: [], parameters: [] },
      folder,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('running a script', () => {
  it('gives it its environment and nothing else, its folder, and a log', () =>
    withScript('#!/bin/sh\npwd\nenv | sort\necho to stderr >&2\n', async (definition, folder) => {
      const logFile = join(folder, 'log', 'add.log');
      const environment = { PATH: '/bin:/usr/bin', OSP_PASSWORD: 'secret' };
      await runScript({
        definition,
        script: 'create',
        environment,
        logFile,
        logFolder: join(folder, 'log'),
      });
      const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n');
      const set = lines.filter((line) => /^[A-Z_]+=/.test(line) && !/^(PWD|SHLVL|_|OLDPWD)=/.test(line));
      assert.deepEqual(set, ['OSP_PASSWORD=secret', 'PATH=/bin:/usr/bin']);
      assert.equal(lines[0], folder);
      assert.ok(lines.includes('to stderr'));
    }));

  it('shows the last lines of the log when it fails, without control characters', () =>
    withScript('#!/bin/sh\nseq 30; printf "\\033[31mred\\n"; exit 3\n', async (definition, folder) => {
      const logFile = join(folder, 'add.log');
      const run = runScript({ definition, script: 'create', environment: {}, logFile, logFolder: folder });
      const numbers = Array.from({ length: 19 }, (_, i) => i + 12).join('\n');
      await assert.rejects(run, {
        errorClass: 'OpExecError',
        message: `OS create script failed (exited with exit code 3), last lines in the log file:\n${numbers}\n\\x1b[31mred`,
      });
    }));

  it('says which signal ended it', () =>
    withScript('#!/bin/sh\nkill -9 $$\n', async (definition, folder) => {
      const logFile = join(folder, 'add.log');
      const run = runScript({ definition, script: 'rename', environment: {}, logFile, logFolder: folder });
      await assert.rejects(run, /OS rename script failed \(terminated by signal 9\)/);
    }));
});

describe('logs of scripts', () => {
  it('are named by kind, OS, instance and time', () => {
    const at = new Date(2026, 10, 20, 17, 32, 5);
    assert.equal(
      logFileName('/var/log/ganeti/os', 'add', 'noop', 'inst2.lab.example', at),
      '/var/log/ganeti/os/add-noop-inst2.lab.example-2026-11-20_17_32_05.log',
    );
    assert.equal(
      logFileName('/l', 'import', 'a/../b', 'i', at, 'disk0'),
      '/l/import-a_.._b-i-disk0-2026-11-20_17_32_05.log',
    );
  });
  it('end in lines', () => {
    assert.deepEqual(lastLines('a\nb\nc\n', 2), ['b', 'c']);
    assert.equal(printable('ä\tb\x07'), 'ä\tb\\x07');
  });
});
