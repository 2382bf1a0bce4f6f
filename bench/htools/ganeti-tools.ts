/** Where Ganeti's own htools lie, when they are installed (Debian: ganeti-htools-3.0). */
import { existsSync } from 'node:fs';

const folders = ['/usr/lib/ganeti/3.0/usr/bin', '/usr/lib/ganeti/default/usr/bin', '/usr/bin'];

/** Path of a tool; undefined when it isn't installed. */
export function ganetiTool(name: string): string | undefined {
  return folders.map((folder) => `${folder}/${name}`).find((path) => existsSync(path));
}
