/**
 * From an OVF package to an export of Ganeti: config.ini and raw images in a folder of the instance's name, which
 * `gnt-backup import` takes. What the command line says goes before what the package says.
 */
import { readFile, stat, truncate } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { ErrorCode, messageOf, prerequisiteFailure } from '../../kit/failure.ts';
import { formatSections, type Section } from '../../kit/sections.ts';
import { parseUnit } from '../../kit/units.ts';
import type { KeyValues } from '../optparse/key-values.ts';
import { pythonText } from '../output/python-text.ts';
import { indexOf } from '../shared/devices.ts';
import { auto, type BackendData, type Named, type NetworkData } from './envelope.ts';
import type { Images } from './images.ts';
import type { Values } from './options.ts';
import { isPlainName, packageFiles, unpack, verifyManifest } from './package-files.ts';
import { Envelope } from './read-envelope.ts';
import type { Workspace } from './workspace.ts';

export interface Surroundings {
  readonly images: Images;
  readonly work: Workspace;
  /** Where exports lie on this node. */
  readonly exportDir: string;
  readonly say: (text: string) => void;
  readonly warn: (text: string) => void;
}

interface Package {
  readonly folder: string;
  readonly envelope: Envelope;
}

interface DiskDump {
  readonly index: number;
  readonly dump: string;
  /** MiB. */
  readonly size: number;
}

/** constants.EXPORT_VERSION. */
const exportVersion = '0';
const mebibyte = 1024 ** 2;
const invalid = (text: string) => prerequisiteFailure(text, ErrorCode.invalid);
const environmentFault = (text: string) => prerequisiteFailure(text, ErrorCode.environment);

async function openPackage(source: string, { work, say, warn }: Surroundings): Promise<Package> {
  const path = resolve(source);
  if (!(await stat(path).catch(() => undefined))?.isFile())
    throw environmentFault(`File does not exist: ${path}`);
  const extension = extname(path);
  if (extension !== '.ovf' && extension !== '.ova') {
    throw invalid('Unknown file extension; expected .ova or .ovf file');
  }
  let description = path;
  if (extension === '.ova') {
    warn(`Unpacking the ${path} archive, this may take a while`);
    description = await unpack(path, await work.passingFolder());
  }
  const folder = dirname(description);
  const envelope = new Envelope(await readFile(description, 'utf8'));
  const files = await packageFiles(description, envelope.references);
  say(`Files in the OVF package: ${files.join(' ')}`);
  const manifest = `${basename(description, '.ovf')}.mf`;
  if (files.includes(manifest)) {
    warn('Verifying checksums, this may take a while');
    await verifyManifest(folder, manifest, files);
    say('Checksums verified');
  }
  return { folder, envelope };
}

const plain = (values: KeyValues) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, pythonText(value)]));

function hypervisorOf({ hypervisor }: Values, envelope: Envelope): Named {
  if (hypervisor === null) return envelope.hypervisor;
  const [name, parameters] = hypervisor;
  return { name: name === '' ? undefined : name, parameters: plain(parameters || {}) };
}

function osOf({ os, osparams }: Values, envelope: Envelope): Named {
  const found = os === null || os === '' ? envelope.os : { name: os, parameters: {} };
  if (found.name === undefined) throw invalid('OS name must be provided');
  return { name: found.name, parameters: { ...found.parameters, ...plain(osparams) } };
}

function backendOf({ beparams }: Values, envelope: Envelope): Readonly<Record<string, string>> {
  const own = plain(beparams);
  const isOwn = Object.keys(own).length > 0;
  const found: BackendData = isOwn ? { vcpus: auto, memory: auto, autoBalance: auto } : envelope.backend;
  const memory = 'maxmem' in own || 'minmem' in own ? {} : { memory: found.memory };
  return { vcpus: found.vcpus, ...memory, auto_balance: found.autoBalance, ...own };
}

function networksOf({ nics, no_nics }: Values, envelope: Envelope): [number, NetworkData][] {
  if (no_nics) return [];
  if (nics.length === 0) return envelope.networks.map((network, index) => [index, network]);
  return nics.map(([ident, values]) => {
    const index = indexOf(ident, 'Invalid NIC index passed');
    const nic = plain(values || {});
    const mode = nic.mode ?? auto;
    return [
      index,
      {
        mode,
        mac: nic.mac ?? auto,
        link: nic.link ?? auto,
        network: nic.network ?? auto,
        ip: nic.ip ?? (mode === 'routed' ? auto : 'none'),
      },
    ];
  });
}

/** @param size MiB */
async function emptyDisk(index: number, size: number, folder: string, work: Workspace): Promise<DiskDump> {
  const path = await work.file(folder, `disk${index}`, '.raw');
  await truncate(path, size * mebibyte);
  return { index, dump: basename(path), size };
}

