/**
 * ganeti-listrunner: runs a program or a line of shell on many hosts by ssh, several at a time, and keeps a log file of
 * each. Options and lines are those of Ganeti's program. The password is asked for once; ssh gets it by its own way for
 * that (SSH_ASKPASS), from its environment, never from an argument or a file.
 */
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Failure, messageOf } from '../../kit/failure.ts';
import { tellToolAnswer } from '../../kit/tool-options.ts';
import { runOnHost, type Task } from './host.ts';
import { hostsIn, readWish, type Wish } from './options.ts';

const passwordVariable = 'GANTRY_LISTRUNNER_PASSWORD';

/** @throws Failure when there is no terminal to ask on */
async function askForPassword(user: string): Promise<string> {
  if (process.stdin.isTTY !== true)
    throw new Failure('ParameterError', ['No terminal to ask for a password on: give -p or -A']);
  process.stdout.write(`${user}'s password for all nodes: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stdout.write('\n');
  }
}

async function passwordFor({ useAgent, passwordFile, user }: Wish): Promise<string | undefined> {
  if (useAgent) return undefined;
  if (passwordFile === undefined) return await askForPassword(user);
  return (await readFile(passwordFile, 'utf8')).split('\n')[0]!.trim();
}

/** The variables by which ssh gets the password from a script that prints it. */
async function answerer(folder: string, password: string): Promise<Record<string, string>> {
  const script = join(folder, 'answer');
  await writeFile(script, `#!/bin/sh\nprintf '%s\\n' "$${passwordVariable}"\n`);
  await chmod(script, 0o700);
  return {
    SSH_ASKPASS: script,
    SSH_ASKPASS_REQUIRE: 'force',
    DISPLAY: 'none:0',
    [passwordVariable]: password,
  };
}

async function checkFiles({ executable, files, logFolder }: Wish): Promise<void> {
  for (const file of [...files, ...(executable === undefined ? [] : [executable])]) {
    const found = await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) throw new Failure('ParameterError', [`${file} is no file`]);
  }
  await mkdir(logFolder, { recursive: true });
  await access(logFolder, constants.W_OK);
}

/** Counts of hosts on which all went well, and not. */
async function runAll(task: Task, hosts: readonly string[], wish: Wish): Promise<[number, number]> {
  const left = [...hosts];
  const counts: [number, number] = [0, 0];
  const worker = async () => {
    for (let host = left.shift(); host !== undefined; host = left.shift()) {
      const isDone = await runOnHost(task, host, join(wish.logFolder, `${host}.log`)).catch(
        (error: unknown) => {
          if (task.signal.aborted) throw error;
          task.say(`  ${host}: ${messageOf(error)}`);
          return false;
        },
      );
      task.say(`  ${host}: done`);
      counts[isDone ? 0 : 1] += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(wish.batchSize, hosts.length) }, worker));
  return counts;
}

/** Gives the exit code: 0 unless it was ended early, as with Ganeti's program; the last line has the counts. */
export async function listRunner(
  argv: readonly string[],
  say: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  const wish = readWish(argv);
  if ('shown' in wish) return tellToolAnswer(wish);
  await checkFiles(wish);
  const hosts = hostsIn(wish.hostList ?? (await readFile(wish.hostFile!, 'utf8')));
  const password = await passwordFor(wish);
  const privateFolder = await mkdtemp(join(tmpdir(), 'listrunner-'));
  try {
    const askPassword = password === undefined ? undefined : await answerer(privateFolder, password);
    const { user, executable, command, files } = wish;
    const task = {
      user,
      privateFolder,
      askPassword,
      executable,
      command,
      files,
      arguments: wish.arguments,
      say,
      signal,
    };
    const [good, bad] = await runAll(task, hosts, wish);
    say('');
    say(`All done, ${good} successful and ${bad} failed hosts`);
    return 0;
  } finally {
    await rm(privateFolder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  try {
    process.exitCode = await listRunner(process.argv.slice(2), undefined, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) process.stdout.write('Received KeyboardInterrupt, aborting\n');
    else process.stderr.write(`ganeti-listrunner: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
