/**
 * daemon-util: starts, stops and looks at the daemons of this node, with the commands of Ganeti's script of
 * that name, which init scripts and administrators use.
 */
import { existsSync } from 'node:fs';
import { notMasterExit } from '../kit/daemon.ts';
import { Failure, messageOf } from '../kit/failure.ts';
import { type Paths, pathsFor } from '../kit/paths.ts';
import { runChecked } from '../kit/process.ts';
import { programPath } from '../kit/programs.ts';
import {
  canonicalDaemon,
  daemonNames,
  executableOf,
  isDaemonName,
  isDaemonRunning,
  masterDaemons,
  onDemandDaemons,
  pidFileOf,
  rotateLog,
  startDaemon,
  stopDaemon,
} from './daemons.ts';

interface Where {
  readonly paths: Paths;
}
/** Gives the exit code; anything else is 0. */
type Command = (where: Where, args: readonly string[]) => Promise<unknown>;

const out = (...lines: readonly string[]) => {
  for (const line of lines) process.stdout.write(`${line}\n`);
};
const toStop = () => [...daemonNames].reverse();
/** Daemons that come with this release, without those that are started when there is something for them to do. */
const shipped = () =>
  daemonNames.filter((name) => existsSync(programPath(name)) && !onDemandDaemons.includes(name));

function nameIn(args: readonly string[]): string {
  const [name] = args;
  if (name === undefined) throw new Failure('GenericError', ['Missing daemon name.']);
  return canonicalDaemon(name);
}

const start: Command = async (where, args) => {
  const state = await startDaemon(where, nameIn(args), args.slice(1));
  return state === 'not-master' ? notMasterExit : 0;
};

async function startEach(where: Where, names: readonly string[]): Promise<number> {
  for (const name of names) {
    const state = await startDaemon(where, name);
    if (state === 'not-master') out(`${name}: not master`);
  }
  return 0;
}

async function stopEach(where: Where, names: readonly string[]): Promise<number> {
  for (const name of names) await stopDaemon(where, name);
  return 0;
}

const commands: Readonly<Record<string, Command>> = {
  start,
  stop: async (where, args) => stopEach(where, [nameIn(args)]),
  check: async (where, args) => ((await isDaemonRunning(where, nameIn(args))) ? 0 : 1),
  'check-and-start': async (where, args) =>
    (await isDaemonRunning(where, nameIn(args))) ? 0 : start(where, args),
  'start-all': (where) => startEach(where, shipped()),
  'stop-all': (where) => stopEach(where, toStop()),
  'start-master': (where) =>
    startEach(
      where,
      shipped().filter((name) => masterDaemons.includes(name)),
    ),
  'stop-master': (where) => stopEach(where, [...masterDaemons].reverse()),
  'list-start-daemons': async () => out(...shipped()),
  'list-stop-daemons': async () => out(...toStop()),
  'daemon-pidfile': async (where, args) => out(pidFileOf(where, nameIn(args))),
  'daemon-executable': async (_, args) => out(executableOf(nameIn(args))),
  async 'is-daemon-name'(_, args) {
    const name = nameIn(args);
    if (!isDaemonName(name)) throw new Failure('GenericError', [`Unknown daemon name '${name}'`]);
    return 0;
  },
  async 'check-config'({ paths }) {
    if (existsSync(paths.serverCertificate)) return 0;
    throw new Failure('GenericError', [`Missing configuration file ${paths.serverCertificate}`]);
  },
  async 'check-exitcode'(_, [code]) {
    if (code === undefined) throw new Failure('GenericError', ['Missing exit code.']);
    if (Number(code) === 0) return 0;
    out(Number(code) === notMasterExit ? 'not master' : `exit code ${code}`);
    return Number(code) === notMasterExit ? 0 : 1;
  },
  'use-systemctl': async ({ paths }) => (paths.root === '' && existsSync('/run/systemd/system') ? 0 : 1),
  'rotate-logs': async (where, args) => rotateLog(where, nameIn(args)),
  async 'rotate-all-logs'(where) {
    for (const name of toStop()) rotateLog(where, name);
    return 0;
  },
  async 'reload-ssh-keys'({ paths }) {
    if (paths.root === '') await runChecked(['service', 'ssh', 'restart'], { timeoutMs: 60_000 });
    return 0;
  },
};

async function main(): Promise<number> {
  const [action, ...args] = process.argv.slice(2);
  if (action === undefined || action === '--help' || action === '-h') {
    process.stdout.write(`Usage: daemon-util <action>\nActions: ${Object.keys(commands).join(' ')}\n`);
    return action === undefined ? 1 : 0;
  }
  const command = Object.hasOwn(commands, action) ? commands[action] : undefined;
  if (command === undefined) {
    process.stderr.write(`Unknown command: ${action}\n`);
    return 1;
  }
  try {
    const code = await command({ paths: pathsFor(process.env) }, args);
    return typeof code === 'number' ? code : 0;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
