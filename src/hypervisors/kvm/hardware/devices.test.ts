import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { deviceId, deviceOption, isHotpluggable, Slots } from './devices.ts';
import { blockNode, cacheSettings, cdromArguments, flatOption, uriDriver } from './drives.ts';
import { splitWords } from './words.ts';

describe('places of devices', () => {
  const hv = { disk_type: 'paravirtual', nic_type: 'paravirtual', kvm_pci_reservations: 12 };

  it('are named by the beginning of the uuid, within 30 characters', () => {
    assert.equal(deviceId('disk', '932df160-7a22-4067-a566-7e0ca8386133'), 'disk-932df160-7a22-4067');
  });

  it('never meet, begin after the reserved ones, and are found again', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 30 }),
        fc.array(fc.uuid(), { maxLength: 12 }),
        (reserved, uuids) => {
          const parameters = { ...hv, kvm_pci_reservations: reserved };
          const room = 32 - reserved;
          const placed = [];
          let slots = new Slots(parameters);
          for (const uuid of uuids.slice(0, room)) {
            placed.push(slots.place('disk', uuid, parameters));
            slots = new Slots(parameters, placed);
          }
          const taken = placed.map((info) => Number.parseInt(info.addr!, 16));
          assert.equal(new Set(taken).size, taken.length);
          assert.ok(taken.every((slot) => slot >= reserved && slot < 32));
          if (uuids.length > room) assert.throws(() => slots.place('nic', 'u', parameters), /No free slots/);
        },
      ),
    );
  });

  it('on the SCSI bus are targets', () => {
    const parameters = { ...hv, disk_type: 'scsi-hd' };
    const slots = new Slots(parameters, [{ bus: 'scsi.0', 'scsi-id': 0 }]);
    assert.equal(
      deviceOption(slots.place('disk', 'a-b-c-d', parameters)),
      'scsi-hd,id=disk-a-b-c,bus=scsi.0,channel=0,scsi-id=1,lun=0',
    );
  });

  it('are left to QEMU where it knows better', () => {
    const slots = new Slots(hv);
    assert.deepEqual(slots.place('disk', 'a-b-c-d', { ...hv, disk_type: 'ide' }), {
      driver: 'ide-hd',
      id: 'disk-a-b-c',
    });
    assert.equal(slots.place('nic', 'a-b-c-d', { ...hv, nic_type: 'ne2k_isa' }).bus, undefined);
    assert.ok(!isHotpluggable('disk', 'ide') && isHotpluggable('disk', 'paravirtual'));
    assert.ok(!isHotpluggable('nic', 'ne2k_isa') && isHotpluggable('nic', 'e1000'));
  });
});

describe('how disks are opened', () => {
  it('past the cache of the host where other nodes see the same storage', () => {
    assert.deepEqual(cacheSettings('writeback', true), { writeback: true, direct: true });
    assert.deepEqual(cacheSettings('writeback', false), { writeback: true, direct: false });
    assert.throws(() => cacheSettings('warm', false), /Invalid KVM cache setting 'warm'/);
  });
  it('by URI where the storage has a client in QEMU', () => {
    assert.deepEqual(uriDriver('gluster://10.0.0.1:24007/gv0/a/b'), {
      driver: 'gluster',
      server: [{ type: 'inet', host: '10.0.0.1', port: '24007' }],
      volume: 'gv0',
      path: 'a/b',
    });
    assert.deepEqual(uriDriver('rbd:pool/img.rbd.disk0:id=me'), {
      driver: 'rbd',
      pool: 'pool',
      image: 'img.rbd.disk0',
      user: 'me',
    });
    assert.throws(() => uriDriver('nfs://x'), /Unsupported storage URI scheme/);
  });
  it('flat on the command line, whole over QMP', () => {
    const source = {
      id: 'd',
      path: null,
      uri: 'rbd:p/i',
      isFile: false,
      readOnly: false,
      seenElsewhere: true,
    };
    const node = blockNode(source, { disk_cache: 'default', disk_discard: 'ignore' }, true);
    assert.equal(
      flatOption(node),
      'driver=raw,node-name=d,discard=ignore,cache.direct=off,cache.no-flush=off,file.driver=rbd,file.pool=p,file.image=i,auto-read-only=off',
    );
    assert.equal(flatOption({ a: [{ b: 1 }, 'x,y'], c: true }), 'a.0.b=1,a.1=x,,y,c=on');
  });
  it('drives with no room for a CD are refused', () => {
    assert.throws(() => cdromArguments('/a', 'mtd', 'cdrom1', false), /Unsupported cdrom disk type: mtd/);
    assert.equal(cdromArguments('/a', 'ide', 'cdrom1', true).at(-1), 'ide-cd,drive=cdrom1,bootindex=1');
  });
});

describe('words of a line', () => {
  it('are what a shell would take', () => {
    assert.deepEqual(splitWords(`a 'b c' "d \\"e\\"" f\\ g ''`), ['a', 'b c', 'd "e"', 'f g', '']);
    assert.deepEqual(splitWords('  '), []);
    assert.throws(() => splitWords('a "b'), /No closing quotation/);
  });
  it('come back when quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((word) => !word.includes("'"))), (words) => {
        assert.deepEqual(splitWords(words.map((word) => `'${word}'`).join(' ')), words);
      }),
    );
  });
});
