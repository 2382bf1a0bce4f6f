import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capturedContext } from './captured-context.ts';
import { programs, runTool } from './main.ts';

test('a name that is no tool gets the list of them, as Ganeti lays it out', async () => {
  const context = capturedContext();
  assert.equal(await runTool('htools', [], context), 1);
  const said = context.stderr();
  assert.match(said, /^Unrecognised personality 'htools'\.\nThis program must be installed under/);
  assert.match(said, /\n\nError: Please either rename\/symlink the program or set\n.*desired role\.\n$/);
  assert.ok(said.split('\n').every((line) => line.length < 80));
  const listed = [...said.matchAll(/^ (h\w+) +- \w/gm)].map(([, name]) => name);
  assert.deepEqual(
    listed,
    programs.map(({ name }) => name),
  );
});

test('names may be written in capitals', async () => {
  const context = capturedContext();
  assert.equal(await runTool('HBAL', ['--version'], context), 0);
  assert.match(context.stdout(), /^hbal \(ganeti\) version/);
});