/** The disks of the package as raw images. */
async function unpackedDisks(found: Package, folder: string, around: Surroundings): Promise<DiskDump[]> {
  const { images, work, warn } = around;
  const dumps: DiskDump[] = [];
  for (const [index, disk] of found.envelope.disks.entries()) {
    if (disk.kind === 'empty') {
      dumps.push(await emptyDisk(index, Math.ceil(disk.capacity / mebibyte), folder, work));
      continue;
    }
    const { name, compression } = disk;
    let path = join(found.folder, name);
    let title = basename(name, extname(name));
    if (compression !== undefined && compression !== 'identity') {
      if (compression !== 'gzip') throw invalid(`Unsupported compression type: ${compression}`);
      const packed = path;
      path = join(await work.passingFolder(), title);
      await images.compress(packed, path, 'decompression');
      title = basename(title, extname(title));
    }
    const { format, others } = await images.info(path);
    // A description of other files may name those that lie beside it in the package.
    const foreign = others.find((other) => {
      const whole = resolve(dirname(path), other);
      return dirname(whole) !== found.folder || !found.envelope.references.includes(basename(whole));
    });
    if (foreign !== undefined)
      throw environmentFault(`Disk ${name} needs the file ${foreign}, which is refused`);
    if (format !== 'raw') warn('Conversion of disk image to raw format, this may take a while');
    const to = await work.file(folder, title, '.raw');
    await images.convert(path, format, to, 'raw');
    // Rounded up: a guest never gets a smaller disk than it had.
    const size = Math.ceil((await stat(to)).size / mebibyte);
    dumps.push({ index, dump: basename(to), size });
  }
  return dumps;
}

/** Empty disks of the sizes that the command line says. */
async function emptyDisks({ disks }: Values, folder: string, { work }: Surroundings): Promise<DiskDump[]> {
  const dumps: DiskDump[] = [];
  for (const [ident, values] of disks) {
    const index = indexOf(ident, 'Invalid disk index passed');
    const { size: written } = values || {};
    if (written === undefined) throw invalid('Disks created for import must have their size specified');
    let size: number;
    try {
      size = parseUnit(pythonText(written));
    } catch (error) {
      throw Object.assign(invalid(`Invalid disk size for disk ${index}: ${pythonText(written)}`), {
        cause: error,
      });
    }
    dumps.push(await emptyDisk(index, size, folder, work));
  }
  return dumps;
}

function configuration(
  name: string,
  values: Values,
  { envelope }: Package,
  disks: readonly DiskDump[],
): readonly (readonly [string, Section])[] {
  const networks = networksOf(values, envelope);
  if (disks.length === 0 && networks.length === 0) {
    throw prerequisiteFailure(
      'Either disk specification or network description must be present',
      ErrorCode.state,
    );
  }
  const template = values.disk_template ?? envelope.diskTemplate;
  const tags = (values.tags ?? envelope.tags ?? '').split(',').map((tag) => tag.trim());
  const hypervisor = hypervisorOf(values, envelope);
  const os = osOf(values, envelope);
  const instance: Section = [
    ...disks.flatMap(
      ({ index, dump, size }): Section => [
        [`disk${index}_dump`, dump],
        [`disk${index}_size`, size],
        [`disk${index}_ivname`, `disk/${index}`],
      ],
    ),
    ...(disks.length === 0 ? [] : ([['disk_count', disks.length]] as const)),
    ...networks.flatMap(
      ([index, { mode, mac, ip, link, network }]): Section => [
        [`nic${index}_mode`, mode],
        [`nic${index}_mac`, mac],
        [`nic${index}_ip`, ip],
        [`nic${index}_link`, link],
        [`nic${index}_network`, network],
      ],
    ),
    ...(networks.length === 0 ? [] : ([['nic_count', networks.length]] as const)),
    ['hypervisor', hypervisor.name ?? auto],
    ['name', name],
    ...(template === undefined ? [] : ([['disk_template', template]] as const)),
    ...(tags.join('') === '' ? [] : ([['tags', tags.filter((tag) => tag !== '').join(' ')]] as const)),
  ];
  return [
    ['instance', instance],
    ['backend', Object.entries(backendOf(values, envelope))],
    [
      'export',
      [
        ['os', os.name],
        ['version', envelope.version ?? exportVersion],
      ],
    ],
    ['os', Object.entries(os.parameters)],
    ['hypervisor', Object.entries(hypervisor.parameters)],
  ];
}

/** @returns the folder with the export. @throws Failure OpPrereqError */
export async function importPackage(source: string, values: Values, around: Surroundings): Promise<string> {
  const { work, exportDir, say, warn } = around;
  const found = await openPackage(source, around);
  const base = values.output_dir === null ? exportDir : resolve(values.output_dir);
  if (base !== exportDir && !base.startsWith(`${exportDir}/`)) {
    warn(`Export path is not under ${exportDir} directory, import to Ganeti using gnt-backup may fail`);
  }
  const name = values.name ?? found.envelope.name;
  if (name === undefined || name === '') throw invalid('Name of instance not provided');
  if (!isPlainName(name)) throw invalid(`'${name}' can't be the name of an instance`);
  // All that may be wrong with the words is found before the long work with the disks.
  osOf(values, found.envelope);
  backendOf(values, found.envelope);
  const folder = join(base, name);
  await work.folder(folder);
  const target = join(folder, 'config.ini');
  if ((await stat(target).catch(() => undefined)) !== undefined) {
    throw prerequisiteFailure(`There is an export in ${folder} already`, ErrorCode.exists);
  }
  const isDiskless = (values.disk_template ?? found.envelope.diskTemplate) === 'diskless';
  const dumps = isDiskless
    ? []
    : values.disks.length > 0
      ? await emptyDisks(values, folder, around)
      : await unpackedDisks(found, folder, around);
  const text = formatSections(configuration(name, values, found, dumps));
  say(`Conversion was succesfull, saving config.ini in ${folder} directory`);
  try {
    await writeFileAtomic(target, text, { mode: 0o600 });
  } catch (error) {
    throw environmentFault(`Saving the config file failed: ${messageOf(error)}`);
  }
  work.keep();
  return folder;
}
