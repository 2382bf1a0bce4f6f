import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../kit/failure.ts';
import { reportError } from './errors.ts';
import { formatInfo, Inline, pairs } from './info.ts';
import { formatLegacyTable } from './legacy-table.ts';
import { parametersInfo, policyInfo } from './parameters-info.ts';
import { pythonRepr, pythonText, safeText } from './python-text.ts';
import { commaList, exitCodeOfAnswer, formatQueryAnswer, type QueryAnswer } from './query-table.ts';
import { maybeRoman } from './roman.ts';
import { formatTable } from './table.ts';
import { formatCtime, formatTimestamp } from './time.ts';
import { wrap } from './wrap.ts';

const field = (name: string, title: string, kind: string) => ({ name, title, kind, doc: '' });
const plainTable = { separator: null, header: true, verbose: false, units: null };

/** As recorded on a cluster with DRBD. */
const recorded: QueryAnswer = {
  fields: [
    field('name', 'Instance', 'text'),
    field('hypervisor', 'Hypervisor', 'text'),
    field('disk_template', 'Disk_template', 'text'),
    field('pnode', 'Primary_node', 'text'),
    field('snodes', 'Secondary_Nodes', 'other'),
    field('status', 'Status', 'text'),
    field('oper_ram', 'Memory', 'unit'),
    field('disk_usage', 'DiskUsage', 'unit'),
    field('disk.sizes', 'Disk_sizes', 'other'),
  ],
  data: [
    [
      'inst1.lab.example',
      'kvm',
      'drbd',
      'node1.lab.example',
      ['node2.lab.example'],
      'running',
      96,
      256,
      [128],
    ],
    ['inst2.lab.example', 'kvm', 'plain', 'node3.lab.example', [], 'running', 96, 96, [64, 32]],
  ].map((row) => row.map((value) => [0, value])),
};
const formats = { snodes: commaList, 'disk.sizes': commaList };

test('a listing is laid out as recorded', () => {
  assert.deepEqual(formatQueryAnswer(recorded, { ...plainTable, formats }), [
    'Instance          Hypervisor Disk_template Primary_node      Secondary_Nodes   Status  Memory DiskUsage Disk_sizes',
    'inst1.lab.example kvm        drbd          node1.lab.example node2.lab.example running    96M      256M 128',
    'inst2.lab.example kvm        plain         node3.lab.example                   running    96M       96M 64,32',
  ]);
});

test('separators, units and headers', () => {
  const lines = (more: object) => formatQueryAnswer(recorded, { ...plainTable, formats, ...more });
  assert.equal(
    lines({ separator: '|', header: false })[1],
    'inst2.lab.example|kvm|plain|node3.lab.example||running|96|96|64,32',
  );
  assert.equal(lines({ separator: '|', units: 'g' })[1]?.split('|')[7], '0.2');
  assert.equal(lines({ separator: '' })[1]?.includes('96M'), true);
});

test('cells without a value, short and with -v', () => {
  const answer: QueryAnswer = {
    fields: [field('a', 'A', 'text'), field('b', 'B', 'number')],
    data: [1, 2, 3, 4].map((status) => [
      [0, 'x'],
      [status, null],
    ]),
  };
  assert.deepEqual(formatQueryAnswer(answer, plainTable), ['A  B', 'x ??', 'x  ?', 'x  -', 'x  *']);
  assert.deepEqual(formatQueryAnswer(answer, { ...plainTable, verbose: true, header: false }), [
    'x (unknown)',
    'x  (nodata)',
    'x (unavail)',
    'x (offline)',
  ]);
});

test('a misspelt field gives the exit code 14, with and without rows', () => {
  const answer = { fields: [field('x', 'x', 'unknown')], data: [] };
  assert.equal(exitCodeOfAnswer(answer), 14);
  assert.equal(exitCodeOfAnswer(recorded), 0);
});

test('kinds of fields', () => {
  const kinds = ['bool', 'number', 'float', 'timestamp', 'other', 'text'];
  const answer: QueryAnswer = {
    fields: kinds.map((kind) => field(kind, kind, kind)),
    data: [[true, 5, 1.5, null, { a: [1, null, 'x'] }, 'end'].map((value) => [0, value])],
  };
  const [, row] = formatQueryAnswer(answer, { ...plainTable, separator: '|' });
  assert.equal(row, "Y|5|1.5|N/A|{'a': [1, None, 'x']}|end");
});

test('volumes are listed with sizes to the right and the last column padded only when it is a number', () => {
  assert.deepEqual(
    formatLegacyTable({
      fields: ['node', 'size', 'instance'],
      titles: { node: 'Node', size: 'Size', instance: 'Instance' },
      rows: [
        ['node1', '128', 'inst1'],
        ['node22', 32, '-'],
      ],
      separator: null,
      numbers: ['size'],
      sizes: ['size'],
    }),
    ['Node   Size Instance', 'node1  128M inst1', 'node22  32M -'],
  );
});

test('every line of a table is as wide as the columns say', () => {
  const cell = fc.string({ maxLength: 8 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), (rows) => {
      const columns = [
        { title: 'A', alignRight: false },
        { title: 'B', alignRight: true },
      ];
      const lines = formatTable(rows, columns, { header: true, separator: null });
      assert.equal(new Set(lines.map(({ length }) => length)).size, 1);
    }),
  );
});

