/** Are the bridges and switches there that instances are to be plugged into? */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Paths } from '../kit/paths.ts';
import { networkAbout } from '../networks/catalog.ts';

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * The links that this node doesn't have, in the order asked. A virtual node may have devices of its own
 * below its root, as folders in sys/class/net.
 */
export async function missingLinks(
  paths: Pick<Paths, 'root'>,
  links: readonly { readonly mode: string; readonly link: string }[],
): Promise<string[]> {
  const places = paths.root === '' ? [''] : [paths.root, ''];
  const missing: string[] = [];
  for (const { mode, link } of links) {
    const about = networkAbout(mode);
    if (!about.linkIsDevice) continue;
    if (!/^[^/\0]+$/.test(link) || link === '..') {
      missing.push(link);
      continue;
    }
    const inner = about.linkIsBridge ? 'bridge' : '';
    const found = await Promise.all(
      places.map((place) => isFolder(join(place, '/sys/class/net', link, inner))),
    );
    if (!found.includes(true)) missing.push(link);
  }
  return missing;
}
