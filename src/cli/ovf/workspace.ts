/** What a conversion has made so far: taken away when it fails. A file that is there already is never written to. */
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';

export class Workspace {
  readonly #made: string[] = [];
  readonly #passing: string[] = [];

  /** A folder with all above it. */
  async folder(path: string): Promise<void> {
    try {
      const first = await mkdir(path, { recursive: true, mode: 0o750 });
      if (first !== undefined) this.#made.push(first);
    } catch (error) {
      throw prerequisiteFailure(
        `Failed to create directory ${path}: ${messageOf(error)}`,
        ErrorCode.environment,
      );
    }
  }

  /** A folder that is gone in the end, however it ends. */
  async passingFolder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'ovfconverter-'));
    this.#passing.push(path);
    return path;
  }

  /** An empty file of its own: `name_1.ext`, `name_2.ext` … when there are others of that name. */
  async file(folder: string, name: string, extension: string): Promise<string> {
    for (let counter = 0; ; counter += 1) {
      const path = join(folder, `${name}${counter === 0 ? '' : `_${counter}`}${extension}`);
      try {
        const handle = await open(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
        await handle.close();
        this.#made.push(path);
        return path;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw prerequisiteFailure(`Can't create ${path}: ${messageOf(error)}`, ErrorCode.environment);
      }
    }
  }

  /** All went well: what was made stays. */
  keep(): void {
    this.#made.length = 0;
  }

  async tidy(): Promise<void> {
    for (const path of [...this.#made.reverse(), ...this.#passing])
      await rm(path, { recursive: true, force: true });
    this.#made.length = 0;
    this.#passing.length = 0;
  }
}
