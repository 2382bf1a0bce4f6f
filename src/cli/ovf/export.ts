/** From an export of Ganeti, config.ini and what lies beside it, to an OVF package. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../../kit/atomic-file.ts';
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import { parseSections, type Sections } from '../../kit/sections.ts';
import type { DiskFormat, NetworkData } from './envelope.ts';
import type { Surroundings } from './import.ts';
import type { Values } from './options.ts';
import { isPlainName, manifestOf, pack } from './package-files.ts';
import { formatEnvelope, type GanetiData, type PackedDisk } from './write-envelope.ts';

const modes = ['bridged', 'routed', 'openvswitch'];
const environmentFault = (text: string) => prerequisiteFailure(text, ErrorCode.environment);

/** The value of the first of the options that is there and isn't empty. */
function stated(sections: Sections, ...options: readonly (readonly [string, string])[]): string | undefined {
  for (const [section, option] of options) {
    const value = sections.get(section)?.get(option);
    if (value !== undefined && value !== '' && value !== 'None') return value;
  }
  return undefined;
}

function amount(value: string | undefined, what: string): number {
  const number = value === undefined ? 0 : Number(value);
  if (!Number.isInteger(number) || number <= 0) throw environmentFault(`No ${what} information found`);
  return number;
}

const everything = (sections: Sections, section: string) =>
  Object.fromEntries([...(sections.get(section) ?? [])].filter(([, value]) => value !== 'None'));

function ganetiOf(sections: Sections): GanetiData {
  const hypervisor = stated(sections, ['instance', 'hypervisor']);
  if (hypervisor === undefined) throw environmentFault('No hypervisor information found');
  const os = stated(sections, ['export', 'os']);
  if (os === undefined) throw environmentFault('No operating system information found');
  return {
    hypervisor: { name: hypervisor, parameters: everything(sections, 'hypervisor') },
    os: { name: os, parameters: everything(sections, 'os') },
    diskTemplate: stated(sections, ['instance', 'disk_template']),
    autoBalance: stated(sections, ['backend', 'auto_balance']),
    tags: stated(sections, ['instance', 'tags'])
      ?.split(/[\s,]+/)
      .join(','),
    version: stated(sections, ['export', 'version']),
  };
}

function networksOf(sections: Sections): NetworkData[] {
  const networks: NetworkData[] = [];
  for (let index = 0; ; index += 1) {
    const at = (name: string) => stated(sections, ['instance', `nic${index}_${name}`]);
    const [mac, link] = [at('mac'), at('link')];
    if (mac === undefined && link === undefined) return networks;
    const mode = at('mode') ?? 'None';
    if (!modes.includes(mode)) {
      throw prerequisiteFailure(`Network mode ${mode} not recognized`, ErrorCode.invalid);
    }
    const none = 'None';
    networks.push({
      ...{ mode, mac: mac ?? none, link: link ?? none },
      ...{ ip: at('ip') ?? none, network: at('network') ?? none },
    });
  }
}

/** Paths of the images, each looked for before any is converted. */
async function dumpsOf(sections: Sections, folder: string): Promise<string[]> {
  const dumps: string[] = [];
  for (let index = 0; ; index += 1) {
    const dump = stated(sections, ['instance', `disk${index}_dump`]);
    if (dump === undefined) return dumps;
    const path = join(folder, dump);
    if (!isPlainName(dump)) throw environmentFault(`Path for the disk: ${path} contains a directory name`);
    if (!(await stat(path).catch(() => undefined))?.isFile()) {
      throw environmentFault(`Disk image does not exist: ${path}`);
    }
    dumps.push(path);
  }
}

async function packDisk(
  path: string,
  values: Values,
  folder: string,
  around: Surroundings,
): Promise<PackedDisk> {
  const { images, work, warn } = around;
  const format = values.disk_format as DiskFormat;
  const title = basename(path, extname(path));
  warn(`Conversion of disk image to ${format} format, this may take a while`);
  const image = values.compression
    ? join(await work.passingFolder(), `disk.${format}`)
    : await work.file(folder, title, `.${format}`);
  await images.convert(path, 'raw', image, format);
  const { size: capacity } = await images.info(image);
  let packed = image;
  if (values.compression) {
    packed = await work.file(folder, title, `.${format}.gz`);
    await images.compress(image, packed, 'compression');
  }
  const { size: fileSize } = await stat(packed);
  return {
    ...{ path: basename(packed), format, capacity, fileSize },
    compression: values.compression ? 'gzip' : undefined,
  };
}

async function readConfiguration(source: string): Promise<{ sections: Sections; folder: string }> {
  const path = resolve(source);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) throw environmentFault(`File does not exist: ${path}`);
  if (!/^\[[^\]]+\]/m.test(text)) {
    throw environmentFault(`Error when trying to read ${path}: File contains no section headers.`);
  }
  return { sections: parseSections(text), folder: dirname(path) };
}

/** @returns the path of the description or the archive. @throws Failure OpPrereqError */
export async function exportPackage(source: string, values: Values, around: Surroundings): Promise<string> {
  const { work, say, warn } = around;
  const { sections, folder } = await readConfiguration(source);
  const name = values.name ?? stated(sections, ['instance', 'name']);
  if (name === undefined || name === '') throw environmentFault('No instance name found');
  if (!isPlainName(name)) {
    throw prerequisiteFailure(`'${name}' can't be the name of an instance`, ErrorCode.invalid);
  }
  const vcpus = amount(stated(sections, ['backend', 'vcpus'], ['instance', 'vcpus']), 'CPU');
  // Exports since Ganeti 2.6 have two amounts of memory.
  const memories = ['memory', 'maxmem'].flatMap(
    (option) =>
      [
        ['backend', option],
        ['instance', option],
      ] as const,
  );
  const memory = amount(stated(sections, ...memories), 'memory');
  const ganeti = values.ext_usage ? undefined : ganetiOf(sections);
  const networks = networksOf(sections);
  const dumps = await dumpsOf(sections, folder);
  const target = values.output_dir === null ? folder : resolve(values.output_dir);
  await work.folder(target);
  const place = values.ova_package ? await work.passingFolder() : target;
  const disks: PackedDisk[] = [];
  for (const dump of dumps) disks.push(await packDisk(dump, values, place, around));
  const names = [`${name}.ovf`, `${name}.mf`, ...disks.map(({ path }) => path)];
  const text = formatEnvelope({ name, vcpus, memory, disks, networks, ganeti });
  const description = values.ova_package ? join(place, names[0]!) : await work.file(target, name, '.ovf');
  names[0] = basename(description);
  names[1] = `${basename(description, '.ovf')}.mf`;
  await writeFileAtomic(description, text, { mode: 0o600 });
  warn('Calculating SHA1 checksums, this may take a while');
  const manifest = await manifestOf([description, ...disks.map(({ path }) => join(place, path))]);
  await writeFileAtomic(join(place, names[1]), manifest, { mode: 0o600 });
  let made = description;
  if (values.ova_package) {
    say('Preparing tarball for the OVF package');
    made = await work.file(target, name, '.ova');
    await pack(made, place, names);
  }
  say('Creation of the OVF package was successfull');
  work.keep();
  return made;
}
