/** Failures of the operating system in Python's words, which scripts and administrators know. */
import { getSystemErrorMessage } from 'node:util';
import { messageOf } from '../../kit/failure.ts';

/** "[Errno 2] No such file or directory: '/path'"; other errors say what they say. */
export function systemErrorText(error: unknown): string {
  const { errno, path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || errno === undefined) return messageOf(error);
  const text = getSystemErrorMessage(errno) ?? error.message;
  const place = path === undefined ? '' : `: '${path}'`;
  return `[Errno ${Math.abs(errno)}] ${text.charAt(0).toUpperCase()}${text.slice(1)}${place}`;
}
