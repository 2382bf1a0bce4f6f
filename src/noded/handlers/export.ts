/**
 * Node calls about exports. The names in the export folder:
 *
 *   NAME       the export         (its token beside config.ini until the master says that all is well)
 *   NAME.new   one in the making, with its token
 *   NAME.old   the one before, until then
 */
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { syncDirectory, writeFileAtomic } from '../../kit/atomic-file.ts';
import { executionFailure, messageOf } from '../../kit/failure.ts';
import * as calls from '../../noderpc/calls/export.ts';
import { answers, type NodeHandler } from '../../noderpc/handler.ts';
import { localPath } from '../../storage/host.ts';
import type { NodeContext } from '../context.ts';
import { createTurns } from '../in-turn.ts';

const configFile = 'config.ini';
const tokenFile = '.token';

interface Making {
  readonly name: string;
  readonly token: string;
}

const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
const remove = (path: string) => rm(path, { recursive: true, force: true });
const tokenIn = (folder: string) => readFile(join(folder, tokenFile), 'utf8').catch(() => '');

class Shelf {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  at(name: string) {
    const place = join(this.#folder, name);
    return { place, growing: `${place}.new`, aside: `${place}.old` };
  }

  async begin({ name, token }: Making): Promise<void> {
    const { growing } = this.at(name);
    if ((await tokenIn(growing)) === token) return;
    await remove(growing);
    await mkdir(growing, { recursive: true, mode: 0o750 });
    await writeFileAtomic(join(growing, tokenFile), token, { mode: 0o600 });
  }

  async finalize({ name, token }: Making, config: string): Promise<void> {
    const { place, growing, aside } = this.at(name);
    if ((await tokenIn(place)) === token) return;
    if ((await tokenIn(growing)) !== token)
      throw executionFailure(`There is no export of ${name} in the making`);
    await writeFileAtomic(join(growing, configFile), config, { mode: 0o600 });
    if (await isThere(place)) {
      await remove(aside);
      await rename(place, aside);
    }
    await rename(growing, place);
    await syncDirectory(this.#folder);
  }

  async abandon({ name, token }: Making): Promise<void> {
    const { place, growing, aside } = this.at(name);
    if ((await tokenIn(growing)) === token) await remove(growing);
    if ((await tokenIn(place)) === token) await remove(place);
    if ((await isThere(aside)) && !(await isThere(place))) await rename(aside, place);
  }

  async settle({ name, token }: Making): Promise<void> {
    const { place, aside } = this.at(name);
    if ((await tokenIn(place)) !== token) return;
    await remove(aside);
    await rm(join(place, tokenFile), { force: true });
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.#folder).catch(() => {
      throw executionFailure('No exports directory');
    });
    return names.filter((name) => !name.startsWith('.')).sort();
  }

  async remove(name: string): Promise<void> {
    try {
      await remove(this.at(name).place);
    } catch (error) {
      throw executionFailure(`Error while removing the export: ${messageOf(error)}`, error);
    }
  }
}

async function readInfo({ paths }: NodeContext, path: string): Promise<string> {
  if (!path.startsWith('/') || normalize(path) !== path)
    throw executionFailure(`Path '${path}' is not normalized or absolute`);
  const text = await readFile(join(localPath(paths, path), configFile), 'utf8').catch(() => '');
  for (const section of ['export', 'instance']) {
    if (!text.split('\n').includes(`[${section}]`))
      throw executionFailure("Export info file doesn't have the required fields");
  }
  return text;
}

/** Handlers of every call in calls/export.ts. */
export function exportHandlers(context: NodeContext): NodeHandler[] {
  const shelf = new Shelf(context.paths.exportDir);
  const inTurn = createTurns();
  const change = (name: string, work: () => Promise<void>) =>
    inTurn(name, async () => {
      await work();
      return null;
    });
  return [
    answers(calls.exportList, () => shelf.list()),
    answers(calls.exportInfo, ({ path }) => readInfo(context, path)),
    answers(calls.exportRemove, ({ name }) => change(name, () => shelf.remove(name))),
    answers(calls.exportBegin, (making) => change(making.name, () => shelf.begin(making))),
    answers(calls.finalizeExport, ({ config, ...making }) =>
      change(making.name, () => shelf.finalize(making, config)),
    ),
    answers(calls.exportAbandon, (making) => change(making.name, () => shelf.abandon(making))),
    answers(calls.exportSettle, (making) => change(making.name, () => shelf.settle(making))),
  ];
}
