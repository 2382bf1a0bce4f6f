/** Checks of parameters that name files and folders of the node (BaseHypervisor.ValidateParameters). */
import { stat } from 'node:fs/promises';
import { Failure } from '../kit/failure.ts';
import type { Parameters } from '../model/objects/common.ts';
import { isUrl } from './checks.ts';
import type { HypervisorAbout } from './contract.ts';
import { unspecified } from './parameters.ts';

const faults = {
  file: 'not found or not a file',
  directory: 'not found or not a directory',
  'file-or-url': 'not found or not a file or URL',
} as const;

async function holds(kind: keyof typeof faults, value: string): Promise<boolean> {
  if (kind === 'file-or-url' && isUrl(value)) return true;
  const found = await stat(value).catch(() => null);
  return found !== null && (kind === 'directory' ? found.isDirectory() : found.isFile());
}

/** @throws Failure HypervisorError for the first that isn't there */
export async function checkOnNode(about: HypervisorAbout, values: Parameters): Promise<void> {
  for (const [name, { onNode }] of Object.entries(about.params)) {
    const value = values[name];
    if (onNode === undefined || unspecified(value)) continue;
    if (!(await holds(onNode, String(value)))) {
      throw new Failure('HypervisorError', [
        `Parameter '${name}' fails validation: ${faults[onNode]} (current value: '${String(value)}')`,
      ]);
    }
  }
}
