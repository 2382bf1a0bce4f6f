import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AddressPool, addressNumber, addressText, parseSubnet } from './address-pool.ts';

describe('addresses', () => {
  it('are numbers and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (number) => {
        assert.equal(addressNumber(addressText(number)), number);
      }),
    );
    for (const wrong of ['1.2.3', '1.2.3.256', '01.2.3.4', 'a.b.c.d', '']) {
      assert.equal(addressNumber(wrong), undefined, wrong);
    }
  });
  it('form networks that a pool can hold', () => {
    assert.deepEqual(parseSubnet('10.0.0.0/30'), { base: 0x0a000000, prefix: 30, size: 4 });
    assert.throws(() => parseSubnet('10.89.0.0/8'), /has host bits set/);
    assert.throws(() => parseSubnet('10.0.0.0/8'), /big network with 16777216 host\(s\)/);
    assert.throws(() => parseSubnet('10.0.0.0/31'), /only 2 host\(s\) is too small/);
    assert.throws(() => parseSubnet('bogus'), /'bogus' does not appear to be/);
  });
});

describe('an address pool', () => {
  it('begins with network, broadcast and gateway reserved', () => {
    const pool = AddressPool.initialise('10.0.0.0/29', '10.0.0.1');
    assert.equal(pool.map, 'XX.....X');
    assert.deepEqual(pool.maps, { reservations: '00000000', ext_reservations: '11000001' });
    assert.deepEqual(pool.externalReservations, ['10.0.0.0', '10.0.0.1', '10.0.0.7']);
    assert.equal(pool.freeCount, 5);
    assert.throws(() => AddressPool.initialise('10.0.0.0/29', '10.0.1.1'), {
      message: '10.0.0.0/29 does not contain 10.0.1.1',
    });
  });

  it('says who holds an address', () => {
    const pool = AddressPool.initialise('10.0.0.0/29').reserve('10.0.0.2', 'instance');
    assert.throws(() => pool.reserve('10.0.0.2', 'instance'), {
      message: 'IP 10.0.0.2 is already used by an instance',
    });
    assert.throws(() => pool.reserve('10.0.0.0', 'external'), {
      message: 'IP 10.0.0.0 is already externally reserved',
    });
    assert.throws(() => pool.release('10.0.0.3', 'instance'), {
      message: 'IP 10.0.0.3 is not used by an instance',
    });
    assert.throws(() => pool.release('10.0.0.2', 'external'), {
      message: 'IP 10.0.0.2 is not externally reserved',
    });
  });

  it('passes over what running jobs hold, and ends', () => {
    const pool = AddressPool.initialise('10.0.0.0/30');
    assert.equal(pool.firstFree(), '10.0.0.1');
    assert.equal(pool.firstFree(new Set(['10.0.0.1'])), '10.0.0.2');
    assert.throws(() => pool.firstFree(new Set(['10.0.0.1', '10.0.0.2'])), {
      message: '10.0.0.0/30 is full',
    });
  });

  it('refuses maps that do not fit', () => {
    assert.throws(() => new AddressPool({ network: '10.0.0.0/30', reservations: '000' }), /doesn't fit/);
    assert.throws(() => new AddressPool({ network: '10.0.0.0/30', reservations: '00x0' }), /doesn't fit/);
  });

  it('hands out every address once, and takes all back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 24, max: 30 }), fc.infiniteStream(fc.nat()), (prefix, choices) => {
        const empty = AddressPool.initialise(`192.168.0.0/${prefix}`);
        let pool = empty;
        const given: string[] = [];
        while (pool.freeCount > 0) {
          const address = pool.firstFree();
          assert.ok(!given.includes(address) && !pool.isReserved(address, 'external'));
          given.push(address);
          pool = pool.reserve(address, 'instance');
        }
        assert.equal(given.length, empty.freeCount);
        while (given.length > 0) {
          const [address] = given.splice(choices.next().value % given.length, 1);
          pool = pool.release(address!, 'instance');
        }
        assert.deepEqual(pool.maps, empty.maps);
      }),
      { numRuns: 15 },
    );
  });
});
