import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { createStorageDrivers } from '../catalog.ts';
import { storageContract } from '../contract.suite.ts';
import { parseAttached, scriptEnvironment } from '../external-provider.ts';
import { createStorageHost } from '../host.ts';
import { disk, request } from '../request.fixture.ts';

const template = 'ext';

/** A provider that keeps its volumes as files; what it was told goes into "calls". */
const scripts: Readonly<Record<string, string>> = {
  create: 'truncate -s "$VOL_SIZE"M "$STORE/$VOL_NAME"',
  remove: 'rm -f "$STORE/$VOL_NAME"',
  grow: 'truncate -s "$VOL_NEW_SIZE"M "$STORE/$VOL_NAME"',
  attach:
    'test -f "$STORE/$VOL_NAME" || { echo no such volume >&2; exit 3; }; echo "$STORE/$VOL_NAME"; echo "kvm:test:$VOL_NAME"',
  detach: 'exit 0',
  setinfo: 'exit 0',
  verify: 'exit 0',
  open: 'exit 0',
  close: 'exit 0',
};

async function world(
  params: Record<string, string> = {},
  changes: Readonly<Record<string, string | null>> = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'ext-'));
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  const provider = join(paths.extStorageSearchPath[0]!, 'shelf');
  const store = join(root, 'store');
  for (const folder of [provider, store, join(paths.logDir, 'extstorage')])
    mkdirSync(folder, { recursive: true });
  for (const [name, body] of Object.entries({ ...scripts, ...changes })) {
    if (body === null) continue;
    const head = `#!/bin/sh\nSTORE='${store}'\necho "${name} $(env | grep -E '^(VOL|EXTP)_' | sort | tr '\\n' ' ')" >> '${root}/calls'\n`;
    writeFileSync(join(provider, name), `${head}${body}\n`);
    chmodSync(join(provider, name), 0o755);
  }
  writeFileSync(join(provider, 'parameters.list'), 'shelf The shelf to use\n');
  const host = createStorageHost(paths, silentLog);
  const measured: typeof host = {
    ...host,
    // A file stands for the device here; blockdev would want a real one.
    run: (argv, options) =>
      argv[0] === 'blockdev'
        ? host.run(['stat', '-c', '%s', argv.at(-1)!], options)
        : host.run(argv, options),
  };
  const driver = await createStorageDrivers(measured).driver(template);
  const made = request(disk(template, ['shelf', 'u1.ext.disk0'], 16, { name: 'data' }));
  const volumes = () => readdirSync(store).map((name) => [name, readFileSync(join(store, name)).length]);
  return {
    root,
    paths,
    driver,
    request: { ...made, params: { ...made.params, ...params } },
    snapshot: volumes,
    calls: () => readFileSync(join(root, 'calls'), 'utf8').trim().split('\n'),
    tearDown: () => rmSync(root, { recursive: true }),
  };
}
const fresh = { info: 'originstname+inst1', onPrimary: true, mustBeNew: true };

storageContract(template, () => world());

describe('volumes of a provider', () => {
  test('scripts are told all about the volume', async () => {
    const made = await world({ shelf: '3' });
    await made.driver.create(made.request, fresh);
    await made.driver.open(made.request, true);
    await made.driver.grow(made.request, 16, { dryRun: false, backingStore: true });
    const call = (name: string) =>
      made
        .calls()
        .find((line) => line.startsWith(`${name} `))
        ?.trim();
    const common = 'EXTP_ACCESS=kernelspace EXTP_SHELF=3 VOL_CNAME=data';
    const uuid = 'VOL_UUID=ext-u1.ext.disk0';
    assert.equal(call('create'), `create ${common} VOL_NAME=u1.ext.disk0 VOL_SIZE=16 ${uuid}`);
    assert.equal(
      call('setinfo'),
      `setinfo ${common} VOL_METADATA=originstname+inst1 VOL_NAME=u1.ext.disk0 ${uuid}`,
    );
    assert.equal(call('open'), `open ${common} VOL_NAME=u1.ext.disk0 VOL_OPEN_EXCLUSIVE=True ${uuid}`);
    assert.equal(call('grow'), `grow ${common} VOL_NAME=u1.ext.disk0 VOL_NEW_SIZE=32 VOL_SIZE=16 ${uuid}`);
    made.tearDown();
  });

  test('a failing script is quoted, and its words are kept in the log folder', async () => {
    const made = await world({}, { create: 'echo the shelf is full; exit 7' });
    await assert.rejects(
      made.driver.create(made.request, fresh),
      /create script failed \(exited with exit code 7\), last lines of output:\nthe shelf is full/,
    );
    const [log] = readdirSync(join(made.paths.logDir, 'extstorage'));
    assert.match(log!, /^create-shelf-u1\.ext\.disk0-\d{4}-\d\d-\d\d_\d\d_\d\d_\d\d\.log$/);
    made.tearDown();
  });

  test('userspace access takes the URI, kernel access the device', async () => {
    const made = await world({ access: 'userspace' });
    await made.driver.create(made.request, fresh);
    const { uri } = await made.driver.assemble(made.request, true);
    assert.equal(uri, 'test:u1.ext.disk0');
    made.tearDown();
  });

  test('optional scripts may be missing, required ones not', async () => {
    const without = await world({}, { open: null, close: null });
    await without.driver.create(without.request, fresh);
    await without.driver.open(without.request, true);
    await assert.rejects(without.driver.snapshot(without.request, 'x', null), /can't take snapshots/);
    without.tearDown();
    const broken = await world({}, { verify: null });
    await assert.rejects(
      broken.driver.create(broken.request, fresh),
      /File 'verify' under path .* is missing/,
    );
    broken.tearDown();
  });

  test('what does not apply is not in the environment', () => {
    assert.deepEqual(scriptEnvironment({}, { volume: 'v', uuid: 'u', name: null }), {
      VOL_NAME: 'v',
      VOL_UUID: 'u',
    });
  });

  test('attach may give a URI alone', () => {
    assert.deepEqual(parseAttached('\nkvm:nbd://x\n'), { path: '', uris: ['kvm:nbd://x'] });
  });
});