test('info listings: nesting, order, alignment, empty values', () => {
  const text = formatInfo([
    pairs(
      ['Name', 'x'],
      ['Short', 1, 'g'],
      ['Much longer', null, 'g'],
      ['Empty', {}],
      ['List', []],
      ['Sorted', { b: 1, a: { z: true } }],
      ['Items', ['one', pairs(['k', 'v'], ['l', new Inline([1, 'message', 'text'])])]],
    ),
  ]);
  assert.equal(
    text,
    [
      '- Name: x',
      '  Short:       1',
      '  Much longer: None',
      '  Empty: ',
      '  List: ',
      '  Sorted: ',
      '    a: ',
      '      z: True',
      '    b: 1',
      '  Items: ',
      '    - one',
      '    - k: v',
      '      l: [1, message, text]',
    ].join('\n'),
  );
});

test('inherited parameters show as defaults', () => {
  assert.deepEqual(parametersInfo({ a: 4, d: { e: 1 } }, { a: 4, b: false, d: { e: 1, f: 2 } }), {
    a: '4',
    b: 'default (False)',
    d: { e: '1', f: 'default (2)' },
  });
  const text = formatInfo(
    policyInfo(
      { 'vcpu-ratio': 8 },
      { minmax: [{ min: { x: 1 }, max: { x: 2 } }], 'disk-templates': ['a'], 'spindle-ratio': 32 },
    ),
  );
  assert.equal(
    text,
    [
      'bounds specs: ',
      '  - max/0: ',
      '      x: default (2)',
      '    min/0: ',
      '      x: default (1)',
      'allowed disk templates: default (a)',
      'spindle-ratio: default (32)',
      'vcpu-ratio: 8',
    ].join('\n'),
  );
});

test('roman numerals', () => {
  assert.deepEqual(
    [1, 4, 14, 1999, 4999].map((number) => maybeRoman(number, true)),
    ['I', 'IV', 'XIV', 'MCMXCIX', 'MMMMCMXCIX'],
  );
  assert.deepEqual(
    [0, 5000, 1.5, 'x', null].map((value) => maybeRoman(value, true)),
    ['0', '5000', '1.5', 'x', 'None'],
  );
  assert.equal(maybeRoman(4, false), '4');
});

test('values as Python writes them', () => {
  assert.equal(
    pythonText(['a', "it's", '"', null, true, 1.5, { k: [] }]),
    "['a', \"it's\", '\"', None, True, 1.5, {'k': []}]",
  );
  assert.equal(pythonRepr('a\n\u0001\\'), "'a\\n\\x01\\\\'");
  assert.equal(safeText('a\u{1f600}\u007f'), 'a\\U0001f600\\x7f');
});

test('times', () => {
  const noon = new Date(2026, 10, 6, 12, 5, 9).getTime() / 1000;
  assert.equal(formatCtime(noon), 'Fri Nov  6 12:05:09 2026');
  assert.equal(formatTimestamp([noon, 42]), '2026-11-06 12:05:09.000042');
  assert.equal(formatTimestamp(null), '?');
});

test('text is wrapped at blanks and behind hyphens inside words', () => {
  assert.deepEqual(wrap('look, goof-ball -- use the -b option!', 12), [
    'look, goof-',
    'ball -- use',
    'the -b',
    'option!',
  ]);
  assert.deepEqual(wrap('hypervisor:option=value', 10), ['hypervisor', ':option=va', 'lue']);
  assert.deepEqual(wrap('  leading', 20), ['  leading']);
  assert.deepEqual(wrap('', 20), []);
});

test('wrapping loses nothing but blanks and keeps to the width', () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[a-z0-9.-]{1,12}$/), { minLength: 1 }),
      fc.integer({ min: 4, max: 40 }),
      (words, width) => {
        const lines = wrap(words.join(' '), width);
        assert.ok(lines.every((line) => line.length <= width));
        assert.equal(lines.join('').replaceAll(' ', ''), words.join(''));
      },
    ),
  );
});

const reports: readonly (readonly [Failure, number, string])[] = [
  [
    new Failure('ConfigurationError', ['Invalid NIC mode']),
    2,
    'Corrupt configuration file: Invalid NIC mode\nAborting.',
  ],
  [
    new Failure('HooksAbort', [
      [
        ['node1', 'hook', 'no'],
        ['node2', 'hook', ''],
      ],
    ]),
    1,
    'Failure: hooks execution failed:\n  node: node1, script: hook, output: no\n  node: node2, script: hook (no output)',
  ],
  [
    new Failure('OpPrereqError', ['only text']),
    1,
    'Failure: prerequisites not met for this operation:\nonly text',
  ],
  [
    new Failure('TagError', ['Tag contains invalid characters']),
    1,
    'Failure: invalid tag(s) given:\nTag contains invalid characters',
  ],
  [
    new Failure('JobQueueDrainError', ['x']),
    1,
    "Failure: the job queue is marked for drain and doesn't accept new requests",
  ],
  [
    new Failure('NoMasterError', ['/var/run/ganeti/socket/ganeti-query']),
    1,
    'Cannot communicate with the master daemon.\nIs the process running and listening for connections?',
  ],
  [new Failure('HypervisorError', ['no']), 1, 'Unhandled Ganeti error: no'],
  [new Failure('GenericError', ['two', 2]), 1, "Unhandled Ganeti error: ('two', 2)"],
];

for (const [failure, code, text] of reports) {
  test(`${failure.errorClass} is told as Ganeti tells it`, () => {
    assert.deepEqual(reportError(failure), { code, text });
  });
}
