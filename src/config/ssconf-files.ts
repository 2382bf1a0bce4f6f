/** Writing the ssconf files on the node where a cluster begins, before its node daemon can be asked to. */
import { join } from 'node:path';
import { writeFileAtomic } from '../kit/atomic-file.ts';
import type { Paths } from '../kit/paths.ts';
import type { Configuration } from '../model/configuration.ts';
import { ssconfValues } from './ssconf.ts';

/** Readable by everybody, changed by nobody (constants.SS_FILE_PERMS). */
const mode = 0o444;

export async function writeSsconfFiles(
  paths: Pick<Paths, 'dataDir'>,
  configuration: Configuration,
): Promise<void> {
  for (const [name, content] of Object.entries(ssconfValues(configuration))) {
    await writeFileAtomic(join(paths.dataDir, `ssconf_${name}`), content, { mode, durable: false });
  }
  await writeFileAtomic(join(paths.dataDir, 'ssconf.serial'), `${configuration.serial_no}\n`, {
    mode: 0o644,
  });
}
