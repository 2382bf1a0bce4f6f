/**
 * The programs and where their commands stand. Each program is loaded only when it is called, so that a
 * command starts fast; help, completion, manual pages and the surface listing load them all.
 */
import type { Program } from './command.ts';

export const programs: Readonly<Record<string, () => Promise<Program>>> = {
  'gnt-backup': async () => (await import('./programs/backup/program.ts')).program,
  'gnt-cluster': async () => (await import('./programs/cluster/program.ts')).program,
  'gnt-debug': async () => (await import('./programs/debug/program.ts')).program,
  'gnt-filter': async () => (await import('./programs/filter/program.ts')).program,
  'gnt-group': async () => (await import('./programs/group/program.ts')).program,
  'gnt-instance': async () => (await import('./programs/instance/program.ts')).program,
  'gnt-job': async () => (await import('./programs/job/program.ts')).program,
  'gnt-network': async () => (await import('./programs/network/program.ts')).program,
  'gnt-node': async () => (await import('./programs/node/program.ts')).program,
  'gnt-os': async () => (await import('./programs/os/program.ts')).program,
  'gnt-storage': async () => (await import('./programs/storage/program.ts')).program,
};
