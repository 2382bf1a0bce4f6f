import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type * as z from 'zod';
import { createHypervisorDrivers } from '../../hypervisors/catalog.ts';
import { silentLog } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { runChecked } from '../../kit/process.ts';
import { packageFile, packageFolder } from '../../metadata/client/control.ts';
import type { NodeCall } from '../../noderpc/call.ts';
import * as calls from '../../noderpc/calls/instance.ts';
import { osDiagnose, osPackageMake, osPackageRemove, osValidate } from '../../noderpc/calls/os.ts';
import type { InstanceOnNode } from '../../noderpc/calls/shapes.ts';
import { handlerTable } from '../../noderpc/handler.ts';
import type { StorageDriver } from '../../storage/contract.ts';
import { type InstanceContext, instanceHandlers } from './instance.ts';
import { osHandlers } from './os.ts';

/** Disks that are files in a folder: active once they are there. */
function fileStorage(folder: string): StorageDriver {
  const path = (request: { disk: { uuid: string } }) => join(folder, request.disk.uuid);
  const there = async (file: string) =>
    readFile(file).then(
      () => true,
      () => false,
    );
  return {
    about: { name: 'file', fileBased: true },
    open: async () => {},
    find: async (request: { disk: { uuid: string } }) =>
      (await there(path(request))) ? { path: path(request) } : null,
  } as unknown as StorageDriver;
}

async function world() {
  const root = await mkdtemp(join(tmpdir(), 'gantry-calls-'));
  const paths = pathsFor({ GANETI_ROOTDIR: root });
  const storage = fileStorage(root);
  const context: InstanceContext = {
    paths,
    log: silentLog,
    hypervisors: createHypervisorDrivers({ paths, log: silentLog }),
    storage: { driver: async () => storage },
  };
  const table = handlerTable([...instanceHandlers(context), ...osHandlers(context)]);
  const call = async <A, R>(definition: NodeCall<A, R>, argument: z.input<z.ZodType<A>>): Promise<R> => {
    const handler = table.get(definition.name)!;
    const checked = definition.argument.parse(argument) as never;
    const signal = new AbortController().signal;
    return definition.result.parse(await handler.handle(checked, { signal, peer: 'test' })) as R;
  };
  return { root, paths, table, call, close: () => rm(root, { recursive: true }) };
}

const disk = {
  uuid: 'disk-uuid',
  serial_no: 1,
  ctime: 0,
  mtime: 0,
  dev_type: 'file',
  logical_id: ['loop', '/x'],
  iv_name: 'disk/0',
  size: 1024,
  mode: 'rw',
  nodes: [],
} as const;

const instance: InstanceOnNode = {
  uuid: 'inst-uuid',
  name: 'inst1.example.com',
  hypervisor: 'fake',
  hvparams: { migration_mode: 'live' },
  beparams: { minmem: 64, maxmem: 128, vcpus: 1 },
  os: 'testos',
  osparams: {},
  nics: [],
  disks: [
    {
      disk,
      params: {},
      owner: 'inst1.example.com',
      ownerUuid: 'inst-uuid',
      index: 0,
      self: 'node',
      addresses: {},
      exclusiveStorage: false,
    },
  ],
  networkPort: null,
  tags: [],
  primaryNode: 'node',
  secondaryNodes: [],
  adminState: 'up',
  uidPool: [],
  clusterName: 'c',
};
const all = { hypervisors: [{ name: 'fake', hvparams: {} }] };

async function addOs(root: string, script: string): Promise<void> {
  const folder = join(root, 'srv/ganeti/os/testos');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ganeti_api_version'), '10\n');
  for (const name of ['create', 'import', 'export', 'rename']) {
    await writeFile(join(folder, name), script);
    await chmod(join(folder, name), 0o755);
  }
}

