/**
 * The tools on rubbish: text files, RAPI answers, LUXI answers, allocator requests and command lines that were
 * damaged at random. Whatever comes of it, it is an exit code and words for a person, never a fault of the tool.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { LuxiClient } from '../../luxi/client.ts';
import { instanceRow, nodeRow, row } from '../load/luxi-rows.fixture.ts';
import { SampleCluster } from '../load/sample-cluster.ts';
import { variedCluster } from '../load/varied-cluster.ts';
import { varieties } from '../load/varieties.fixture.ts';
import { capturedContext } from './captured-context.ts';
import { runTool } from './main.ts';
import type { ProgramContext } from './program.ts';

const data = resolve(import.meta.dirname, '../testdata/reference/data');
let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'htools-rubbish-'));
});
after(() => rmSync(folder, { recursive: true }));

interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool, which may refuse what it is given but must not fail of itself. */
async function run(
  tool: string,
  args: readonly string[],
  world: Partial<ProgramContext> = {},
): Promise<Told> {
  const context = capturedContext(world);
  const code = await runTool(tool, args, context);
  const told = { code, stdout: context.stdout(), stderr: context.stderr() };
  assert.ok([0, 1, 2].includes(code), `${tool} ${args.join(' ')}: exit code ${code}`);
  assert.doesNotMatch(told.stderr, /^\w+: \w*Error\b|^\s+at .*[:(]/m, `${tool} ${args.join(' ')}`);
  assert.doesNotMatch(told.stdout, /\bundefined\b|\[object /, `${tool} ${args.join(' ')}`);
  if (code !== 0 && told.stdout === '') assert.notEqual(told.stderr, '', `${tool} says why`);
  return told;
}

test('a fault of the tool itself is one line, and with -v says where', async () => {
  const connect = () => Promise.reject(new TypeError('no such thing'));
  for (const tool of ['hbal', 'harep']) {
    const quiet = capturedContext({ connect });
    assert.equal(await runTool(tool, ['-L'], quiet), 1);
    assert.equal(
      quiet.stderr(),
      `${tool}: TypeError: no such thing (a fault of the program; -v shows where)\n`,
    );
    const verbose = capturedContext({ connect });
    assert.equal(await runTool(tool, ['-L', '-v'], verbose), 1);
    assert.match(verbose.stderr(), /: TypeError: no such thing\n.*\n +at .*bad-input\.test\.ts:/);
  }
});

const readers: readonly (readonly string[])[] = [
  ['hbal', '-l', '3', '--evac-mode', '-p', '-C', '--explain'],
  ['hbal', '-l', '3', '-v', '-v'],
  ['hinfo', '-v', '-v', '-p', '--print-instances'],
  ['hspace', '-l', '3', '--machine-readable', '--disk-template', 'drbd', '--explain'],
  ['hspace', '-l', '3', '-v', '-v', '--tiered-alloc=4g,1g,1'],
  ['hcheck', '--no-simulation', '--machine-readable'],
  ['hroller', '-f', '--print-moves'],
  ['hsqueeze', '-v', '-C'],
];
const anyReader = fc.constantFrom(...readers);

const words = [
  ...[
    '',
    ' ',
    '-',
    '-1',
    '0',
    '1',
    '3.5',
    '1e400',
    '99999999999999999999',
    'NaN',
    'Y',
    'N',
    'M',
    'x',
    'é☃',
    '\u0000',
  ],
  ...[
    'drbd',
    'plain',
    'ext',
    'running',
    'hdd=',
    'hdd=5:',
    'hdd=5:3;ssd',
    '1,2,3',
    '__proto__',
    'constructor',
    '1;2|3',
  ],
];

interface Damage {
  readonly kind: 'drop' | 'double' | 'field' | 'cut' | 'character' | 'swap';
  readonly at: number;
  readonly other: number;
  readonly word: string;
}

const damages = fc.array(
  fc.record<Damage>({
    kind: fc.constantFrom('drop', 'double', 'field', 'field', 'field', 'cut', 'character', 'swap'),
    at: fc.nat(1e6),
    other: fc.nat(1e6),
    word: fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 6 })),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(text: string, { kind, at, other, word }: Damage): string {
  const lines = text.split('\n');
  const place = at % lines.length;
  const line = lines[place]!;
  switch (kind) {
    case 'drop':
      return lines.toSpliced(place, 1).join('\n');
    case 'double':
      return lines.toSpliced(place, 0, line).join('\n');
    case 'field': {
      const fields = line.split('|');
      return lines.with(place, fields.with(other % fields.length, word).join('|')).join('\n');
    }
    case 'cut':
      return text.slice(0, at % (text.length + 1));
    case 'character':
      return text.slice(0, at % (text.length + 1)) + word + text.slice((at % (text.length + 1)) + 1);
    case 'swap':
      return lines
        .with(place, lines[other % lines.length]!)
        .with(other % lines.length, line)
        .join('\n');
  }
}

const settings = (seed: number, numRuns: number) => ({ numRuns, seed });

test('text files', async () => {
  const codes = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(1e6),
      varieties,
      damages,
      anyReader,
      async (seed, variety, list, [tool, ...args]) => {
        const file = join(folder, 'broken.data');
        writeFileSync(file, list.reduce(damaged, variedCluster(seed, variety)));
        const { code } = await run(tool!, [...args, '-t', file]);
        codes[code]! += 1;
      },
    ),
    settings(1, 400),
  );
  assert.ok(codes[0]! > 20 && codes[1]! > 100, `${codes.join(' ')}: both refused and borne`);
});

