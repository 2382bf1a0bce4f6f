/** Where Ganeti's own htools lie, when they are installed (Debian: ganeti-htools-3.0). */
import { existsSync } from 'node:fs';

const roots = ['/usr/lib/ganeti/3.0/usr', '/usr/lib/ganeti/default/usr', '/usr'];
/** hail is kept with the allocators. */
const folders = roots.flatMap((root) => [`${root}/bin`, `${root}/lib/ganeti/iallocators`]);

/** Path of a tool; undefined when it isn't installed. */
export function ganetiTool(name: string): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}
