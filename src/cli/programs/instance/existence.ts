/** Whether there is such an instance: looked up before a question is asked about it. */
import { ErrorCode, prerequisiteFailure } from '../../../kit/failure.ts';
import type { Session } from '../../session.ts';
import { queryInstances } from '../../shared/queries.ts';

/** @throws Failure OpPrereqError unknown_entity */
export async function ensureInstanceExists(session: Session, name: string): Promise<void> {
  const [row] = await queryInstances(session, [name], ['name']);
  if (row === undefined || row[0] === null) {
    throw prerequisiteFailure(`Instance '${name}' does not exist`, ErrorCode.unknown);
  }
}
