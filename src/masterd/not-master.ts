/** Why a master daemon has nothing to do on this node. */

/** What its message begins with, so that the process that started this one in the background knows too. */
export const notMasterMark = 'Not master: ';

export class NotMaster extends Error {
  constructor(reason: string) {
    super(`${notMasterMark}${reason}`);
  }
}
