/** An OS definition for virtual nodes that keeps what is on the disk: it is exported and imported byte by byte. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VirtualLab } from './virtual.ts';

const scripts: Readonly<Record<string, string>> = {
  create: 'exit 0',
  export: 'cat "$EXPORT_DEVICE"',
  import: 'dd of="$IMPORT_DEVICE" bs=1M conv=notrunc status=none',
  rename: 'exit 0',
  verify: 'exit 0',
};

/** @param changed shell commands of scripts that do something else */
export async function installKeeper(
  lab: VirtualLab,
  nodes: readonly string[],
  changed: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const node of nodes) {
    const folder = join(lab.root(node), 'srv/ganeti/os/keeper');
    await mkdir(folder, { recursive: true });
    for (const [name, text] of Object.entries({ ...scripts, ...changed })) {
      await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`);
      await chmod(join(folder, name), 0o755);
    }
    await writeFile(join(folder, 'ganeti_api_version'), '20\n');
    await writeFile(join(folder, 'parameters.list'), '');
    await writeFile(join(folder, 'variants.list'), 'default\n');
  }
}
