/** A question to the configuration daemons of the master candidates, for commands that show what they know. */
import { answerOf } from '../../confd/client/ask.ts';
import { candidates } from '../../confd/client/peers.ts';
import { executionFailure, Failure } from '../../kit/failure.ts';
import type { Paths } from '../../kit/paths.ts';

const answerMs = 5000;

/**
 * Rows of node, minor, instance, disk, role and peer of the DRBD minors in use on a node.
 * @throws Failure OpExecError when nobody answers or the answer is no
 */
export async function queryNodeDrbd(paths: Paths, node: string): Promise<unknown[][]> {
  let answer: unknown;
  try {
    answer = await answerOf({ ...(await candidates(paths)), timeoutMs: answerMs }, 'nodeDrbd', node);
  } catch (error) {
    if (!(error instanceof Failure) || error.errorClass !== 'TimeoutError') throw error;
    throw executionFailure('Did not receive all expected confd replies', error);
  }
  return (answer as unknown[][]).toSorted(([leftNode, leftMinor], [rightNode, rightMinor]) => {
    if (leftNode === rightNode) return Number(leftMinor) - Number(rightMinor);
    return String(leftNode) < String(rightNode) ? -1 : 1;
  });
}
