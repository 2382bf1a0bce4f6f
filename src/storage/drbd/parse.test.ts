import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { explainRefusal, hasGoodData, refusalIn } from './diagnosis.ts';
import { parseProc } from './proc.ts';
import { parseShow, shownNothing } from './show.ts';

const sample = (name: string) => readFileSync(join(import.meta.dirname, 'samples', name), 'utf8');

describe('/proc/drbd', () => {
  test('the state of each configured minor', () => {
    const { version, minors, known } = parseProc(sample('proc.txt'));
    assert.equal(version.text, '8.4.2 (api:1/proto:86-101)');
    assert.deepEqual([...minors.keys()], [0, 1, 4, 6, 8]);
    assert.deepEqual(known, [0, 1, 2, 4, 6, 8]);
    assert.deepEqual(minors.get(0), {
      minor: 0,
      connection: 'Connected',
      localRole: 'Primary',
      peerRole: 'Secondary',
      localDisk: 'UpToDate',
      peerDisk: 'UpToDate',
      syncPercent: null,
      estimatedTime: null,
    });
    assert.equal(minors.get(4)?.connection, 'WFConnection');
    assert.equal(minors.get(6)?.localDisk, 'Diskless');
    assert.equal(minors.get(8)?.connection, 'StandAlone');
  });

  test('a resync has its progress', () => {
    const source = parseProc(sample('proc-sync.txt')).minors.get(5);
    assert.deepEqual(
      [source?.connection, source?.syncPercent, source?.estimatedTime],
      ['SyncSource', 68.5, 5],
    );
    const target = parseProc(sample('proc-8.3-sync.txt')).minors.get(3);
    assert.deepEqual(
      [target?.connection, target?.syncPercent, target?.estimatedTime],
      ['SyncTarget', 34.9, 5],
    );
  });

  test('a resync that is being prepared stands at 0', () => {
    const text =
      'version: 8.4.11 (api:1/proto:86-101)\n 0: cs:WFBitMapS ro:Primary/Secondary ds:UpToDate/Consistent C r-----\n';
    assert.equal(parseProc(text).minors.get(0)?.syncPercent, 0);
  });

  test('an empty line before the first minor is nothing', () => {
    assert.deepEqual([...parseProc(sample('proc-empty-first.txt')).minors.keys()], [1, 4, 6, 8]);
  });

  test('other text is an error', () => {
    assert.throws(() => parseProc('hello\n'), /Can't parse DRBD version from 'hello'/);
    assert.throws(
      () => parseProc('version: 8.4.2 (api:1/proto:86-101)\n 0: cs:Strange\n'),
      /Can't parse input data/,
    );
  });
});

describe('drbdsetup show', () => {
  test('volumes and ends of a device', () => {
    assert.deepEqual(parseShow(sample('show.txt')), {
      dataDevice: '/dev/xenvg/test.data',
      metaDevice: '/dev/xenvg/test.meta',
      local: { ip: '192.0.2.1', port: 11000 },
      remote: { ip: '192.0.2.2', port: 11000 },
      twoPrimaries: false,
    });
    assert.equal(parseShow(sample('show-no-disk-options.txt')).dataDevice, '/dev/xenvg/test.data');
  });

  test('a device without volumes or without network lacks them', () => {
    const text = 'resource resource0 {\n _this_host {\n volume 0 {\n device minor 0;\n }\n }\n}\n';
    assert.deepEqual(parseShow(text), shownNothing);
    assert.deepEqual(parseShow(''), shownNothing);
  });

  test('IPv6 addresses and the flag of a migration', () => {
    const text =
      'resource r0 { net { allow-two-primaries yes; } _remote_host { address ipv6 [2001:db8::2]:11048; } _this_host { address ipv6 [2001:db8::1]:11048; } }';
    const shown = parseShow(text);
    assert.deepEqual([shown.local, shown.twoPrimaries], [{ ip: '2001:db8::1', port: 11048 }, true]);
  });

  test('broken text is an error', () => {
    assert.throws(() => parseShow('resource r0 { "unfinished'), /Can't parse drbdsetup show output/);
  });
});

describe('why a device stands alone', () => {
  const log = [
    '[ 10.1] block drbd3: Split-Brain detected but unresolved, dropping connection!',
    '[ 11.0] drbd resource4: Authentication of peer failed, trying again.',
    '[ 12.0] block drbd5: Split-Brain detected but unresolved, dropping connection!',
    '[ 13.0] block drbd5: conn( WFBitMapS -> SyncSource ) pdsk( Consistent -> Inconsistent )',
    '[ 14.0] block drbd6: Unrelated data, aborting!',
  ].join('\n');

  test('the last word about the minor counts', () => {
    assert.equal(refusalIn(log, 3), 'split-brain');
    assert.equal(refusalIn(log, 4), 'authentication');
    assert.equal(refusalIn(log, 5), 'unknown');
    assert.equal(refusalIn(log, 6), 'unrelated');
    assert.equal(refusalIn(log, 33), 'unknown');
  });

  test('each has a way out that names the instance', () => {
    for (const refusal of ['split-brain', 'unrelated', 'authentication', 'unknown'] as const) {
      assert.match(explainRefusal(refusal, 'drbd3 (disk/0 of inst1)', 'inst1'), /gnt-instance .* ?inst1/);
    }
  });

  test('good data is here, or with a peer in reach', () => {
    const state = parseProc(sample('proc.txt')).minors.get(6)!;
    assert.ok(hasGoodData(state));
    assert.ok(!hasGoodData({ ...state, connection: 'WFConnection', peerDisk: 'DUnknown' }));
    assert.ok(!hasGoodData({ ...state, localDisk: 'Outdated', connection: 'StandAlone' }));
  });
});
