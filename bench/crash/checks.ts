/** What must hold whenever the master has come back and nothing runs: the checks of the crash campaign. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VirtualLab } from '../../lab/harness/virtual.ts';
import type { LuxiClient } from '../../src/luxi/client.ts';
import type { Acknowledged, Known } from './load.ts';

export interface Found {
  readonly known: readonly Known[];
  readonly tags: readonly string[];
  readonly faults: readonly string[];
  /** Instances whose removal was interrupted: they are down, may lack disks, and can be removed again. */
  readonly halfRemoved: readonly string[];
  /** Instances that are configured to be up and don't run: what the watcher would start. */
  readonly toStart: number;
}

interface InstanceRow extends Known {
  readonly isUp: boolean;
  readonly disks: readonly string[];
}

async function instancesOf(client: LuxiClient): Promise<InstanceRow[]> {
  const fields = ['name', 'pnode', 'disk_template', 'admin_state', 'disk.uuids', 'uuid'];
  const { data } = (await client.call('Query', ['instance', fields, null])) as {
    data: [number, unknown][][];
  };
  return data.map((row) => {
    const [name, pnode, template, state, disks] = row.map(([, value]) => value);
    return {
      name: name as string,
      pnode: pnode as string,
      template: template as string,
      isUp: state === 'up',
      disks: (disks as string[] | null) ?? [],
    };
  });
}

/** Files two levels below the folder, as `<folder of the instance>/<file>`; empty folders as `<folder>/`. */
async function diskFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const lists = await Promise.all(
    names.map(async (name) => {
      const files = await readdir(join(folder, name)).catch(() => []);
      return files.length === 0 ? [`${name}/`] : files.map((file) => `${name}/${file}`);
    }),
  );
  return lists.flat().sort();
}

async function guestsOn(lab: VirtualLab, node: string): Promise<string[]> {
  const names = await readdir(join(lab.paths(node).runDir, 'fake-hypervisor')).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).sort();
}

const shortName = (node: string) => node.split('.')[0]!;

/** Every disk of the configuration is there, where it belongs, and no other. */
async function checkDisks(
  lab: VirtualLab,
  rows: readonly InstanceRow[],
  nodes: readonly string[],
  halfRemoved: readonly string[],
): Promise<string[]> {
  const faults: string[] = [];
  const compare = (place: string, files: readonly string[], wanted: readonly InstanceRow[]) => {
    const left = new Map<string, number>();
    for (const file of files) {
      const owner = file.slice(0, file.indexOf('/'));
      left.set(owner, (left.get(owner) ?? 0) + (file.endsWith('/') ? 0 : 1));
    }
    for (const { name, disks } of wanted) {
      const count = left.get(name) ?? 0;
      if (count !== disks.length && !(count < disks.length && halfRemoved.includes(name)))
        faults.push(`${name} has ${disks.length} disk(s) and ${count} file(s) in ${place}`);
      left.delete(name);
    }
    for (const [name, count] of left)
      faults.push(`${place} has ${count} file(s) in a folder of ${name}, which nobody has`);
  };
  const shared = rows.filter(({ template }) => template === 'sharedfile');
  compare('shared storage', await diskFiles(join(lab.directory, 'shared-file-storage')), shared);
  for (const node of nodes) {
    const own = rows.filter(({ template, pnode }) => template === 'file' && pnode === node);
    compare(node, await diskFiles(join(lab.root(shortName(node)), 'srv/ganeti/file-storage')), own);
  }
  return faults;
}

async function checkGuests(lab: VirtualLab, rows: readonly InstanceRow[], nodes: readonly string[]) {
  const faults: string[] = [];
  const running = new Set<string>();
  for (const node of nodes) {
    for (const guest of await guestsOn(lab, shortName(node))) {
      const row = rows.find(({ name }) => name === guest);
      if (row === undefined) faults.push(`${guest} runs on ${node} and is in no configuration`);
      else if (row.pnode !== node) faults.push(`${guest} runs on ${node} and belongs on ${row.pnode}`);
      else if (!row.isUp) faults.push(`${guest} runs on ${node} and should be down`);
      running.add(guest);
    }
  }
  const toStart = rows.filter(({ name, isUp }) => isUp && !running.has(name)).length;
  return { faults, toStart };
}

/**
 * What the master has told to have happened is there. An instance whose creation was interrupted may be there as
 * well, when it had come so far that only its start was left; then it is whole.
 */
function checkTold(
  jobs: readonly Acknowledged[],
  rows: readonly InstanceRow[],
  tags: readonly string[],
): string[] {
  const faults: string[] = [];
  const names = new Set(rows.map(({ name }) => name));
  const removed = new Set(
    jobs.filter(({ kind, end }) => kind === 'remove' && end === 'success').map(({ name }) => name),
  );
  const tried = new Set(jobs.filter(({ kind }) => kind === 'remove').map(({ name }) => name));
  for (const { id, kind, name, end } of jobs) {
    if (kind === 'create' && end === 'success' && !names.has(name) && !tried.has(name))
      faults.push(`job ${id} had created ${name}, which is not there`);
    if (kind === 'tag' && end === 'success' && !tags.includes(name))
      faults.push(`job ${id} had set the tag ${name}, which is not there`);
  }
  for (const name of removed) if (names.has(name)) faults.push(`${name} was removed and is there`);
  return faults;
}

/** The OS scripts of the campaign write the name of each instance that they are run for. */
async function checkOnce(path: string, jobs: readonly Acknowledged[]): Promise<string[]> {
  const runs = new Map<string, number>();
  for (const name of (await readFile(path, 'utf8').catch(() => '')).split('\n'))
    runs.set(name, (runs.get(name) ?? 0) + 1);
  return jobs.flatMap(({ id, scripted, name, end }) => {
    if (!scripted) return [];
    const times = runs.get(name) ?? 0;
    if (times > 1) return [`job ${id} ran the create script of ${name} ${times} times`];
    return end === 'success' && times === 0
      ? [`job ${id} succeeded without the create script of ${name}`]
      : [];
  });
}

/** Faults that the master daemon found in its configuration when it started, and errors that nobody foresaw. */
export async function faultsInLog(
  lab: VirtualLab,
  node: string,
  from: number,
): Promise<{ faults: string[]; end: number }> {
  const log = await lab.log(node, 'master-daemon');
  const faults = log
    .slice(from)
    .split('\n')
    .filter((line) => /not consistent|Unhandled|unforeseen|could not be undone|damaged/.test(line));
  return { faults, end: log.length };
}

export async function check(
  lab: VirtualLab,
  client: LuxiClient,
  parts: {
    readonly jobs: readonly Acknowledged[];
    readonly nodes: readonly string[];
    readonly createLog: string;
  },
): Promise<Found> {
  const rows = await instancesOf(client);
  const tags = (await client.call('QueryTags', ['cluster', ''])) as string[];
  const guests = await checkGuests(lab, rows, parts.nodes);
  const interrupted = parts.jobs.filter(({ kind, end }) => kind === 'remove' && end === 'error');
  const halfRemoved = rows
    .filter(({ name, isUp }) => !isUp && interrupted.some((job) => job.name === name))
    .map(({ name }) => name);
  return {
    known: rows,
    tags,
    halfRemoved,
    toStart: guests.toStart,
    faults: [
      ...(await checkDisks(lab, rows, parts.nodes, halfRemoved)),
      ...guests.faults,
      ...checkTold(parts.jobs, rows, tags),
      ...(await checkOnce(parts.createLog, parts.jobs)),
    ],
  };
}
