/** Which files of a folder are run, and how one of them is: the rules of run-parts as Ganeti has them. */
import { access, constants, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../kit/failure.ts';
import { runProcess } from '../kit/process.ts';

/** Names that are run (constants.EXT_PLUGIN_MASK); what an editor or dpkg leaves behind doesn't match. */
const scriptName = /^[a-zA-Z0-9_-]+$/;

export interface ScriptResult {
  readonly name: string;
  readonly status: 'skip' | 'success' | 'error';
  readonly output: string;
}

export interface RunPartsOptions {
  /** The whole environment of each script. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds that one script may take before it is killed with all it started. */
  readonly timeoutMs: number;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function runScript(path: string, name: string, options: RunPartsOptions): Promise<ScriptResult> {
  try {
    const result = await runProcess([path], {
      env: options.env,
      cleanEnvironment: true,
      timeoutMs: options.timeoutMs,
      cwd: '/',
    });
    const output = `${result.stdout}${result.stderr}`.trim();
    if (result.timedOut) {
      const late = `Hook script did not end within ${options.timeoutMs / 1000} seconds and was killed`;
      return { name, status: 'error', output: output === '' ? late : `${output}\n${late}` };
    }
    return { name, status: result.code === 0 ? 'success' : 'error', output };
  } catch (error) {
    return { name, status: 'error', output: `Hook script execution error: ${messageOf(error)}` };
  }
}

/** Runs the scripts of `folder` one after the other; no folder, no results. */
export async function runParts(folder: string, options: RunPartsOptions): Promise<ScriptResult[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
  const results: ScriptResult[] = [];
  for (const name of names.filter((entry) => !entry.startsWith('.')).sort()) {
    const path = join(folder, name);
    const runs = scriptName.test(name) && (await isExecutable(path));
    results.push(runs ? await runScript(path, name, options) : { name, status: 'skip', output: '' });
  }
  return results;
}
