import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTranscript } from './transcript.ts';

test('commands, output, complaints and exit codes are told apart', () => {
  const text = '\n$ a b\none\n  two\n$ c\n! bad\n? 2\n';
  assert.deepEqual(parseTranscript(text), [
    { command: 'a b', stdout: 'one\n  two\n', stderr: '', code: 0 },
    { command: 'c', stdout: '', stderr: 'bad\n', code: 2 },
  ]);
  assert.throws(() => parseTranscript('one\n$ a'), /begins with a command, not with 'one'/);
});
