/** The folders that Ganeti's daemons work in (ensure-dirs); made when they are missing, left alone otherwise. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../kit/paths.ts';

/** Path and rights of each. */
export function wantedFolders(paths: Paths): readonly (readonly [string, number])[] {
  return [
    [paths.dataDir, 0o755],
    [paths.runDir, 0o775],
    [paths.socketDir, 0o770],
    [paths.instanceDisksDir, 0o755],
    [paths.exportDir, 0o750],
    [paths.importExportDir, 0o750],
    [paths.cryptoKeysDir, 0o700],
    [paths.logDir, 0o770],
    [paths.osLogDir, 0o750],
    [join(paths.logDir, 'extstorage'), 0o750],
    [paths.lockDir, 0o1777],
    [paths.configDir, 0o755],
  ];
}

export function ensureFolders(paths: Paths): void {
  for (const [path, mode] of wantedFolders(paths)) mkdirSync(path, { recursive: true, mode });
}