type Place = readonly (string | number)[];

/** Every place of a JSON value. */
function placesOf(value: unknown, from: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [from];
  return [from, ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...from, key]))];
}

function replaced(value: unknown, [key, ...rest]: Place, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return (value as unknown[]).with(Number(key), replaced(value[Number(key)], rest, by));
  const { [key]: inner, ...others } = value as Record<string, unknown>;
  const now = rest.length === 0 && by === undefined ? {} : { [key]: replaced(inner, rest, by) };
  return { ...others, ...now };
}

const jsonRubbish = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    0,
    1,
    -1,
    2.5,
    -0,
    1e308,
    2 ** 53,
    '',
    'x',
    [],
    {},
    [[]],
    [null],
  ),
  fc.constantFrom<unknown>(...words),
  fc.jsonValue({ maxDepth: 2 }),
);

const jsonDamages = fc.array(fc.tuple(fc.nat(1e6), jsonRubbish), { minLength: 1, maxLength: 3 });

function damagedJson(value: unknown, list: readonly (readonly [number, unknown])[]): unknown {
  return list.reduce((current, [at, by]) => {
    const places = placesOf(current);
    const place = places[at % places.length]!;
    const isItem = Array.isArray(
      place.slice(0, -1).reduce((from, key) => (from as Record<string, unknown>)[key], current),
    );
    return replaced(current, place, by === undefined && (isItem || place.length === 0) ? null : by);
  }, value);
}

const rapiAnswers = ['groups', 'nodes', 'instances', 'info'] as const;

test('answers of the remote API', async () => {
  const good = new Map(
    rapiAnswers.map((name) => [name, readFileSync(join(data, 'rapi', `${name}.json`), 'utf8')]),
  );
  const saved = join(folder, 'rapi');
  mkdirSync(saved);
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...rapiAnswers),
      fc.oneof(jsonDamages, damages),
      anyReader,
      async (broken, list, [tool, ...args]) => {
        for (const [name, text] of good) writeFileSync(join(saved, `${name}.json`), text);
        const text = good.get(broken)!;
        const isText = !Array.isArray(list[0]);
        const bad = isText
          ? (list as Damage[]).reduce(damaged, text)
          : JSON.stringify(damagedJson(JSON.parse(text), list as [number, unknown][]));
        writeFileSync(join(saved, `${broken}.json`), bad);
        refused += (await run(tool!, [...args, '-m', `file://${saved}`])).code;
      },
    ),
    settings(2, 400),
  );
  assert.ok(refused > 50, `${refused} refused`);
});

test('requests of the allocator protocol', async () => {
  const names = [
    ...['alloc-drbd', 'reloc-drbd', 'node-evac', 'change-group', 'alloc-secondary', 'multialloc-dedicated'],
    ...[
      'alloc-spindles',
      'alloc-ext',
      'alloc-twodisks',
      'alloc-desired-location',
      'alloc-restricted-network',
    ],
  ];
  const requests = new Map(
    names.map((name) => [name, readFileSync(join(data, `hail-${name}.json`), 'utf8')]),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), fc.oneof(jsonDamages, damages), async (name, list) => {
      const text = requests.get(name)!;
      const file = join(folder, 'request.json');
      const isText = !Array.isArray(list[0]);
      const bad = isText
        ? (list as Damage[]).reduce(damaged, text)
        : JSON.stringify(damagedJson(JSON.parse(text), list as [number, unknown][]));
      writeFileSync(file, bad);
      const { code, stdout } = await run('hail', ['--explain', file]);
      if (code !== 0) return;
      const { success, info } = JSON.parse(stdout) as { success: unknown; info: unknown };
      assert.deepEqual([typeof success, typeof info], ['boolean', 'string']);
    }),
    settings(3, 400),
  );
});

