/**
 * Usage and --help of every command against what Ganeti 3.0.2 printed (testdata/help.txt), byte for byte;
 * where 3.1 says something else, `newer` says what.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeMaster, runLine } from './fake-master.ts';

interface Recorded {
  readonly command: string;
  readonly code: number;
  readonly stdout: string;
}

const recordPattern = /^(.*)\n### exit (\d+), .*\n--- stdout\n([\s\S]*?)--- stderr\n---\n?$/;

function readRecords(): Recorded[] {
  const text = readFileSync(join(import.meta.dirname, 'testdata', 'help.txt'), 'utf8');
  return text
    .split(/\n### \[node1\] \$ /)
    .slice(1)
    .flatMap((record) => {
      const [, command, code, stdout] = recordPattern.exec(record) ?? [];
      return command?.startsWith('gnt-') ? [{ command, code: Number(code), stdout: stdout! }] : [];
    });
}

/** Python prints these sets in another order each time. */
const unordered = [
  /Custom disk setup \([^)]*\)/,
  /Request\s+mode\s+\(one\s+of\s+[^)]*\)/,
  /Node\s+evacuation\s+mode\s+\(one\s+of\s+[^)]*\)/,
  /collector\s+is\s+one\s+of\s+[^.]*\./,
];

const noNameCheck = [
  "--no-ip-check           Don't check that the instance's IP is alive\n",
  "--no-name-check         Don't check that the instance's name is resolvable\n",
] as const;
const ipCheck = "--ip-check              Check that the instance's IP is alive (ping)\n";
const nameCheck = "--name-check            Check that the instance's name is resolvable\n";
const retiredIpCheck = `--no-ip-check           This option is deprecated/without any effect. IP check
                        is now disabled by default. Use --ip-check for
                        connection test.
`;
const retiredNameCheck = `--no-name-check         This option is deprecated/without any effect. Name
                        check is now disabled by default. Use --name-check for
                        resolving names.
`;
const conflicts = "--no-conflicts-check    Don't check for conflicting IPs\n";
const create = [
  [
    noNameCheck[0] + conflicts + noNameCheck[1],
    ipCheck + retiredIpCheck + nameCheck + retiredNameCheck + conflicts,
  ],
] as const;
const commandList = [
  ['reboot           - Reboots an instance', 'reboot           - Reboots one or more instances'],
  ['shutdown         - Stops an instance', 'shutdown         - Stops one or more instances'],
  ['startup          - Starts an instance', 'startup          - Starts one or more instances'],
] as const;
/** Commands that Ganeti has not. */
const clusterCommands = [
  [
    ' repair-disk-sizes    - ',
    " repair               - Removes volumes, mirrors, addresses and ports that are\n                        provably nobody's\n repair-disk-sizes    - ",
  ],
] as const;
type Changes = readonly (readonly [string, string])[];

/** By command: what stood there in 3.0.2, what stands there now. */
const newer: Readonly<Record<string, Changes>> = {
  'gnt-backup import --help': create,
  'gnt-instance add --help': create,
  'gnt-instance': commandList,
  'gnt-instance --help': commandList,
  'gnt-cluster': clusterCommands,
  'gnt-cluster --help': clusterCommands,
  'gnt-network': [
    [
      ' remove-tags - Remove tags from given network\n',
      ' remove-tags - Remove tags from given network\n rename      - Rename a network\n',
    ],
  ],
  'gnt-network --help': [
    [
      ' remove-tags - Remove tags from given network\n',
      ' remove-tags - Remove tags from given network\n rename      - Rename a network\n',
    ],
  ],
  'gnt-cluster verify --help': [
    [
      '--dry-run  ',
      '--no-hv-param-assessment\n                        Skip hypervisor parameter assessment\n--dry-run  ',
    ],
  ],
  'gnt-cluster verify-disks --help': [
    ['--debug, -d  ', '--no-strict             Do not run group verify in strict mode\n--debug, -d  '],
  ],
  'gnt-instance modify --help': [
    ['--hotplug               Hotplug', '--no-hotplug            Hotplug'],
    ['--hotplug-if-possible   Hotplug devices in case hotplug is supported\n', ''],
  ],
  'gnt-instance rename --help': [
    ['--force, -f             Force the operation\n', ''],
    [noNameCheck[0], ipCheck],
    [noNameCheck[1], nameCheck],
  ],
  'gnt-instance reboot --help': [
    ['reboot <instance>', 'reboot <instance-name>...'],
    ['Reboots an instance', 'Reboots one or more instances'],
  ],
  'gnt-instance shutdown --help': [
    ['shutdown <instance>', 'shutdown <instance-name>...'],
    ['Stops an instance', 'Stops one or more instances'],
  ],
  'gnt-instance startup --help': [
    ['startup <instance>', 'startup <instance-name>...'],
    ['Starts an instance', 'Starts one or more instances'],
  ],
  'gnt-instance reinstall --help': [['[-f] <instance>', '[-f] <instance-name>']],
};

function expected({ command, stdout }: Recorded): string {
  let text = stdout
    .replace('(ganeti 3.0.2-3) 3.0.2', '(ganeti gantry-0.1.0) 3.1.0')
    .replace('Maximum time (in minutes)', 'Maximum time (in seconds)');
  for (const [before, after] of newer[command] ?? []) {
    assert.ok(text.includes(before), `${command}: nothing to change at ${before}`);
    text = text.replace(before, after);
  }
  return text;
}

const withoutOrder = (text: string) =>
  unordered.reduce((result, pattern) => result.replace(pattern, '(a set)'), text);

const nobody = async () => assert.fail('help asks nobody');
const run = (command: string, env: Record<string, string> = {}) =>
  runLine(command, new FakeMaster(), { env, connect: nobody });

test('every recorded help is printed again', async () => {
  const records = readRecords();
  assert.equal(records.length, 164);
  for (const record of records) {
    const { code, stdout, stderr } = await run(record.command);
    assert.equal(stderr, '', record.command);
    assert.equal(withoutOrder(stdout), withoutOrder(expected(record)), record.command);
    assert.equal(code, record.code, record.command);
  }
});

test('help follows $COLUMNS', async () => {
  const { stdout } = await run('gnt-instance add --help', { COLUMNS: '60' });
  const lines = stdout.split('\n').slice(6);
  assert.ok(lines.includes('                        in the format hypervisor:option=va'));
  assert.ok(lines.includes('                        lue,option=value,...'));
});
