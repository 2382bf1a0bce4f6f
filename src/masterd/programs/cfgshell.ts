/**
 * cfgshell [FILE]: looks at a configuration by hand, and takes objects out of it that nothing else can. The master
 * daemon must be down for that, as it is the one who writes; looking is always possible.
 */
import { readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { openStore } from '../../config/open.ts';
import { verifyConfiguration } from '../../config/rules.ts';
import { upgradeConfiguration } from '../../config/upgrades/upgrade.ts';
import { Failure } from '../../kit/failure.ts';
import { createLog, type Log } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { isToolAnswer, parseToolOptions, tellToolAnswer } from '../../kit/tool-options.ts';
import {
  configurationVersion,
  parseConfiguration,
  serialiseConfiguration,
} from '../../model/configuration.ts';
import { type ConfigPlace, ConfigShell } from './config-shell.ts';

type Tree = Readonly<Record<string, unknown>>;

/** The configuration of a file in this release's form. @throws Failure ConfigurationError */
async function readConfiguration(path: string): Promise<Tree> {
  const data: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof data !== 'object' || data === null)
    throw new Failure('ConfigurationError', [`${path} has no configuration`]);
  const raw = data as Tree;
  return raw.version === configurationVersion ? raw : (upgradeConfiguration(raw).data as Tree);
}

/** The configurations of this machine. */
export function configPlace(paths: Paths, log: Log): ConfigPlace {
  const withStore = async <T>(work: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>) => {
    const store = await openStore({ paths, log });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  return {
    async load(path) {
      if (path !== undefined) return await readConfiguration(path);
      const hasJournal = await stat(paths.journalDir).catch(() => undefined);
      if (hasJournal === undefined) return await readConfiguration(paths.configFile);
      try {
        return await withStore(async (store) => serialiseConfiguration(store.current) as Tree);
      } catch (error) {
        log.warning(`The file is read as it is, without the newest changes: ${(error as Error).message}`);
        return await readConfiguration(paths.configFile);
      }
    },
    verify(data) {
      try {
        return verifyConfiguration(parseConfiguration(data));
      } catch (error) {
        return [(error as Error).message];
      }
    },
    remove: (table, uuid) =>
      withStore(async (store) => {
        await store.change('cfgshell', (draft) => draft.remove(table, uuid));
        await store.flush();
      }),
  };
}

export async function cfgshell(argv: readonly string[]): Promise<number> {
  const call = parseToolOptions('cfgshell', '[FILE]', [], argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.args.length > 1) throw new Failure('ParameterError', ['At most one file can be given']);
  const place = configPlace(pathsFor(), createLog('cfgshell', process.stderr, 'WARNING'));
  const shell = new ConfigShell(place, (line) => void process.stdout.write(`${line}\n`));
  const [file] = call.args;
  if (file !== undefined) await shell.load(file);
  const terminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    ...(terminal ? { output: process.stdout } : {}),
    completer: (line: string): [string[], string] => {
      const begun = /[^\s/]*$/.exec(line)?.[0] ?? '';
      return [shell.names().filter((name) => name.startsWith(begun)), begun];
    },
  });
  // Lines that were read before the end are still to come when the input has ended, which takes no prompt.
  let hasEnded = false;
  lines.once('close', () => {
    hasEnded = true;
  });
  const prompt = () => {
    if (!terminal || hasEnded) return;
    lines.setPrompt(shell.prompt);
    lines.prompt();
  };
  prompt();
  for await (const line of lines) {
    if (!(await shell.run(line))) break;
    prompt();
  }
  lines.close();
  if (terminal) process.stdout.write('\n');
  return 0;
}
