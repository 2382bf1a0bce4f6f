import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isToolAnswer, parseToolOptions, toolOptions } from './tool-options.ts';

const options = [toolOptions.verbose, { names: ['--path'], metavar: 'PATH', help: 'Where' }];
const parsed = (...argv: string[]) => parseToolOptions('tool', '[--path=PATH]', options, argv);

test('options and arguments are told apart, values in both spellings', () => {
  for (const argv of [
    ['-v', '--path', '/a', 'x'],
    ['x', '--path=/a', '--verbose'],
  ]) {
    const call = parsed(...argv);
    assert.ok(!isToolAnswer(call));
    assert.deepEqual([[...call.flags], [...call.values], call.args], [['verbose'], [['path', '/a']], ['x']]);
  }
  const call = parsed('--', '--path');
  assert.ok(!isToolAnswer(call) && call.args[0] === '--path');
});

test('help and complaints', () => {
  assert.deepEqual(parsed('--nothing'), {
    shown: 'Usage: tool [--path=PATH]\n\ntool: error: no such option: --nothing\n',
    code: 2,
  });
  const missing = parsed('--path');
  assert.ok(isToolAnswer(missing) && missing.shown.includes('--path option requires 1 argument'));
  const help = parsed('-h');
  assert.ok(isToolAnswer(help) && help.code === 0 && help.shown.includes('--path=PATH'));
});