const specs = {
  'memory-size': 128,
  'cpu-count': 1,
  'disk-size': 1024,
  'disk-count': 1,
  'nic-count': 1,
  'spindle-use': 1,
};
const policy = {
  minmax: [
    {
      min: specs,
      max: { ...specs, 'memory-size': 32768, 'cpu-count': 8, 'disk-size': 1048576, 'disk-count': 9 },
    },
  ],
  ...{ std: specs, 'disk-templates': ['drbd', 'plain'], 'vcpu-ratio': 4, 'spindle-ratio': 32 },
};
const luxi: Readonly<Record<string, unknown>> = {
  group: { fields: [], data: [row('uuid-1', 'default', 'preferred', policy, [])] },
  node: { fields: [], data: [nodeRow('node1'), nodeRow('node2'), nodeRow('node3')] },
  instance: { fields: [], data: [instanceRow('i1')] },
  cluster: { tags: ['htools:iextags:a'], ipolicy: policy, master: 'node1', default_hypervisor: 'kvm' },
};

test('answers of the master daemon', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('group', 'node', 'instance', 'cluster'),
      jsonDamages,
      anyReader,
      async (broken, list, [tool, ...args]) => {
        const answers = {
          ...luxi,
          [broken]: JSON.parse(JSON.stringify(damagedJson(luxi[broken], list) ?? null)) as unknown,
        };
        const client = {
          call: async (method: string, [what]: readonly unknown[]) =>
            answers[method === 'Query' ? String(what) : 'cluster'],
          close() {},
        } as unknown as LuxiClient;
        refused += (await run(tool!, [...args, '--luxi=/socket'], { connect: async () => client })).code;
      },
    ),
    settings(4, 400),
  );
  assert.ok(refused > 50, `${refused} refused`);
});

test('reports of monitoring daemons, descriptions to simulate, utilisation files', async () => {
  const cluster = join(folder, 'good.data');
  writeFileSync(cluster, new SampleCluster({ nodes: 4, instances: 8 }).text());
  const report = [
    {
      node: 'node001.example.com',
      reports: [{ name: 'cpu-avg-load', data: { cpu_number: 2, cpus: [1, 2], cpu_total: 3 } }],
    },
  ];
  await fc.assert(
    fc.asyncProperty(jsonDamages, damages, damages, async (json, forLoads, forNodes) => {
      const file = join(folder, 'mond.json');
      writeFileSync(file, JSON.stringify(damagedJson(report, json)));
      await run('hbal', ['-l', '1', '-t', cluster, '--mond=yes', `--mond-data=${file}`]);
      const loads = join(folder, 'loads');
      writeFileSync(loads, forLoads.reduce(damaged, 'inst00001 1 1 1 1\ninst00002 0.5 1 2 0'));
      await run('hbal', ['-l', '1', '-t', cluster, '-U', loads]);
      await run('hspace', ['-l', '3', `--simulate=${forNodes.reduce(damaged, 'p,3,1T,16g,4,2,True')}`]);
    }),
    settings(5, 100),
  );
});

test('sizes beyond reason are shrunk in a moment', async () => {
  const huge = String(2 ** 53);
  const file = join(folder, 'huge.data');
  const node = (name: string) => `${name}|16384|0|16384|102400|102400|8|N|uuid|9||Y|9|0|1.0`;
  const policy = (owner: string) =>
    `${owner}|1024,1,10240,1,1,1|128,1,1024,1,1,1;${huge},${huge},${huge},16,8,${huge}|drbd,plain|4|32`;
  writeFileSync(
    file,
    [
      'all|uuid|preferred||',
      '',
      node('node1'),
      node('node2'),
      '',
      '',
      '',
      policy(''),
      policy('all'),
      '',
    ].join('\n'),
  );
  const tiered = `--tiered-alloc=${huge},16384,${huge},${huge}`;
  const { code, stdout, stderr } = await run('hspace', [
    '-t',
    file,
    '--disk-template=plain',
    tiered,
    '--no-capacity-checks',
  ]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^ {2}- {3}2 instances of spec MEM 16320, DSK 102144, CPU 32, SPN 9$/m);
});
