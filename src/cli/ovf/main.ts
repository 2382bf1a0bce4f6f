/** ovfconverter: instances come from other virtualization software and go there, as OVF packages. */
import { logTimestamp } from '../../kit/log.ts';
import { pathsFor } from '../../kit/paths.ts';
import { ExitCode } from '../exit-codes.ts';
import { runStandalone } from '../standalone.ts';
import { exportPackage } from './export.ts';
import { images } from './images.ts';
import { importPackage, type Surroundings } from './import.ts';
import { type CommandLine, options, readCommandLine, usage, type Values } from './options.ts';
import { Workspace } from './workspace.ts';

const description =
  'Translates between OVF packages and exports of instances: "import" makes an export that gnt-backup import takes' +
  ' from a description (.ovf) or an archive (.ova), "export" makes a package of the config.ini of an export. The' +
  ' options from --backend-parameters to --tags are for imports, those from --compress to --ova for exports.';

function surroundings({ debug, verbose }: Values): Surroundings {
  const write = (level: string, text: string) => {
    const shown = debug > 0 || verbose ? ` ${level}` : '';
    process.stderr.write(`${logTimestamp(new Date())}:${shown} ${text}\n`);
  };
  return {
    images,
    work: new Workspace(),
    exportDir: pathsFor().exportDir,
    say: (text) => {
      if (debug > 0 || verbose) write('INFO', text);
    },
    warn: (text) => write('WARNING', text),
  };
}

async function convert({ mode, source, values }: CommandLine): Promise<number> {
  const around = surroundings(values);
  around.say(`Chosen ${mode} mode, reading the ${source} file`);
  const work = mode === 'import' ? importPackage : exportPackage;
  try {
    const made = await work(source, values, around);
    around.say(`Made ${made}`);
    return ExitCode.success;
  } finally {
    await around.work.tidy();
  }
}

await runStandalone({
  program: 'ovfconverter',
  usage,
  description,
  options,
  read: readCommandLine,
  work: convert,
});
