import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { NicOnHost } from '../../../networks/contract.ts';
import {
  nicOfRuntime,
  parseRuntime,
  placeOf,
  relocated,
  runtimeDisk,
  runtimeNic,
  serialiseRuntime,
  withCurrentLinks,
} from './runtime.ts';

/** Written by a real Ganeti. */
const sample = readFileSync(new URL('./runtime.sample.json', import.meta.url), 'utf8');
const here = { runDir: '/var/run/ganeti', logDir: '/var/log/ganeti' };

describe("Ganeti's own runtime file", () => {
  it('is read, with what is outdated in it brought up to date', () => {
    const runtime = parseRuntime(sample);
    assert.equal(runtime.command[0], '/usr/bin/kvm');
    assert.ok(!runtime.command.includes('-balloon'));
    assert.equal(runtime.command[runtime.command.indexOf('virtio-balloon') - 1], '-device');
    assert.equal(runtime.nics.length, 1);
    assert.deepEqual(nicOfRuntime(runtime.nics[0]!), {
      uuid: '003fc157-66a8-4e6d-8b7e-ec4f69751396',
      mac: 'aa:00:00:bf:2f:16',
      ip: null,
      name: null,
      mode: 'bridged',
      link: 'br0',
      vlan: '',
      network: null,
    });
    assert.deepEqual(
      runtime.disks.map(({ disk, link, uri }) => [placeOf(disk)?.addr, link, uri]),
      [
        ['0x9', '/var/run/ganeti/instance-disks/xen-test-inst2:0', 'rbd://123451214123/'],
        ['0xa', '/var/run/ganeti/instance-disks/xen-test-inst2:1', null],
      ],
    );
  });

  it('keeps everything else when it is written again', () => {
    const before = JSON.parse(sample) as unknown[];
    const after = JSON.parse(serialiseRuntime(parseRuntime(sample))) as unknown[];
    assert.deepEqual(after.slice(1), before.slice(1));
    const written = serialiseRuntime(parseRuntime(sample));
    assert.equal(serialiseRuntime(parseRuntime(written)), written);
  });
});

describe('outdated runtime files', () => {
  const commandOf = (command: (string | number)[]) =>
    parseRuntime(JSON.stringify([command, [], {}, []])).command;

  it('have their command line changed to what QEMU takes today', () => {
    assert.deepEqual(commandOf(['kvm', '-localtime', '-S']), ['kvm', '-rtc', 'base=localtime', '-S']);
    assert.deepEqual(commandOf(['kvm', '-balloon', 'virtio,id=b']), [
      'kvm',
      '-device',
      'virtio-balloon,id=b',
    ]);
    assert.deepEqual(commandOf(['kvm', '-chroot', '/x', '-m', 8]), ['kvm', '-m', 8]);
    assert.deepEqual(commandOf(['kvm', '-vnc', ':1,tls,x509verify=/c']), [
      ...['kvm', '-object', 'tls-creds-x509,id=vnctls0,endpoint=server,dir=/c,verify-peer=yes'],
      ...['-vnc', ':1,tls-creds=vnctls0'],
    ]);
    assert.deepEqual(commandOf(['kvm', '-vnc', ':1']), ['kvm', '-vnc', ':1']);
  });

  it('know of a slot only, or of no place at all', () => {
    const text = JSON.stringify([
      ['kvm'],
      [{ uuid: 'aa-bb', pci: 5, mac: 'm' }, { mac: 'n' }],
      { nic_type: 'paravirtual' },
    ]);
    const { nics, disks } = parseRuntime(text);
    assert.deepEqual(placeOf(nics[0]!), {
      driver: 'virtio-net-pci',
      id: 'hotnic-aa-pci-5',
      addr: '0x5',
      bus: 'pci.0',
    });
    assert.equal(placeOf(nics[1]!), undefined);
    assert.deepEqual(disks, []);
  });

  it('may ask for a way of discarding that is no more', () => {
    const { hvparams } = parseRuntime(JSON.stringify([['kvm'], [], { disk_discard: 'default' }, []]));
    assert.equal(hvparams.disk_discard, 'ignore');
  });

  it('that are none are refused', () => {
    for (const wrong of ['', '{}', '[]', '[1,2,3,4]', 'null']) {
      assert.throws(() => parseRuntime(wrong), /Failed to load KVM runtime file/, wrong);
    }
  });
});

describe('devices in a runtime file', () => {
  const nic: NicOnHost = {
    uuid: 'u',
    mac: 'm',
    ip: '10.0.0.2',
    name: 'lan',
    mode: 'routed',
    link: 't',
    vlan: '.5',
    network: {
      uuid: 'n',
      name: 'net1',
      subnet: '10.0.0.0/24',
      gateway: null,
      subnet6: null,
      gateway6: null,
      macPrefix: 'aa:bb:cc',
      tags: ['x'],
    },
  };
  it('come back as they were', () => {
    assert.deepEqual(nicOfRuntime(runtimeNic(nic, { driver: 'e1000', id: 'i' })), nic);
    const bare = { ...nic, ip: null, name: null, network: null };
    assert.deepEqual(nicOfRuntime(runtimeNic(bare, { driver: 'e1000', id: 'i' })), bare);
  });
  it('say whether QEMU opens them by link or by URI', () => {
    const disk = { uuid: 'd', name: null, path: 'rbd:p/i', mode: 'rw', template: 'rbd', sizeMiB: 1 } as const;
    const place = { driver: 'x', id: 'i' };
    assert.deepEqual(
      [runtimeDisk(disk, 0, '/l', place).link, runtimeDisk(disk, 0, '/l', place).uri],
      ['/l', null],
    );
    const userspace = runtimeDisk({ ...disk, params: { access: 'userspace' } }, 0, '/l', place);
    assert.deepEqual([userspace.link, userspace.uri], [null, 'rbd:p/i']);
  });
});

it('a runtime from a node with another root is brought home', () => {
  const root = (word: string) => word.replaceAll('/var/', '/vc/n1/var/');
  const there = parseRuntime(
    root(sample).replaceAll('/vc/n1/var/run/ganeti/instance', '/vc/n1/var/run/ganeti/instance'),
  );
  const brought = relocated(there, here);
  assert.deepEqual(brought.command, parseRuntime(sample).command);
  assert.equal(brought.disks[0]?.link, '/var/run/ganeti/instance-disks/xen-test-inst2:0');
  assert.equal(relocated(brought, here), brought);
});

it('a disk that moved up has its new name, one that is unknown keeps its own', () => {
  const second = parseRuntime(sample).disks[1]!.disk.uuid;
  const disk = {
    uuid: second,
    name: null,
    path: '/links/i:0',
    mode: 'rw',
    template: 'plain',
    sizeMiB: 1,
  } as const;
  assert.deepEqual(
    withCurrentLinks(parseRuntime(sample), [disk]).disks.map(({ link }) => link),
    ['/var/run/ganeti/instance-disks/xen-test-inst2:0', '/links/i:0'],
  );
});
