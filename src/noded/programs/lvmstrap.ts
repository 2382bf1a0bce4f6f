/**
 * lvmstrap: makes the volume group of a new node from its free disks. What is on a disk that it takes is lost, so it
 * takes none that is mounted, a part of something else, or opened by anybody.
 */
import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { pollUntil } from '../../kit/clock.ts';
import { Failure, messageOf } from '../../kit/failure.ts';
import { runChecked, runProcess } from '../../kit/process.ts';
import { isToolAnswer, parseToolOptions, type ToolCall, tellToolAnswer } from '../../kit/tool-options.ts';
import { type Disk, disksIn, firstPartition, lsblkArguments } from './block-devices.ts';

const usage =
  'diskinfo | [--vg-name=NAME] [--allow-removable] { --alldisks | --disks DISKLIST } [--use-sfdisk] create';
const options = [
  { names: ['--alldisks'], help: 'erase ALL disks' },
  { names: ['-d', '--disks'], metavar: 'DISKS', help: 'erase these disks, e.g. hda,hdb' },
  { names: ['-r', '--allow-removable'], help: 'allow and use removable devices too' },
  { names: ['-g', '--vg-name'], metavar: 'NAME', help: 'the volume group to be created [xenvg]' },
  { names: ['--use-sfdisk'], help: 'use sfdisk instead of parted' },
  { names: ['-v', '--verbose'], help: 'say what is done' },
];

/** Bytes that the older kind of partition table can tell. */
const mostForMsdos = 2 * 1024 ** 4;
const gibibyte = 1024 ** 3;

async function freeDisks(call: ToolCall): Promise<Disk[]> {
  const all = disksIn((await runChecked(lsblkArguments, { timeoutMs: 60_000 })).stdout);
  const usable = all.filter(({ isRemovable }) => !isRemovable || call.flags.has('allow-removable'));
  const named = call.values.get('disks');
  if (call.flags.has('alldisks') === (named !== undefined))
    throw new Failure('ParameterError', ['Give either --alldisks or --disks']);
  if (named === undefined) return usable.filter(({ use }) => use === undefined);
  return named.split(',').map((name) => {
    const disk = usable.find((each) => each.name === name);
    if (disk === undefined) throw new Failure('ParameterError', [`Can't find disk '${name}'`]);
    if (disk.use !== undefined)
      throw new Failure('ParameterError', [`Disk '${name}' is in use: ${disk.use}`]);
    return disk;
  });
}

/** The kernel lends a disk to one user at a time: whoever else has it shows here. */
async function requireIdle({ name }: Disk): Promise<void> {
  try {
    const file = await open(`/dev/${name}`, constants.O_RDWR | constants.O_EXCL);
    await file.close();
  } catch (error) {
    throw new Failure('GenericError', [`Disk '${name}' is in use: ${messageOf(error)}`]);
  }
}

async function partition(disk: Disk, useSfdisk: boolean, say: (line: string) => void): Promise<string> {
  const device = `/dev/${disk.name}`;
  await runChecked(['wipefs', '--all', '--force', device], { timeoutMs: 60_000 });
  if (useSfdisk) {
    if (disk.sizeBytes > mostForMsdos)
      throw new Failure('GenericError', [`Disk ${disk.name} is larger than 2 TB: leave --use-sfdisk out`]);
    await runChecked(['sfdisk', device], { input: ',,8e,\n', timeoutMs: 60_000 });
  } else {
    const label = disk.sizeBytes > mostForMsdos ? 'gpt' : 'msdos';
    const parted = (...words: string[]) =>
      runChecked(['parted', '-s', device, ...words], { timeoutMs: 60_000 });
    await parted('mklabel', label);
    await parted('mkpart', 'pri', 'ext2', '1', '100%');
    await parted('set', '1', 'lvm', 'on');
  }
  const part = `/dev/${firstPartition(disk.name)}`;
  const seen = await pollUntil(async () => ((await isThere(part)) ? true : undefined), {
    everyMs: 100,
    timeoutMs: 10_000,
  });
  if (seen === undefined) throw new Failure('GenericError', [`${part} did not appear after partitioning`]);
  say(`${part} made`);
  return part;
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

async function groupFacts(name: string): Promise<string[] | undefined> {
  const result = await runProcess(
    ['vgs', '--noheadings', '-o', 'lv_count,vg_size,vg_free', '--nosuffix', '--units', 'g', '--', name],
    { timeoutMs: 60_000 },
  );
  return result.code === 0 ? result.stdout.trim().split(/\s+/) : undefined;
}

async function create(call: ToolCall): Promise<number> {
  const group = call.values.get('vg-name') ?? 'xenvg';
  if (!/^[A-Za-z0-9_+.][A-Za-z0-9_+.-]*$/.test(group))
    throw new Failure('ParameterError', [`'${group}' is not a name of a volume group`]);
  const facts = await groupFacts(group);
  if (facts !== undefined) {
    throw new Failure('GenericError', [
      `It seems volume group '${group}' already exists:\n  LV count: ${facts[0]}, size: ${facts[1]}, free: ${facts[2]}.`,
    ]);
  }
  const disks = await freeDisks(call);
  if (disks.length === 0) throw new Failure('GenericError', ['There is no free disk']);
  // All of them, before the first is touched.
  for (const disk of disks) await requireIdle(disk);
  const say = (line: string) => {
    if (call.flags.has('verbose')) process.stdout.write(`${line}\n`);
  };
  const parts: string[] = [];
  for (const disk of disks) parts.push(await partition(disk, call.flags.has('use-sfdisk'), say));
  for (const part of parts) await runChecked(['pvcreate', '-yff', part], { timeoutMs: 60_000 });
  await runChecked(['vgcreate', '-s', '64MB', group, ...parts], { timeoutMs: 60_000 });
  const made = await groupFacts(group);
  if (made === undefined)
    throw new Failure('GenericError', [
      'Although everything seemed ok, the volume group did not get created.',
    ]);
  process.stdout.write(
    `Done! ${group}: size ${made[1]} GiB, disks: ${disks.map(({ name }) => name).join(',')}\n`,
  );
  return 0;
}

async function diskInfo(): Promise<number> {
  const disks = disksIn((await runChecked(lsblkArguments, { timeoutMs: 60_000 })).stdout);
  const rows = disks.map(({ name, sizeBytes, isRemovable, partitions, mounted, use }) => [
    name,
    (sizeBytes / gibibyte).toFixed(2),
    isRemovable ? 'yes' : 'no',
    use === undefined ? 'no' : use,
    partitions.join(',') || '-',
    mounted.join(',') || '-',
  ]);
  const table = [['Name', 'Size(GiB)', 'Removable', 'Used', 'Partitions', 'Mount'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table) {
    process.stdout.write(
      `${row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join(' ')
        .trimEnd()}\n`,
    );
  }
  return 0;
}

export async function lvmstrap(argv: readonly string[]): Promise<number> {
  const call = parseToolOptions('lvmstrap', usage, options, argv);
  if (isToolAnswer(call)) return tellToolAnswer(call);
  const [command] = call.args;
  if (call.args.length !== 1 || (command !== 'diskinfo' && command !== 'create')) {
    process.stderr.write(`Usage: lvmstrap ${usage}\n`);
    return 1;
  }
  if (command === 'diskinfo') return await diskInfo();
  if (process.getuid?.() !== 0) throw new Failure('GenericError', ['This tool runs as root only. Really.']);
  return await create(call);
}
