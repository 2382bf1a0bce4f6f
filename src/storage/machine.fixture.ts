/**
 * Machines in memory with volume groups and DRBD, for tests of drivers and of what stands on them. Time goes
 * on when somebody sleeps. A test may make any command fail, before it takes hold or after.
 */
import { silentLog } from '../kit/log.ts';
import { pathsFor } from '../kit/paths.ts';
import type { ProcessResult } from '../kit/process.ts';
import { FakeDrbd } from './drbd.fixture.ts';
import type { StorageHost } from './host.ts';
import { FakeLvm } from './lvm.fixture.ts';

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What goes wrong with a command: it does nothing, or it does its work and says that it failed. */
export type Fault = 'before' | 'after' | undefined;

export interface FakeMachine extends StorageHost {
  readonly lvm: FakeLvm;
  readonly drbd: FakeDrbd;
  /** Every command that was run, secrets left out. */
  readonly commands: string[];
  /** Files by path, beside those that the machine has of itself. */
  readonly files: Map<string, string>;
  /** Asked before each command; `turn` counts them from 0. */
  fault: (argv: readonly string[], turn: number) => Fault;
  /** Block devices that exist beside volumes and mirrors, with their size in bytes. */
  readonly devices: Map<string, number>;
  /** Answers for programs that the machine doesn't have of itself. */
  readonly programs: Map<string, (argv: readonly string[]) => Answer>;
  /** The state of volumes and mirrors, for comparison. */
  snapshot(): unknown;
}

const lvmPrograms = new Set([
  'lvs',
  'vgs',
  'pvs',
  'lvcreate',
  'lvchange',
  'lvremove',
  'lvextend',
  'lvrename',
]);

function ownProgram(machine: FakeMachine, argv: readonly string[]): Answer {
  const [program = ''] = argv;
  if (lvmPrograms.has(program)) return machine.lvm.run(argv);
  if (program === 'drbdsetup' || program === 'drbdmeta') return machine.drbd.run(argv);
  if (program === 'dmesg') return { code: 0, stdout: `${machine.drbd.log.join('\n')}\n`, stderr: '' };
  const volume = machine.lvm.at(argv.at(-1) ?? '');
  const bytes = machine.devices.get(argv.at(-1) ?? '');
  if (program === 'blockdev' && bytes !== undefined) {
    return { code: 0, stdout: `${argv[1] === '--getsize64' ? bytes : bytes / 512}\n`, stderr: '' };
  }
  if (program === 'blockdev' && volume !== undefined) {
    return { code: 0, stdout: `${volume.sizeMiB * 2048}\n`, stderr: '' };
  }
  if (program === 'dd') return { code: 0, stdout: '', stderr: '' };
  return { code: 127, stdout: '', stderr: `${program}: not found\n` };
}

/** Machines whose DRBD can reach each other; all of them have the volume group "xenvg". */
export function createMachines(count: number, root = ''): FakeMachine[] {
  const machines: FakeMachine[] = [];
  const tick = (milliseconds: number) => {
    for (const machine of machines) machine.drbd.tick(milliseconds);
  };
  for (let index = 0; index < count; index += 1) {
    const lvm = new FakeLvm();
    lvm.groups.set('xenvg', [
      { name: '/dev/sdb', sizeMiB: 4096 },
      { name: '/dev/sdc', sizeMiB: 4096 },
    ]);
    const drbd = new FakeDrbd(lvm, () => machines.map((machine) => machine.drbd));
    const machine: FakeMachine = {
      ...{
        lvm,
        drbd,
        commands: [],
        files: new Map(),
        devices: new Map(),
        programs: new Map(),
        log: silentLog,
      },
      paths: pathsFor({ GANETI_ROOTDIR: root }),
      fault: () => undefined,
      async run(argv, options = {}): Promise<ProcessResult> {
        const shown = argv.map((argument) => (options.secrets?.includes(argument) ? '<secret>' : argument));
        const fault = machine.fault(argv, machine.commands.length);
        machine.commands.push(shown.join(' '));
        const broken = { code: 1, stdout: '', stderr: 'made to fail\n' };
        const program = machine.programs.get(argv[0] ?? '') ?? ((words) => ownProgram(machine, words));
        const answer = fault === 'before' ? broken : program(argv);
        return { argv: shown, signal: null, timedOut: false, ...(fault === 'after' ? broken : answer) };
      },
      async readText(path) {
        const minor = /^\/sys\/block\/drbd(\d+)\/size$/.exec(path)?.[1];
        if (minor !== undefined) {
          const found = drbd.minors.get(Number(minor));
          return found === undefined ? undefined : `${found.sizeMiB * 2048}\n`;
        }
        if (machine.files.has(path)) return machine.files.get(path);
        if (path === '/proc/drbd') return drbd.proc();
        if (path === '/sys/module/drbd/parameters/usermode_helper') return '/bin/true\n';
        return undefined;
      },
      async blockDevice(path) {
        return machine.devices.has(path) ? { major: 8, minor: 16 } : undefined;
      },
      async sleep(milliseconds) {
        tick(milliseconds);
      },
      snapshot: () =>
        structuredClone({
          volumes: [...lvm.volumes].sort(([a], [b]) => (a < b ? -1 : 1)),
          minors: [...drbd.minors].sort(([a], [b]) => a - b),
        }),
    };
    machines.push(machine);
  }
  return machines;
}
