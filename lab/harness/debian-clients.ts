/**
 * Ganeti's own programs, as Debian packages them: its Python commands and its Haskell htools. They are the
 * judges of whether the master daemon is one that they know. Packages are unpacked into a folder, nothing is
 * installed; where there are none to be had, the reason is given, and tests skip.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure, messageOf } from '../../src/kit/failure.ts';
import { describeFailure, type ProcessResult, runChecked, runProcess } from '../../src/kit/process.ts';
import type { NodeName, VirtualLab } from './virtual.ts';

/** The commands, htools, and the Python modules that the commands import. */
const packages = [
  'ganeti-3.0',
  'ganeti-htools-3.0',
  'python3-bitarray',
  'python3-bcrypt',
  'python3-cffi-backend',
  'python3-cryptography',
  'python3-nacl',
  'python3-openssl',
  'python3-paramiko',
  'python3-psutil',
  'python3-pycurl',
  'python3-pyinotify',
  'python3-pyparsing',
  'python3-simplejson',
  'python3-six',
  'libcurl3-gnutls',
  'libffi8',
  'libgmp10',
  'libpcre3',
];
const commandFolder = 'usr/share/ganeti/3.0';
const htoolsFolder = 'usr/lib/ganeti/3.0/usr/bin';
const python = '/usr/bin/python3';

async function unpack(folder: string): Promise<void> {
  const fresh = `${folder}.${process.pid}`;
  const archives = join(fresh, 'archives');
  await mkdir(archives, { recursive: true });
  try {
    await runChecked(['apt-get', 'download', ...packages], { cwd: archives, timeoutMs: 120_000 });
    for (const archive of await readdir(archives))
      await runChecked(['dpkg', '-x', join(archives, archive), fresh], { timeoutMs: 60_000 });
    await rm(archives, { recursive: true });
    await rename(fresh, folder).catch(async (error: unknown) => {
      if (!existsSync(join(folder, commandFolder))) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

export interface ReadBack {
  /** By id: status and the summaries of the opcodes. */
  readonly jobs: readonly (readonly [number, string, readonly string[]])[];
  /** What Ganeti's own check finds wrong with the configuration. */
  readonly faults: readonly string[];
  readonly instances: readonly string[];
}

export class DebianClients {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** The programs, or why there are none. */
  static async find(): Promise<DebianClients | string> {
    if (!existsSync(python)) return 'Debian’s python3 is not installed';
    const folder = join(tmpdir(), `gantry-debian-clients-${process.getuid?.()}`);
    if (!existsSync(join(folder, commandFolder, 'gnt-instance'))) {
      try {
        await unpack(folder);
      } catch (error) {
        return `the packages ganeti-3.0 and ganeti-htools-3.0 can't be had: ${messageOf(error).split('\n')[0]}`;
      }
    }
    return new DebianClients(folder);
  }

  /** The environment of a node of a virtual cluster: the programs insist that its folder has its name. */
  async #environment(lab: VirtualLab, node: NodeName): Promise<Record<string, string>> {
    const name = lab.hostName(node);
    const folder = join(lab.directory, 'by-name');
    await mkdir(folder, { recursive: true });
    await symlink(lab.root(node), join(folder, name)).catch(() => {});
    return {
      ...lab.nodeEnvironment(node),
      GANETI_ROOTDIR: join(folder, name),
      LD_LIBRARY_PATH: join(this.#folder, 'usr/lib/x86_64-linux-gnu'),
      PYTHONPATH: [
        join(this.#folder, commandFolder),
        join(this.#folder, 'usr/lib/python3/dist-packages'),
      ].join(':'),
      LC_ALL: 'C.UTF-8',
    };
  }

  /** Runs `gnt-…`, `confd-client` or an htool of the real Ganeti on a node, whatever its exit code. */
  async run(lab: VirtualLab, node: NodeName, [program, ...args]: readonly string[]): Promise<ProcessResult> {
    const isPython = program!.startsWith('gnt-') || program === 'confd-client';
    const argv = isPython
      ? [python, join(this.#folder, commandFolder, program!)]
      : [join(this.#folder, htoolsFolder, program!)];
    return await this.#run(lab, node, [...argv, ...args]);
  }

  /** Runs lines of Python that use the real Ganeti's modules, on a node. */
  async python(
    lab: VirtualLab,
    node: NodeName,
    code: string,
    args: readonly string[],
  ): Promise<ProcessResult> {
    return await this.#run(lab, node, [python, '-c', code, ...args]);
  }

  /**
   * What Ganeti's own code finds in the files of a node.
   * @param config path of a config.data as Ganeti 3.0 has it
   */
  async readBack(lab: VirtualLab, node: NodeName, config: string): Promise<ReadBack> {
    const script = join(import.meta.dirname, 'read-back.py');
    const result = await this.#run(lab, node, [python, script, config, lab.paths(node).queueDir]);
    if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
    return JSON.parse(result.stdout) as ReadBack;
  }

  async #run(lab: VirtualLab, node: NodeName, argv: readonly string[]): Promise<ProcessResult> {
    return await runProcess(argv, { env: await this.#environment(lab, node), timeoutMs: 120_000 });
  }
}
