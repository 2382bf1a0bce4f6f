import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, it } from 'node:test';
import type { OsDefinition } from './definitions.ts';
import { scriptPath, transferEnvironment } from './environment.ts';
import { sizeFd, startTransfer } from './transfer.ts';

interface World {
  readonly folder: string;
  readonly start: (direction: 'export' | 'import', disk: string) => ReturnType<typeof startTransfer>;
}

async function withScripts(
  scripts: { export: string; import: string },
  work: (world: World) => Promise<void>,
) {
  const folder = await mkdtemp(join(tmpdir(), 'gantry-transfer-'));
  for (const [name, text] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const at = (name: string) => join(folder, name);
  const definition: OsDefinition = {
    ...{ name: 'testos', path: folder, apiVersions: [20], variants: [], parameters: [] },
    scripts: {
      ...{ create: null, create_untrusted: null, rename: '', verify: null },
      ...{ export: at('export'), import: at('import') },
    },
  };
  const start = (direction: 'export' | 'import', path: string) => {
    const disk = { uuid: 'd', name: null, size: 1, mode: 'rw', path, uri: null, backend: 'block' } as const;
    const environment = { PATH: scriptPath, ...transferEnvironment(direction, disk, 0, sizeFd) };
    return startTransfer({ definition, direction, environment, logFile: at(`log/${direction}.log`) });
  };
  try {
    await work({ folder, start });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const working = {
  export: 'stat -c %s "$EXPORT_DEVICE" >&$EXP_SIZE_FD; echo reading >&2; cat "$EXPORT_DEVICE"',
  import: 'cat >"$IMPORT_DEVICE"; echo written',
};

describe("a disk's contents", () => {
  it('go through export and import unchanged, with the size told beforehand', () =>
    withScripts(working, async ({ folder, start }) => {
      const contents = Buffer.alloc(300_000, 'gantry');
      await writeFile(join(folder, 'source'), contents);
      const from = await start('export', join(folder, 'source'));
      const to = await start('import', join(folder, 'target'));
      await pipeline(from.output!, to.input!);
      await Promise.all([from.done, to.done]);
      assert.equal(await from.expectedBytes, contents.length);
      assert.equal(await to.expectedBytes, null);
      assert.ok(contents.equals(await readFile(join(folder, 'target'))));
      assert.equal(await readFile(join(folder, 'log/export.log'), 'utf8'), 'reading\n');
      assert.equal(await readFile(join(folder, 'log/import.log'), 'utf8'), 'written\n');
    }));

  it('that cannot be read or written are told with the last lines of the log', () =>
    withScripts({ export: 'echo no disk >&2; exit 4', import: 'echo full; exit 5' }, async ({ start }) => {
      const from = await start('export', '/x');
      from.output!.resume();
      await assert.rejects(from.done, {
        message: 'OS export script failed (exited with exit code 4), last lines in the log file:\nno disk',
      });
      assert.equal(await from.expectedBytes, null);
      const to = await start('import', '/x');
      to.input!.end(Buffer.alloc(1_000_000));
      await assert.rejects(to.done, /OS import script failed \(exited with exit code 5\).*\nfull$/);
    }));

  it('are whole although the script has ended before anybody reads them', () =>
    withScripts({ export: 'echo 6 >&$EXP_SIZE_FD; printf gantry', import: '' }, async ({ start }) => {
      const from = await start('export', '/x');
      await from.done;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(await from.expectedBytes, 6);
      assert.equal(Buffer.concat(await from.output!.toArray()).toString(), 'gantry');
    }));

  it('stop coming when the script is ended, with all that it started', () =>
    withScripts({ export: 'echo begun; sleep 1000 | cat', import: '' }, async ({ start }) => {
      const from = await start('export', '/x');
      await new Promise((resolve) => from.output!.once('data', resolve));
      const closed = new Promise((resolve) => from.output!.once('close', resolve));
      from.output!.resume();
      from.kill();
      await assert.rejects(from.done, /terminated by signal 9/);
      await closed;
    }));
});
