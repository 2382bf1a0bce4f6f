/** Owner and group of files by name, from the machine's own passwd and group files. */
import { readFile } from 'node:fs/promises';
import { Failure } from '../kit/failure.ts';

/** The number of a name in the text of /etc/passwd or /etc/group. */
export function idIn(text: string, name: string): number | undefined {
  for (const line of text.split('\n')) {
    const [entry, , id] = line.split(':');
    if (entry === name && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  return undefined;
}

/** @throws Failure OpExecError for a name that this machine doesn't know */
export async function ownerIds(owner: string, group: string): Promise<{ uid: number; gid: number }> {
  const uid = idIn(await readFile('/etc/passwd', 'utf8'), owner);
  if (uid === undefined) throw new Failure('OpExecError', [`there is no user '${owner}' on this node`]);
  const gid = idIn(await readFile('/etc/group', 'utf8'), group);
  if (gid === undefined) throw new Failure('OpExecError', [`there is no group '${group}' on this node`]);
  return { uid, gid };
}
