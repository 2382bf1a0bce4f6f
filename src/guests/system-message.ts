/** What the C library says of an error, for messages that administrators know from Ganeti. */
import { messageOf } from '../kit/failure.ts';

const words: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EIO: 'Input/output error',
};

export function systemMessage(error: unknown): string {
  return words[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
}
