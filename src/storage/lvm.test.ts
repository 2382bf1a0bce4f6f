import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  parseLogicalVolumes,
  parsePhysicalVolumes,
  parseVolumeGroups,
  saysNotFound,
  standardVolumeSize,
} from './lvm.ts';

test('a volume of several segments is one volume on all their devices', () => {
  const output = [
    '  xenvg|u1.disk0_data|-wi-ao----|254|0|4096.00|1|/dev/sda5(0)|131072.00|originstname+inst1,other',
    '  xenvg|u1.disk0_data|-wi-ao----|254|0|4096.00|1|/dev/sdb1(16)|131072.00|originstname+inst1,other',
    '  xenvg|u2.disk0|-wi-------|-1|-1|4096.00|2|/dev/sda5(32),/dev/sdb1(40)|8192.00|',
  ].join('\n');
  const [first, second] = parseLogicalVolumes(output);
  assert.deepEqual(first?.physicalVolumes, ['/dev/sda5', '/dev/sdb1']);
  assert.deepEqual(first?.tags, ['originstname+inst1', 'other']);
  assert.equal(first?.sizeKiB, 131072);
  assert.deepEqual([second?.minor, second?.stripes, second?.tags], [-1, 2, []]);
});

test('warnings between the lines are not volumes', () => {
  const output = "  Couldn't find device with uuid bHRa26-svpL\n  xenvg|100.00|wz-pn-|200.00\n";
  assert.deepEqual(parseVolumeGroups(output), [
    { name: 'xenvg', free: 100, attributes: 'wz-pn-', size: 200 },
  ]);
});

test('a device that has gone does not hide the other volumes', () => {
  const line = (name: string, device: string) =>
    `  xenvg|${name}|-wi-ao--p-|254|0|4096.00|1|${device}|4096.00|`;
  const found = parseLogicalVolumes([line('a', 'unknown device(0)'), line('b', '[unknown](3)')].join('\n'));
  assert.deepEqual(
    found.map((volume) => volume.physicalVolumes),
    [['unknown device'], ['[unknown]']],
  );
  assert.throws(() => parseLogicalVolumes(line('a', 'sda5')), /Can't parse this device list: sda5/);
});

test('a physical volume is listed once', () => {
  const line = '  /dev/sda5|xenvg|52.00|a--|100.00|/dev/sda5\n';
  assert.deepEqual(parsePhysicalVolumes(line + line), [
    { name: '/dev/sda5', vg: 'xenvg', free: 52, attributes: 'a--', size: 100 },
  ]);
});

test('output of another shape is an error, not a guess', () => {
  assert.throws(() => parseVolumeGroups('xenvg|1|2\n'), /Can't parse vgs output/);
  assert.throws(() => parseVolumeGroups('xenvg|x|wz--n-|2\n'), /free space 'x' is not a number/);
  assert.throws(() => parseLogicalVolumes('xenvg|a|-wi|0|0|4|1||4|\n'), /at least 6 characters/);
});

test('only words about the volume or group mean that it is not there', () => {
  const result = (stderr: string) => ({
    argv: [],
    code: 5,
    signal: null,
    timedOut: false,
    stdout: '',
    stderr,
  });
  assert.ok(saysNotFound(result('  Failed to find logical volume "xenvg/foo"\n')));
  assert.ok(
    saysNotFound(result('  Volume group "nosuch" not found\n  Cannot process volume group nosuch\n')),
  );
  assert.ok(!saysNotFound(result('  /run/lock/lvm/V_xenvg:aux: open failed: Permission denied\n')));
});

test('the standard physical volume is the smallest, less what partitioning costs', () => {
  const volume = (size: number) => ({ name: 'x', vg: 'v', free: size, size, attributes: 'a--' });
  assert.equal(standardVolumeSize([volume(2060), volume(1030)]), 1000);
});
