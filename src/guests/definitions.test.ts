import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  definitionOf,
  diagnoseDefinitions,
  parseApiVersions,
  parseParameters,
  parseVariants,
  splitVariant,
  spokenVersion,
} from './definitions.ts';
import { validateOs } from './validate.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gantry-os-'));
});
afterEach(() => rm(root, { recursive: true }));

const scripts = ['create', 'import', 'export', 'rename', 'verify'];

async function define(name: string, versions: string, files: Record<string, string> = {}): Promise<void> {
  const folder = join(root, name);
  await mkdir(folder);
  const all = { ganeti_api_version: versions, 'parameters.list': '', ...files };
  for (const script of scripts) {
    if (!(script in all)) Object.assign(all, { [script]: '#!/bin/sh\nexit 0\n' });
  }
  for (const [file, text] of Object.entries(all)) {
    await writeFile(join(folder, file), text);
    if (scripts.includes(file)) await chmod(join(folder, file), 0o755);
  }
}

const wish = {
  os: 'testos+default',
  checks: ['parameters'],
  osparams: {},
  required: true,
  forceVariant: false,
};

describe('definitions', () => {
  it('reads versions, variants and parameters', async () => {
    await define('testos', '20\n', {
      'variants.list': '# first is default\ndefault\n\nminimal\n',
      'parameters.list': 'dhcp Whether to enable DHCP\nroot_size\tSize of the root partition\n',
    });
    const os = await definitionOf([root], 'testos+minimal');
    assert.deepEqual(os.variants, ['default', 'minimal']);
    assert.deepEqual(os.parameters, [
      ['dhcp', 'Whether to enable DHCP'],
      ['root_size', 'Size of the root partition'],
    ]);
    assert.equal(spokenVersion(os), 20);
  });

  it('ignores variants and parameters of an old version, and needs no verify script there', async () => {
    await define('old', '5\n10\n', { 'variants.list': 'a\n' });
    await rm(join(root, 'old', 'verify'));
    const os = await definitionOf([root], 'old');
    assert.deepEqual(
      [os.apiVersions, os.variants, os.parameters, os.scripts.verify],
      [[5, 10], [], [], null],
    );
    assert.equal(spokenVersion(os), 10);
  });

  it('takes the first folder of the search path that has the name', async () => {
    await define('one', '20\n');
    const second = await mkdtemp(join(tmpdir(), 'gantry-os-'));
    await mkdir(join(second, 'one'));
    assert.equal((await definitionOf([root, second], 'one')).path, join(root, 'one'));
    await assert.rejects(definitionOf([second, root], 'one'), /ganeti_api_version/);
    await rm(second, { recursive: true });
  });

  const fault = async () => {
    const [found] = await diagnoseDefinitions([root]);
    return found?.valid === false ? found.fault : undefined;
  };
  const path = () => join(root, 'broken');

  it('says which file is missing', async () => {
    await define('broken', '20\n');
    await rm(join(path(), 'parameters.list'));
    assert.equal(
      await fault(),
      `File 'parameters.list' under path '${path()}' is missing (No such file or directory)`,
    );
  });
  it('says which script cannot be run', async () => {
    await define('broken', '20\n');
    await chmod(join(path(), 'rename'), 0o644);
    assert.equal(await fault(), `File 'rename' under path '${path()}' is not executable`);
  });
  it('says that the version is not spoken', async () => {
    await define('broken', '5\n');
    assert.equal(await fault(), `API version mismatch for path '${path()}': found [5], want [10, 15, 20].`);
  });
  it('says that there is no version file', async () => {
    await mkdir(path());
    assert.equal(
      await fault(),
      `Required file 'ganeti_api_version' not found under path ${path()}: No such file or directory`,
    );
  });
  it('wants some create script', async () => {
    await define('broken', '20\n');
    await rm(join(path(), 'create'));
    assert.equal(await fault(), `A create script (trusted or untrusted) under path '${path()}' must exist`);
  });

  it('never leaves the search path, whatever the name', async () => {
    await define('testos', '20\n');
    for (const name of ['../etc', 'a/b', '', '.', 'testos/../testos', 'nosuch']) {
      await assert.rejects(definitionOf([root], name), {
        message: `Directory for OS ${name} not found in search path`,
      });
    }
  });
});

describe('checking an OS name with parameters', () => {
  it('knows variants', async () => {
    await define('testos', '20\n', { 'variants.list': 'default\n' });
    await define('plain', '20\n');
    assert.equal(await validateOs([root], wish), true);
    await assert.rejects(validateOs([root], { ...wish, os: 'testos' }), {
      message: "OS name 'testos' must include a variant",
    });
    await assert.rejects(validateOs([root], { ...wish, os: 'testos+nosuch' }), {
      message: "OS 'testos' does not support variant 'nosuch'",
    });
    assert.equal(await validateOs([root], { ...wish, os: 'testos+nosuch', forceVariant: true }), true);
    await assert.rejects(validateOs([root], { ...wish, os: 'plain+x' }), {
      message: "OS 'plain' does not support variants ('x' passed)",
    });
  });

  it('knows parameters and asks the verify script about their values', async () => {
    await define('testos', '20\n', {
      'variants.list': 'default\n',
      'parameters.list': 'dhcp x\n',
      verify:
        '#!/bin/sh\n[ "$1" = parameters ] && [ "$OSP_DHCP" = yes ] || { echo "bad: $OSP_DHCP" >&2; exit 1; }\n',
    });
    assert.equal(await validateOs([root], { ...wish, osparams: { dhcp: 'yes' } }), true);
    await assert.rejects(validateOs([root], { ...wish, osparams: { dhcp: 'maybe' } }), {
      message: 'OS validation script failed (exited with exit code 1), output: bad: maybe',
    });
    await assert.rejects(validateOs([root], { ...wish, osparams: { nosuch: '1' } }), {
      message: 'The following parameters are not supported by the OS testos: nosuch',
    });
  });

  it('answers no for a missing one that is not required', async () => {
    assert.equal(await validateOs([root], { ...wish, required: false }), false);
    await assert.rejects(validateOs([root], wish), /not found in search path/);
    await assert.rejects(validateOs([root], { ...wish, checks: ['colour'] }), /Unknown checks/);
  });
});

describe('texts of definitions', () => {
  it('splits names at the first plus', () => {
    assert.deepEqual(splitVariant('a+b+c'), { name: 'a', variant: 'b+c' });
    assert.deepEqual(splitVariant('a'), { name: 'a', variant: '' });
  });
  it('reads lists', () => {
    assert.deepEqual(parseVariants(' a \n#b\n\nc'), ['a', 'c']);
    assert.deepEqual(parseParameters('x\n\n  y  of two  words \n'), [
      ['x', ''],
      ['y', 'of two  words'],
    ]);
    assert.deepEqual(parseApiVersions('20\n 15 \n'), [20, 15]);
    assert.throws(() => parseApiVersions('twenty\n'), /can't be converted to integer/);
  });
});
