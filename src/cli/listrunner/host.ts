/**
 * What is done on one host, over one connection of ssh: a folder of its own there, the files, the command in it, and the
 * folder goes again whatever happened. Everything is written down in the host's own log file.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { runProcess } from '../../kit/process.ts';
import { quoteWord } from '../../kit/shell-words.ts';

/** ssh's own exit code, when there is no connection. */
const noConnection = 255;
const uploadMs = 600_000;
const connectSeconds = 10;

export interface Task {
  readonly user: string;
  /** A folder of this machine that nobody else can enter, for the sockets of connections. */
  readonly privateFolder: string;
  /** Variables of ssh that answer for a password; none when keys are used. */
  readonly askPassword: Readonly<Record<string, string>> | undefined;
  readonly executable: string | undefined;
  readonly arguments: string;
  readonly command: string | undefined;
  readonly files: readonly string[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Arguments of ssh up to the host. A host that is unknown is trusted the first time, one that changed its key never. */
export function sshArguments({ user, privateFolder, askPassword }: Task, host: string): string[] {
  const settings = [
    'StrictHostKeyChecking=accept-new',
    `ConnectTimeout=${connectSeconds}`,
    'EscapeChar=none',
    'ControlMaster=auto',
    `ControlPath=${privateFolder}/%C`,
    'ControlPersist=60',
    ...(askPassword === undefined
      ? ['PreferredAuthentications=publickey', 'BatchMode=yes']
      : [
          'PreferredAuthentications=password,keyboard-interactive',
          'PubkeyAuthentication=no',
          'NumberOfPasswordPrompts=1',
        ]),
  ];
  return ['ssh', ...settings.flatMap((setting) => ['-o', setting]), '-l', user, '--', host];
}

/** A host's log file: each line with its time. */
class HostLog {
  readonly #path: string;
  constructor(path: string) {
    this.#path = path;
  }
  async write(...lines: readonly string[]): Promise<void> {
    const now = new Date();
    const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
    const stamp = local.toISOString().slice(0, 19);
    await appendFile(this.#path, lines.map((line) => `${stamp} ${line}\n`).join(''));
  }
}

class Host {
  readonly #task: Task;
  readonly #name: string;
  readonly #log: HostLog;
  constructor(task: Task, name: string, log: HostLog) {
    this.#task = task;
    this.#name = name;
    this.#log = log;
  }

  /** Runs a line in the host's shell. */
  #shell(line: string, options: { readonly input?: Uint8Array; readonly timeoutMs?: number } = {}) {
    const { askPassword = {}, signal } = this.#task;
    const argv = [...sshArguments(this.#task, this.#name), line];
    return runProcess(argv, { ...options, env: askPassword, signal });
  }

  /** A new folder of the host's; undefined when there is no way to it. */
  async open(): Promise<string | undefined> {
    const { code, stdout, stderr } = await this.#shell('umask 077 && mktemp -d /tmp/listrunner.XXXXXXXXXX', {
      timeoutMs: uploadMs,
    });
    const folder = stdout.trim().split('\n').at(-1) ?? '';
    if (code === 0 && /^\/tmp\/listrunner\.\w+$/.test(folder)) {
      await this.#log.write(`ssh connection established, working in ${folder}`);
      return folder;
    }
    const reason = stderr.trim().split('\n').at(-1) ?? '';
    const how = this.#task.askPassword === undefined ? 'keys' : 'password';
    await this.#log.write(`ERROR: FAILURE_CONNECTION_SETUP (tried ${how}): ${reason}`, 'aborted');
    return undefined;
  }

  async upload(folder: string): Promise<boolean> {
    const { executable, files } = this.#task;
    for (const file of [...files, ...(executable === undefined ? [] : [executable])]) {
      const there = quoteWord(`${folder}/${basename(file)}`);
      await this.#log.write(`uploading ${file} to remote ${folder}/${basename(file)}`);
      const mode = file === executable ? '500' : '400';
      const result = await this.#shell(`umask 077 && cat >${there} && chmod ${mode} ${there}`, {
        input: await readFile(file),
        timeoutMs: uploadMs,
      });
      if (result.code === 0) continue;
      await this.#log.write(`ERROR: FAILURE_UPLOAD: ${result.stderr.trim()}`);
      return false;
    }
    return true;
  }

  async run(folder: string): Promise<boolean> {
    const { executable, command = '', arguments: words } = this.#task;
    const line = executable === undefined ? command : `./${quoteWord(basename(executable))} ${words}`;
    const result = await this.#shell(`cd ${quoteWord(folder)} && exec 2>&1 && ${line}`);
    if (result.code === noConnection && result.stdout === '') {
      await this.#log.write(`ERROR: FAILURE_COMMAND_EXECUTION: ${result.stderr.trim()}`);
      return false;
    }
    const output = result.stdout.replace(/\n$/, '');
    await this.#log.write(
      result.code === 0
        ? 'SUCCESS: command output follows'
        : `FAILED: exit code ${result.code}, output follows`,
      ...(output === '' ? [] : output.split('\n').map((text) => `output = ${text}`)),
      'command execution completed',
    );
    return result.code === 0;
  }

  async close(folder: string): Promise<boolean> {
    await this.#log.write(`removing remote ${folder}`);
    const { code, stderr } = await this.#shell(`rm -rf -- ${quoteWord(folder)}`, { timeoutMs: uploadMs });
    if (code !== 0) await this.#log.write(`ERROR: FAILURE_CLEANUP: ${stderr.trim()}`);
    const [ssh, ...rest] = sshArguments(this.#task, this.#name);
    await runProcess([ssh!, '-O', 'exit', ...rest]);
    return code === 0;
  }
}

/** Does the task on a host; whether all of it went well. */
export async function runOnHost(task: Task, name: string, logFile: string): Promise<boolean> {
  const { say } = task;
  const host = new Host(task, name, new HostLog(logFile));
  say(`${name} - starting`);
  const folder = await host.open();
  if (folder === undefined) {
    say(`  ${name}: connection setup failed, skipping`);
    return false;
  }
  let isDone = false;
  try {
    if (task.executable !== undefined || task.files.length > 0) say(`  ${name}: uploading files`);
    if (await host.upload(folder)) {
      say(`  ${name}: executing remote command`);
      isDone = await host.run(folder);
    }
    say(
      isDone
        ? `  ${name}: remote command execution successful`
        : `  ${name}: remote command execution failed, check log for details`,
    );
  } finally {
    if (!task.signal.aborted) {
      say(`  ${name}: cleaning up remote work dir`);
      if (!(await host.close(folder))) {
        say(`  ${name}: remote work dir cleanup failed, check log for details`);
        isDone = false;
      }
    }
  }
  return isDone;
}
