import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../kit/failure.ts';
import { runLine } from '../fake-master.ts';
import * as o from '../options/index.ts';
import { OptionError } from './convert.ts';
import { type KeyValues, parseIdentified, parseKeyValues, unescapeAndSplit } from './key-values.ts';
import { counter, flag, integer, text, texts } from './option.ts';
import { parseOptions } from './parser.ts';

const options = [
  flag(['-f', '--force'], 'force', ''),
  flag(['--force-multiple'], 'force_multi', ''),
  counter(['-d', '--debug'], 'debug', ''),
  text(['-n', '--node'], 'node', ''),
  texts(['--tag'], 'tags', ''),
  integer(['--count'], 'count', '', { default: 3 }),
];
const parse = (...words: string[]) => parseOptions(options, words);

test('values are attached, behind "=" or in the next word', () => {
  for (const words of [
    ['-nx'],
    ['-n', 'x'],
    ['--node=x'],
    ['--node', 'x'],
    ['--nod=x'],
    ['-fnx'],
    ['-fn', 'x'],
  ]) {
    assert.equal(parse(...words).values.node, 'x', words.join(' '));
  }
  assert.equal(parse('--node', '-1:add').values.node, '-1:add');
  assert.equal(parse('--node', '--force').values.node, '--force');
  assert.equal(parse('--node=').values.node, '');
  assert.equal(parse('--node=a=b').values.node, 'a=b');
});

test('options end with the first argument, or behind "--"', () => {
  assert.deepEqual(parse('-f', 'a', '-d').args, ['a', '-d']);
  assert.equal(parse('-f', 'a', '-d').values.debug, 0);
  assert.deepEqual(parse('--', '-f').args, ['-f']);
  assert.deepEqual(parse('-').args, ['-']);
});

test('flags, counters and lists; defaults are never shared', () => {
  assert.deepEqual(parse('-dd', '--debug').values.debug, 3);
  assert.deepEqual(parse('--tag', 'a', '--tag=b').values.tags, ['a', 'b']);
  assert.deepEqual(parse().values, {
    force: false,
    force_multi: false,
    debug: 0,
    node: null,
    tags: [],
    count: 3,
  });
});

test('numbers are read in the bases of Python', () => {
  assert.equal(parse('--count=0x10').values.count, 16);
  assert.equal(parse('--count=-7').values.count, -7);
  assert.throws(() => parse('--count=1.5'), new OptionError("option --count: invalid integer value: '1.5'"));
});

test('what is wrong is said in the words of optparse', () => {
  const says = (words: string[], message: string) =>
    assert.throws(() => parse(...words), new OptionError(message));
  says(['--nosuch'], 'no such option: --nosuch');
  says(['-x'], 'no such option: -x');
  says(['--forc=1'], 'ambiguous option: --forc (--force, --force-multiple?)');
  says(['--fo'], 'ambiguous option: --fo (--force, --force-multiple?)');
  says(['--force=1'], '--force option does not take a value');
  says(['--node'], '--node option requires 1 argument');
  says(['-n'], '-n option requires 1 argument');
});

test('help wins over what stands behind it, and loses against what stands before it', () => {
  assert.ok(parse('--help', '--nosuch').help);
  assert.ok(parse('-fh').help);
  assert.throws(() => parse('--nosuch', '--help'), OptionError);
});

test('key values: prefixes, escapes, duplicates', () => {
  assert.deepEqual(parseKeyValues('-B', 'memory=4g,no_auto,-vcpus,always'), {
    memory: '4g',
    auto: false,
    vcpus: null,
    always: true,
  });
  assert.deepEqual(parseKeyValues('-H', 'kernel_args=a\\,b,x=\\\\'), { kernel_args: 'a,b', x: '\\' });
  assert.throws(
    () => parseKeyValues('-B', 'a=1,a=2'),
    new Failure('ParameterError', ["Duplicate key 'a' in option -B"]),
  );
  assert.deepEqual(parseIdentified('--net', '-1:add,ip=1.2.3.4'), ['-1', { add: true, ip: '1.2.3.4' }]);
  assert.deepEqual(parseIdentified('--net', '-eth'), ['eth', null]);
  assert.deepEqual(parseIdentified('--net', 'no_eth'), ['eth', false]);
  assert.throws(() => parseIdentified('--net', '-eth:a=1'), /Cannot pass options when removing/);
  assert.equal(Object.getPrototypeOf(parseKeyValues('-B', '__proto__=x')), Object.prototype);
});

test('whatever is escaped is split back into the same parts', () => {
  const escaped = (part: string) => part.replace(/[\\,]/g, '\\$&');
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (parts) => {
      assert.deepEqual(unescapeAndSplit(parts.map(escaped).join(',')), parts);
    }),
  );
});