describe('node calls about instances', () => {
  it('answer every call of the table', async () => {
    const { table, close } = await world();
    for (const definition of Object.values(calls)) {
      if ('deadline' in definition) assert.ok(table.has(definition.name), definition.name);
    }
    await close();
  });

  it('start, report and stop, with a link for each disk', async () => {
    const { root, paths, call, close } = await world();
    await writeFile(join(root, disk.uuid), '');
    await call(calls.instanceStart, { instance, startupPaused: false });
    await call(calls.instanceStart, { instance, startupPaused: false });
    const link = join(paths.instanceDisksDir, 'inst1.example.com:0');
    assert.equal(await readlink(link), join(root, disk.uuid));
    const running = { memory: 128, vcpus: 1, state: 'running', time: 0 };
    assert.deepEqual(await call(calls.allInstancesInfo, all), { [instance.name]: running });
    await call(calls.instanceReboot, { instance, type: 'hard', shutdownTimeout: 0 });
    await call(calls.instanceBalloonMemory, { instance, memory: 100 });
    assert.equal((await call(calls.allInstancesInfo, all))[instance.name]?.memory, 100);
    await call(calls.instanceShutdown, { instance, timeout: 0 });
    await call(calls.instanceShutdown, { instance, timeout: 0 });
    assert.deepEqual(await call(calls.allInstancesInfo, all), {});
    assert.deepEqual(await readdir(paths.instanceDisksDir), []);
    await close();
  });

  it('do not start on a disk that is not active', async () => {
    const { call, close } = await world();
    await assert.rejects(call(calls.instanceStart, { instance, startupPaused: false }), {
      errorClass: 'OpExecError',
      message: "Block device error: Block device 'disk/0' of inst1.example.com is not set up.",
    });
    await close();
  });

  it('say what cannot be done', async () => {
    const { call, close } = await world();
    const reboot = call(calls.instanceReboot, { instance, type: 'soft', shutdownTimeout: 0 });
    await assert.rejects(reboot, {
      message: `Cannot reboot instance '${instance.name}' that is not running`,
    });
    await assert.rejects(call(calls.hotplugSupported, { instance }), {
      message: 'Hotplug is not supported: Hotplug is not supported by this hypervisor',
    });
    await assert.rejects(call(calls.instanceMigratable, { instance }), /is not running/);
    assert.equal(await call(calls.instanceBalloonMemory, { instance, memory: 1 }), null);
    await close();
  });
});

describe('node calls about operating systems', () => {
  it('install and rename with the environment that the script needs', async () => {
    const { root, paths, call, close } = await world();
    await writeFile(join(root, disk.uuid), '');
    await addOs(
      root,
      '#!/bin/sh\necho "$DISK_0_PATH $DISK_0_BACKEND_TYPE $OSP_KEY $OLD_INSTANCE_NAME $INSTANCE_REINSTALL"\n',
    );
    await call(calls.instanceOsAdd, { instance, reinstall: true, debug: 0, secretParameters: { key: 'k' } });
    await call(calls.instanceRunRename, { instance, oldName: 'old', debug: 0 });
    const logs = (await readdir(paths.osLogDir)).sort();
    assert.match(logs[0]!, /^add-testos-inst1\.example\.com-/);
    assert.match(logs[1]!, /^rename-testos-old-inst1\.example\.com-/);
    const text = await Promise.all(logs.map((log) => readFile(join(paths.osLogDir, log), 'utf8')));
    assert.deepEqual(text, [
      `${join(root, disk.uuid)} file:loop k  1\n`,
      `${join(root, disk.uuid)} file:loop  old \n`,
    ]);
    await close();
  });

  it('pack what a helper installs from, without secrets', async () => {
    const { root, paths, call, close } = await world();
    await writeFile(join(root, disk.uuid), '');
    await addOs(root, '#!/bin/sh\n');
    const uuid = 'aec390cb-5eae-44e6-bcc2-ec14d31347f0';
    const wish = {
      ...{ instance: { ...instance, uuid }, debug: 0, reinstall: true },
      environment: { OS_SCRIPT: 'create_untrusted', DISK_0_PATH: '/dev/vdb' },
      ...{ secretParameters: { key: 'private', token: 'secret' }, secretNames: ['token'] },
    };
    const file = await call(osPackageMake, wish);
    assert.equal(file, packageFile(paths, uuid));
    const packed = await runChecked(['tar', '-xzOf', file, './environment']);
    const lines = packed.stdout.split('\n');
    for (const line of [
      'OS_SCRIPT=create_untrusted',
      'DISK_0_PATH=/dev/vdb',
      'OSP_KEY=private',
      'INSTANCE_REINSTALL=1',
    ])
      assert.ok(lines.includes(line), `${line} in ${packed.stdout}`);
    assert.ok(!packed.stdout.includes('secret'));
    await call(osPackageRemove, { uuid });
    await call(osPackageRemove, { uuid });
    assert.deepEqual(await readdir(packageFolder(paths)), []);
    const given = { ...wish.instance, osparams: { 'os-install-package': '/srv/own.tgz' } };
    assert.equal(await call(osPackageMake, { ...wish, instance: given }), '/srv/own.tgz');
    await close();
  });

  it('diagnose and validate', async () => {
    const { root, call, close } = await world();
    await addOs(root, '#!/bin/sh\n');
    const [found] = await call(osDiagnose, {});
    assert.deepEqual(
      [found?.name, found?.valid, found?.apiVersions, found?.trusted],
      ['testos', true, [10], true],
    );
    const wish = { name: 'nosuch', checks: ['parameters'], osparams: {}, required: false };
    assert.deepEqual(await call(osValidate, wish), { found: false, untrusted: false });
    await assert.rejects(call(osValidate, { ...wish, required: true }), /not found in search path/);
    await close();
  });
});
