/** Is this node the master? */
import { readFile } from 'node:fs/promises';
import { isOwnName } from '../../kit/resolve.ts';
import type { SourceContext } from './source.ts';

export async function isMaster({ paths }: Pick<SourceContext, 'paths'>): Promise<boolean> {
  const name = await readFile(`${paths.dataDir}/ssconf_master_node`, 'utf8').catch(() => '');
  return name !== '' && isOwnName(name.trim());
}