test('key values survive being written and read', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).filter((name) => !name.startsWith('no_'));
  const value = fc.oneof(
    fc.stringMatching(/^[^\\,]{0,9}$/),
    fc.constant(true),
    fc.constant(false),
    fc.constant(null),
  );
  const written = (values: KeyValues) =>
    Object.entries(values)
      .map(([name, item]) => {
        if (item === true) return name;
        if (item === false) return `no_${name}`;
        return item === null ? `-${name}` : `${name}=${item}`;
      })
      .join(',');
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1 }), (values) => {
      assert.deepEqual(parseKeyValues('-B', written(values as KeyValues)), { ...values });
    }),
  );
});

test('bounds of a policy', () => {
  const { values } = parseOptions(
    [o.ipolicyBoundsSpecs],
    ['--ipolicy-bounds-specs', 'min:a=1,b=2/max:a=3//min:a=0'],
  );
  assert.deepEqual(values.ipolicy_bounds_specs, [
    { min: { a: '1', b: '2' }, max: { a: '3' } },
    { min: { a: '0' } },
  ]);
});

const usageOfAdd = `Usage
=====
  gnt-instance add [...] -t disk-type -n node[:secondary-node] -o os-type <instance-name>

gnt-instance: error: `;

/** As recorded from Ganeti: command line, exit code, standard error. */
const recorded: readonly (readonly [string, number, string])[] = [
  ['gnt-instance add --hvparams bogus=1 inst1', 2, `${usageOfAdd}no such option: --hvparams\n`],
  [
    'gnt-instance add --priority=weird inst1',
    2,
    `${usageOfAdd}option --priority: invalid choice: 'weird' (choose from 'low', 'normal', 'high')\n`,
  ],
  ['gnt-cluster init', 1, 'Error: Command init expects 1 argument(s)\n'],
  ['gnt-cluster info extra', 1, 'Error: Command info expects no arguments\n'],
  [
    'gnt-instance add -B a=1,a=2 x',
    1,
    "Failure: unknown/wrong parameter name 'Duplicate key 'a' in option -B'\n",
  ],
  [
    'gnt-instance add -t diskless -o noop -n node1 --net x:mac=aa:00:00:11:22:44 inst1',
    1,
    'Failure: prerequisites not met for this operation:\nerror type: wrong_input, error details:\n' +
      "Invalid NIC index passed: invalid literal for int() with base 10: 'x'\n",
  ],
  [
    'gnt-instance add -t diskless -s 1G -o noop -n node1 inst1',
    1,
    'Failure: prerequisites not met for this operation:\nerror type: wrong_input, error details:\n' +
      'Diskless instance but disk information passed\n',
  ],
  ['gnt-instance add -t file --disk 0:size=abc -o noop inst1', 1, 'Unhandled Ganeti error: Invalid format\n'],
  [
    'gnt-instance modify --disk add inst1',
    1,
    'Failure: prerequisites not met for this operation:\nerror type: wrong_input, error details:\n' +
      "Missing required parameter 'size'\n",
  ],
  [
    'gnt-instance modify -B vcpus=abc inst1',
    1,
    "Parameter Error: 'vcpus' (value abc) is not a valid integer\n",
  ],
  [
    'gnt-instance modify -B auto_balance=maybe inst1',
    1,
    "Parameter Error: 'auto_balance' (value maybe) is not a valid boolean\n",
  ],
  ['gnt-instance modify -B bogus=1 inst1', 1, "Parameter Error: Unknown parameter 'bogus'\n"],
  ['gnt-instance modify inst1', 1, 'Please give at least one of the parameters.\n'],
];

for (const [line, code, stderr] of recorded) {
  test(`${line} is refused as recorded`, async () => {
    const ran = await runLine(line);
    assert.equal(ran.stderr, stderr);
    assert.deepEqual([ran.code, ran.stdout], [code, '']);
  });
}

test('options of older versions are taken with a warning', async () => {
  const { stderr } = await runLine('gnt-instance add --no-name-check --submit -t diskless -o noop inst1');
  assert.equal(
    stderr,
    'Warning: --no-name-check: This option is deprecated/without any effect. Name check is now\n' +
      '    disabled by default. Use --name-check for resolving names.\nJobID: 3\n',
  );
});

test('defaults from the environment come before the command line', async () => {
  const env = { GNT_INSTANCE_LIST: "--no-headers -o 'name,status'" };
  const seen: unknown[] = [];
  const { FakeMaster } = await import('../fake-master.ts');
  const master = new FakeMaster({
    answers: {
      Query: (request) => {
        seen.push((request as { fields: unknown }).fields);
        return { fields: [{ name: 'name', title: 'Instance', kind: 'text', doc: '' }], data: [] };
      },
    },
  });
  await runLine('gnt-instance list', master, { env });
  await runLine('gnt-instance list -o pnode', master, { env });
  assert.deepEqual(seen, [['name', 'status'], ['pnode']]);
});
