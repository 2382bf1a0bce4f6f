import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsOf } from '../../model/params/family.ts';
import { about } from './about.ts';
import * as commands from './commands.ts';

const params = defaultsOf(about.params);
const ends = { local: { ip: '10.77.1.11', port: 11001 }, remote: { ip: '10.77.1.12', port: 11001 } };
const backing = { data: '/dev/xenvg/a_data', meta: '/dev/xenvg/a_meta' };
const secret = '9b0a769d3c9a5e7c393aea63116501a07607e4f5';

test('attaching and connecting are written as Ganeti writes them', () => {
  assert.equal(
    commands.attach(0, backing, 128, params).join(' '),
    'drbdsetup attach 0 /dev/xenvg/a_data /dev/xenvg/a_meta flexible --on-io-error=detach --size 128m',
  );
  assert.equal(
    commands.connect(0, ends, { secret, twoPrimaries: false, params }).join(' '),
    `drbdsetup connect resource0 ipv4:10.77.1.11:11001 ipv4:10.77.1.12:11001 --protocol C --after-sb-0pri discard-zero-changes --after-sb-1pri consensus --cram-hmac-alg md5 --shared-secret ${secret}`,
  );
  assert.equal(
    commands.connect(0, ends, { secret, twoPrimaries: true, params: { ...params, protocol: 'A' } }).join(' '),
    `drbdsetup connect resource0 ipv4:10.77.1.11:11001 ipv4:10.77.1.12:11001 --protocol C --after-sb-0pri discard-zero-changes --after-sb-1pri consensus --allow-two-primaries --cram-hmac-alg md5 --shared-secret ${secret}`,
  );
  assert.equal(
    commands.disconnect(ends).join(' '),
    'drbdsetup disconnect ipv4:10.77.1.11:11001 ipv4:10.77.1.12:11001',
  );
});

test('metadata and roles', () => {
  assert.equal(
    commands.createMetadata(0, backing.meta).join(' '),
    'drbdmeta --force /dev/drbd0 v08 /dev/xenvg/a_meta flex-external create-md',
  );
  assert.equal(
    commands.applyActivityLog(0, backing.meta).join(' '),
    'drbdmeta /dev/drbd0 v08 /dev/xenvg/a_meta flex-external apply-al',
  );
  assert.equal(commands.primary(3, true).join(' '), 'drbdsetup primary 3 --force');
  assert.equal(commands.down(3).join(' '), 'drbdsetup down resource3');
  assert.equal(commands.resize(3, 160).join(' '), 'drbdsetup resize 3 --size 160m');
});

test('the speed of a resync is fixed or steered', () => {
  assert.equal(commands.syncOptions(0, params).join(' '), 'drbdsetup disk-options 0 --resync-rate 61440');
  const dynamic = { ...params, 'dynamic-resync': true };
  assert.equal(
    commands.syncOptions(0, dynamic).join(' '),
    'drbdsetup disk-options 0 --c-plan-ahead 20 --c-fill-target 0 --c-delay-target 1 --c-max-rate 61440 --c-min-rate 4096',
  );
  assert.throws(() => commands.syncOptions(0, { ...dynamic, 'c-plan-ahead': 0 }), /c-plan-ahead disables/);
});

test('barriers and custom options become arguments of their own', () => {
  const wanted = {
    ...params,
    'disk-barriers': 'bdf',
    'meta-barriers': true,
    'disk-custom': '--c-fill-target "1 2"',
  };
  assert.deepEqual(commands.attach(0, backing, 0, wanted).slice(6), [
    '--on-io-error=detach',
    ...['--md-flushes=no', '--disk-flushes=no', '--disk-drain=no', '--disk-barrier=no'],
    ...['--c-fill-target', '1 2'],
  ]);
  assert.throws(
    () => commands.attach(0, backing, 0, { ...params, 'disk-barriers': 'nb' }),
    /not a valid option set/,
  );
});

test('IPv6 ends are in brackets, ends of two kinds are refused', () => {
  const six = { local: { ip: '2001:db8::1', port: 1 }, remote: { ip: '2001:db8::2', port: 1 } };
  assert.deepEqual(commands.disconnect(six).slice(2), ['ipv6:[2001:db8::1]:1', 'ipv6:[2001:db8::2]:1']);
  assert.throws(() => commands.disconnect({ local: ends.local, remote: six.remote }), /can't connect ip/);
});
