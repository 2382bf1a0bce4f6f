import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { verifyCodeTable } from '../../opcodes/verify-codes.ts';
import { simulated, type VerifyCodeName, VerifyReport } from './verify-report.ts';

function reported(errorCodes: boolean): string[] {
  const lines: string[] = [];
  const report = new VerifyReport({
    errorCodes,
    ignored: [],
    verbose: false,
    say: (text) => lines.push(text),
  });
  simulated(report, Object.keys(verifyCodeTable) as VerifyCodeName[]);
  return lines;
}

describe('the report of a verification', () => {
  test('names what mends each finding, in signs that every terminal shows', () => {
    const lines = reported(false);
    assert.equal(lines.length, 2 * Object.keys(verifyCodeTable).length);
    for (const [index, line] of lines.entries()) {
      assert.match(line, /^[\x20-\x7e]+$/);
      if (index % 2 === 1) assert.match(line, /^ {6}Mend it with: \S+.*\S$/);
    }
    assert.ok(lines.includes('      Mend it with: gnt-instance startup INSTANCE'));
  });

  test("is Ganeti's own for programs", () => {
    assert.ok(
      reported(true).every((line) => /^ {2}- ERROR:E[A-Z0-9]+:[a-z]+:None:\(simulated\) /.test(line)),
    );
  });
});
