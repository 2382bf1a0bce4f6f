/** gantry-bootstrap VERB: see talk.ts for how it is spoken to. */
import { talk } from './talk.ts';

const verbs: Readonly<
  Record<string, () => Promise<typeof talk extends (work: infer W) => unknown ? W : never>>
> = {
  init: async () => (await import('./initialise.ts')).initialise,
  'node-setup': async () => (await import('./node-setup.ts')).setNodeUp,
  'node-undo': async () => (await import('./node-setup.ts')).undoNodeSetup,
  'master-failover': async () => (await import('./master-failover.ts')).masterFailover,
  'renew-crypto': async () => (await import('./renew-crypto.ts')).renewCrypto,
  'destroy-finish': async () => (await import('./destroy.ts')).finishDestroy,
};

const verb = verbs[process.argv[2] ?? ''];
if (verb === undefined) {
  console.error(`usage: gantry-bootstrap ${Object.keys(verbs).join('|')} (JSON on standard input)`);
  process.exit(2);
}
process.exitCode = await talk(await verb());
