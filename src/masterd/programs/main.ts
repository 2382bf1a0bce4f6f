/** The small programs about the configuration, by the name of the launcher; the master daemon is down while they run. */
import { messageOf } from '../../kit/failure.ts';

type Tool = (argv: readonly string[]) => Promise<number>;

const tools: Readonly<Record<string, () => Promise<Tool>>> = {
  cfgshell: async () => (await import('./cfgshell.ts')).cfgshell,
  cfgupgrade: async () => (await import('./cfgupgrade.ts')).cfgupgrade,
  'post-upgrade': async () => (await import('./post-upgrade.ts')).postUpgrade,
  'sanitize-config': async () => (await import('./sanitize-config.ts')).sanitizeConfig,
};

async function main(): Promise<number> {
  const name = process.env.GANTRY_PROGRAM ?? '';
  const load = tools[name];
  if (load === undefined) {
    process.stderr.write(`'${name}' is none of: ${Object.keys(tools).join(', ')}\n`);
    return 2;
  }
  try {
    return await (await load())(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`);
    return 1;
  }
}

process.exitCode = await main();
