/** The small programs of a node, by the name of the launcher: what Ganeti has below /usr/lib/ganeti and in its tools. */
import { messageOf } from '../../kit/failure.ts';

type Tool = (argv: readonly string[]) => Promise<number>;

const tools: Readonly<Record<string, () => Promise<Tool>>> = {
  'check-cert-expired': async () => (await import('./check-cert-expired.ts')).checkCertExpired,
  'ensure-dirs': async () => (await import('./ensure-dirs.ts')).ensureDirs,
  fmtjson: async () => (await import('./fmtjson.ts')).fmtjson,
  'kvm-console-wrapper': async () => {
    const { kvmConsoleWrapper } = await import('./console-wrapper.ts');
    return (argv) => kvmConsoleWrapper(argv);
  },
  lvmstrap: async () => (await import('./lvmstrap.ts')).lvmstrap,
  'master-ip-setup': async () => (await import('./master-ip-setup.ts')).masterIpSetup,
  'node-cleanup': async () => (await import('./node-cleanup.ts')).nodeCleanup,
  'node-daemon-setup': async () => (await import('./node-daemon-setup.ts')).nodeDaemonSetup,
  'prepare-node-join': async () => (await import('./prepare-node-join.ts')).prepareNodeJoin,
  'ssh-update': async () => (await import('./ssh-update.ts')).sshUpdate,
  'ssl-update': async () => (await import('./ssl-update.ts')).sslUpdate,
  'users-setup': async () => (await import('./users-setup.ts')).usersSetup,
  'vcluster-setup': async () => (await import('./vcluster-setup.ts')).vclusterSetup,
  'xen-console-wrapper': async () => {
    const { xenConsoleWrapper } = await import('./console-wrapper.ts');
    return (argv) => xenConsoleWrapper(argv);
  },
};

export const toolNames = Object.keys(tools);

async function main(): Promise<number> {
  const name = process.env.GANTRY_PROGRAM ?? '';
  const load = tools[name];
  if (load === undefined) {
    process.stderr.write(`'${name}' is none of: ${toolNames.join(', ')}\n`);
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
