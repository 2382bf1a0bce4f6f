/**
 * cfgupgrade: brings config.data to this release's version, or (--downgrade) to the one before. The journal is
 * folded into it first, so that the file has every commit; a copy of what was there stays beside it.
 */
import { copyFile, readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { openStore } from '../../config/open.ts';
import { downgradeConfiguration } from '../../config/upgrades/downgrade.ts';
import { upgradeConfiguration } from '../../config/upgrades/upgrade.ts';
import { describeVersion } from '../../config/upgrades/version.ts';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { Failure } from '../../kit/failure.ts';
import { createLog, type Log } from '../../kit/log.ts';
import { type Paths, pathsFor } from '../../kit/paths.ts';
import { isOwnName, ownHostname } from '../../kit/resolve.ts';
import {
  isToolAnswer,
  parseToolOptions,
  type ToolCall,
  tellToolAnswer,
  toolOptions,
} from '../../kit/tool-options.ts';
import {
  configurationVersion,
  parseConfiguration,
  serialiseConfiguration,
} from '../../model/configuration.ts';

/** The release before this one. */
const previous = 3_000_000;

const options = [
  toolOptions.dryRun,
  { names: ['-f', '--force'], help: 'Force the operation' },
  toolOptions.debug,
  toolOptions.verbose,
  { names: ['--ignore-hostname'], help: "Don't abort if hostname doesn't match" },
  { names: ['--path'], metavar: 'PATH', help: 'Convert configuration in this directory' },
  { names: ['--confdir'], metavar: 'PATH', help: 'Use this directory for what administrators configure' },
  { names: ['--no-verify'], help: 'Do not verify configuration after upgrade' },
  { names: ['--downgrade'], help: 'Downgrade to the previous stable version' },
];

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The paths of a data folder that may lie elsewhere (--path). */
function pathsOf({ values }: ToolCall): Paths {
  const standard = pathsFor();
  const data = values.get('path') ?? standard.dataDir;
  return {
    ...standard,
    dataDir: data,
    configFile: `${data}/config.data`,
    serverCertificate: `${data}/server.pem`,
    knownHosts: `${data}/known_hosts`,
    journalDir: `${data}/journal`,
    queueDir: `${data}/queue`,
    configDir: values.get('confdir') ?? standard.configDir,
  };
}

/** @throws Failure when this is no master's data folder */
async function requirePlace({ flags, values }: ToolCall, paths: Paths): Promise<void> {
  const master = (await readFile(`${paths.dataDir}/ssconf_master_node`, 'utf8').catch(() => '')).trim();
  if (!isOwnName(master) && !flags.has('ignore-hostname')) {
    throw new Failure('GenericError', [
      `Aborting due to hostname mismatch: ssconf says master node is '${master}', but this machine's name is '${ownHostname()}'; this tool must be run on the master node`,
    ]);
  }
  for (const path of [paths.configFile, paths.serverCertificate]) {
    if (!(await exists(path)))
      throw new Failure('GenericError', [
        `${paths.dataDir} does not seem to be a Ganeti configuration directory`,
      ]);
  }
  if (values.has('confdir') && !(await exists(paths.configDir)))
    throw new Failure('GenericError', [`Not a directory: ${paths.configDir}`]);
}

async function isWanted({ flags }: ToolCall): Promise<boolean> {
  if (flags.has('force')) return true;
  const question = flags.has('downgrade')
    ? `The configuration is going to be DOWNGRADED to version ${describeVersion(previous)}. Some configuration data might be removed if they don't fit in the old format.`
    : 'Please make sure you have read the upgrade notes and have a backup of the configuration.';
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test(await lines.question(`${question}\nContinue? y/[n]: `));
  } finally {
    lines.close();
  }
}

/** Every commit stands in the file afterwards. @throws Failure ConfigurationError while the master daemon runs */
async function foldJournal(paths: Paths, log: Log): Promise<void> {
  if (!(await exists(paths.journalDir))) return;
  const store = await openStore({ paths, log });
  await store.close();
}

async function convert({ flags }: ToolCall, paths: Paths, log: Log): Promise<void> {
  const data: unknown = JSON.parse(await readFile(paths.configFile, 'utf8'));
  const version = (data as { version?: unknown }).version;
  if (typeof version !== 'number')
    throw new Failure('GenericError', ['Unable to determine configuration version']);
  log.info(`Found configuration version ${version} (${describeVersion(version)})`);
  let after: unknown;
  if (flags.has('downgrade')) {
    if (version === previous) {
      log.info('No changes necessary');
      return;
    }
    if (version !== configurationVersion) {
      throw new Failure('GenericError', [
        `Can't downgrade configuration version ${describeVersion(version)}: only ${describeVersion(configurationVersion)} can be`,
      ]);
    }
    after = downgradeConfiguration(data as Record<string, unknown>, previous);
  } else if (version === configurationVersion) {
    log.info('No changes necessary');
    return;
  } else {
    const upgraded = upgradeConfiguration(data);
    for (const note of upgraded.notes) log.warning(note);
    after = serialiseConfiguration(parseConfiguration(upgraded.data));
  }
  if (flags.has('dry-run')) {
    log.info(`This is a dry run: ${paths.configFile} stays as it is`);
    return;
  }
  const stamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14);
  await copyFile(paths.configFile, `${paths.configFile}.backup-${stamp}`);
  log.info(`Writing configuration file to ${paths.configFile}`);
  await writeFileAtomic(paths.configFile, JSON.stringify(after), { mode: 0o640 });
  if (!flags.has('no-verify') && !flags.has('downgrade'))
    parseConfiguration(JSON.parse(await readFile(paths.configFile, 'utf8')));
}

export async function cfgupgrade(argv: readonly string[]): Promise<number> {
  const call = parseToolOptions('cfgupgrade', '[--debug|--verbose] [--force]', options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  if (call.args.length > 0) throw new Failure('GenericError', ['No arguments expected']);
  const level = call.flags.has('debug') ? 'DEBUG' : call.flags.has('verbose') ? 'INFO' : 'WARNING';
  const log = createLog('cfgupgrade', process.stderr, level);
  const paths = pathsOf(call);
  await requirePlace(call, paths);
  if (!(await isWanted(call))) return 1;
  if (!call.flags.has('dry-run')) await foldJournal(paths, log);
  await convert(call, paths, log);
  const done = call.flags.has('downgrade') ? 'downgraded' : 'upgraded';
  process.stderr.write(`Configuration successfully ${done}.\n`);
  return 0;
}
