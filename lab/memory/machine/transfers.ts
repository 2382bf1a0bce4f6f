/**
 * Node calls about transfers, keys and exports, for nodes in memory. An end is known by its name; the two of
 * a transfer are done as soon as the sending one has started. What comes into an export is a name in it.
 */
import { Failure } from '../../../src/kit/failure.ts';
import type { DiskOnNode } from '../../../src/noderpc/calls/shapes.ts';
import type { TransferEnd, TransferStatus } from '../../../src/noderpc/calls/transfer.ts';
import { memoryCertificate } from '../certificate.ts';
import type { Handler, MachineState } from './machine.ts';

/** What a machine holds for transfers. */
export interface TransferState {
  /** Running ends by name. */
  readonly ends: Map<string, TransferStatus>;
  readonly keys: Set<string>;
  /** Names of files by the name of the export's folder. */
  readonly exports: Map<string, Set<string>>;
  /** config.ini by the name of the export's folder. */
  readonly configs: Map<string, string>;
  /** Whether ends that start from now on fail, with these words. */
  failure: string | null;
}

export function newTransfers(): TransferState {
  return { ends: new Map(), keys: new Set(), exports: new Map(), configs: new Map(), failure: null };
}

/** As a value to compare. */
export function transfersSeen({ ends, keys, exports, configs }: TransferState): unknown {
  return {
    ends: [...ends.keys()].sort(),
    keys: [...keys].sort(),
    exports: [...exports].map(([name, files]) => [name, [...files].sort()]).sort(),
    configs: [...configs.keys()].sort(),
  };
}

const idOf = ({ disk }: DiskOnNode) => JSON.stringify(disk.logical_id);
const begun: TransferStatus = { ctime: 1, mtime: 1, recent_output: [] };
const token = '.token';

/** Both sides of a transfer know the same magic value. */
const magics = new Map<string, string>();

function useEnd(machine: MachineState, end: TransferEnd, receives: boolean): void {
  const { io } = end;
  if (io.kind === 'file') {
    const [file, folder] = io.path.split('/').reverse() as [string, string];
    const files = machine.transfers.exports.get(folder);
    if (files === undefined) throw new Failure('OpExecError', [`no folder ${folder}`]);
    if (receives) files.add(file);
    else if (!files.has(file)) throw new Failure('OpExecError', [`no file ${io.path}`]);
    return;
  }
  const lower = io.disk.disk.children ?? [];
  const isThere =
    lower.length > 0 ? machine.active.has(io.disk.disk.uuid) : machine.volumes.has(idOf(io.disk));
  if (!isThere || machine.active.get(io.disk.disk.uuid) !== 'primary')
    throw new Failure('BlockDeviceError', [`disk ${io.disk.disk.uuid} is not ready`]);
  if (end.keyName !== null && !machine.transfers.keys.has(end.keyName))
    throw new Failure('OpExecError', [`no key ${end.keyName}`]);
}

type Making = { readonly name: string; readonly token: string };
const marked = ({ token: mark }: Making) => `${token} ${mark}`;

function put(machine: MachineState, from: string, to: string): void {
  const { exports, configs } = machine.transfers;
  const files = exports.get(from);
  if (files === undefined) return;
  exports.delete(from);
  exports.set(to, files);
  const config = configs.get(from);
  configs.delete(from);
  if (config !== undefined) configs.set(to, config);
}

function drop(machine: MachineState, name: string): void {
  machine.transfers.exports.delete(name);
  machine.transfers.configs.delete(name);
}

const has = (machine: MachineState, name: string, making: Making) =>
  machine.transfers.exports.get(name)?.has(marked(making)) === true;

export const transferHandlers: Readonly<Record<string, Handler>> = {
  blockdev_snapshot: (machine, { disk, snapshotName }: { disk: DiskOnNode; snapshotName: string }) => {
    const [leaf = disk.disk] = disk.disk.children ?? [];
    const id = [leaf.logical_id![0]!, snapshotName];
    machine.volumes.set(JSON.stringify(id), disk.disk.size);
    return id;
  },
  import_start: (machine, end: TransferEnd) => {
    if (machine.transfers.ends.has(end.name)) return null;
    useEnd(machine, end, true);
    magics.set(end.magic, end.name);
    machine.transfers.ends.set(end.name, { ...begun, listen_port: 4000, confirms: true });
    return null;
  },
  export_start: (machine, end: TransferEnd & { host: string }, nodes) => {
    if (machine.transfers.ends.has(end.name)) return null;
    useEnd(machine, end, false);
    const { failure } = machine.transfers;
    const done: TransferStatus =
      failure === null
        ? { ...begun, connected: true, confirms: true, exit_status: 0 }
        : { ...begun, exit_status: 1, error_message: failure };
    machine.transfers.ends.set(end.name, done);
    const receiver = end.keyName === null ? nodes.at(end.host) : undefined;
    const name = magics.get(end.magic);
    if (receiver !== undefined && name !== undefined && receiver.transfers.ends.has(name))
      receiver.transfers.ends.set(name, { ...done, listen_port: 4000 });
    return null;
  },
  impexp_status: (machine, { names }: { names: string[] }) =>
    names.map((name) => machine.transfers.ends.get(name) ?? null),
  impexp_abort: (machine, { name }: { name: string }) => {
    const status = machine.transfers.ends.get(name);
    if (status !== undefined && status.exit_status === undefined)
      machine.transfers.ends.set(name, { ...status, exit_status: 1, error_message: 'aborted' });
    return null;
  },
  impexp_cleanup: (machine, { name }: { name: string }) => {
    machine.transfers.ends.delete(name);
    return null;
  },
  x509_cert_create: (machine, { name }: { name: string }) => {
    machine.transfers.keys.add(name);
    return memoryCertificate;
  },
  x509_cert_remove: (machine, { name }: { name: string }) => {
    machine.transfers.keys.delete(name);
    return null;
  },
  export_list: (machine) => [...machine.transfers.exports.keys()].sort(),
  export_info: (machine, { path }: { path: string }) => {
    const config = machine.transfers.configs.get(path.split('/').at(-1)!);
    if (config === undefined)
      throw new Failure('OpExecError', ["Export info file doesn't have the required fields"]);
    return config;
  },
  export_remove: (machine, { name }: { name: string }) => {
    drop(machine, name);
    return null;
  },
  export_begin: (machine, making: Making) => {
    if (!has(machine, `${making.name}.new`, making))
      machine.transfers.exports.set(`${making.name}.new`, new Set([marked(making)]));
    return null;
  },
  finalize_export: (machine, { config, ...making }: Making & { config: string }) => {
    const { name } = making;
    if (has(machine, name, making)) return null;
    if (!has(machine, `${name}.new`, making)) throw new Failure('OpExecError', ['nothing in the making']);
    drop(machine, `${name}.old`);
    put(machine, name, `${name}.old`);
    put(machine, `${name}.new`, name);
    machine.transfers.configs.set(name, config);
    return null;
  },
  export_abandon: (machine, making: Making) => {
    const { name } = making;
    for (const place of [`${name}.new`, name]) if (has(machine, place, making)) drop(machine, place);
    if (!machine.transfers.exports.has(name)) put(machine, `${name}.old`, name);
    return null;
  },
  export_settle: (machine, making: Making) => {
    if (!has(machine, making.name, making)) return null;
    drop(machine, `${making.name}.old`);
    machine.transfers.exports.get(making.name)?.delete(marked(making));
    return null;
  },
};
