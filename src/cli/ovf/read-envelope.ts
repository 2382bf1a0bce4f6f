/** What an OVF description says of the machine in it. Pure; words that only a cluster can know are "auto". */
import { ErrorCode, prerequisiteFailure } from '../../kit/failure.ts';
import {
  auto,
  type BackendData,
  type DiskFile,
  type EmptyDisk,
  type Named,
  type NetworkData,
  namespaces,
  resourceTypes,
} from './envelope.ts';
import { type Element, elementsAt, parseXml, textAt } from './xml.ts';

const ovf = (name: string) => `{${namespaces.ovf}}${name}`;
const ganeti = (name: string) => `{${namespaces.ganeti}}${name}`;
const rasd = (name: string) => `{${namespaces.rasd}}${name}`;

/** Bytes in a unit that memory is measured in (CIM's AllocationUnits, and what programs write instead). */
function bytesIn(unit: string): number | undefined {
  const words = unit.trim().toLowerCase();
  const power = /^byte(?:s)?(?:\s*\*\s*2\^(\d{1,2}))?$/.exec(words);
  if (power !== null) return 2 ** Number(power[1] ?? 0);
  const exponent = [
    ['b', 'bytes'],
    ['kb', 'kib', 'kilobytes', 'kibibytes'],
    ['mb', 'mib', 'megabytes', 'mebibytes'],
    ['gb', 'gib', 'gigabytes', 'gibibytes'],
  ].findIndex((names) => names.includes(words));
  return exponent < 0 ? undefined : 1024 ** exponent;
}

const orUndefined = (text: string | undefined) =>
  text === undefined || text.trim() === '' ? undefined : text.trim();

function named(section: Element | undefined): Named {
  if (section === undefined) return { name: undefined, parameters: {} };
  const entries = elementsAt(section, ganeti('Parameters'))
    .slice(0, 1)
    .flatMap(({ children }) =>
      children.map((child) => [child.name.replace(/^\{.*\}/, ''), child.text] as const),
    );
  return { name: orUndefined(textAt(section, ganeti('Name'))), parameters: Object.fromEntries(entries) };
}

function emptyDisk(disk: Element): EmptyDisk {
  const id = disk.attributes.get(ovf('diskId'));
  const unit = disk.attributes.get(ovf('capacityAllocationUnits')) ?? 'byte';
  const capacity = Number(disk.attributes.get(ovf('capacity')) ?? 0) * (bytesIn(unit) ?? 0);
  if (Number.isSafeInteger(capacity) && capacity > 0) return { kind: 'empty', capacity };
  throw prerequisiteFailure(`Disk ${id} has neither a file nor a size`, ErrorCode.invalid);
}

export class Envelope {
  readonly #root: Element;

  /** @throws Failure OpPrereqError when it is no XML, or more than one machine */
  constructor(source: string) {
    try {
      this.#root = parseXml(source);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw prerequisiteFailure(`Error while reading .ovf file: ${reason}`, ErrorCode.environment);
    }
    if (elementsAt(this.#root, ovf('VirtualSystemCollection')).length > 0) {
      throw prerequisiteFailure(
        'Packages of several virtual systems are not supported yet',
        ErrorCode.invalid,
      );
    }
  }

  #ganetiText(name: string): string | undefined {
    return orUndefined(textAt(this.#root, ganeti('GanetiSection'), ganeti(name)));
  }

  /** Names of all files that the package is said to have. */
  get references(): string[] {
    return elementsAt(this.#root, ovf('References'), ovf('File')).flatMap(
      (file) => file.attributes.get(ovf('href')) ?? [],
    );
  }

  get name(): string | undefined {
    return orUndefined(textAt(this.#root, ovf('VirtualSystem'), ovf('Name')));
  }

  get diskTemplate(): string | undefined {
    return this.#ganetiText('DiskTemplate');
  }

  /** Separated by commas. */
  get tags(): string | undefined {
    return this.#ganetiText('Tags');
  }

  get version(): string | undefined {
    return this.#ganetiText('Version');
  }

  get hypervisor(): Named {
    return named(elementsAt(this.#root, ganeti('GanetiSection'), ganeti('Hypervisor'))[0]);
  }

  get os(): Named {
    return named(elementsAt(this.#root, ganeti('GanetiSection'), ganeti('OperatingSystem'))[0]);
  }

  #item(field: string, text: string): Element | undefined {
    return elementsAt(this.#root, ovf('VirtualSystem'), ovf('VirtualHardwareSection'), ovf('Item')).find(
      (item) => textAt(item, rasd(field))?.trim() === text,
    );
  }

  #memory(): string {
    const item = this.#item('ResourceType', resourceTypes.memory);
    const quantity = item === undefined ? undefined : orUndefined(textAt(item, rasd('VirtualQuantity')));
    if (quantity === undefined) return auto;
    const unit = orUndefined(textAt(item!, rasd('AllocationUnits'))) ?? 'byte';
    const bytes = bytesIn(unit);
    if (bytes === undefined)
      throw prerequisiteFailure(`Unit ${unit} for RAM memory unknown`, ErrorCode.invalid);
    if (!/^\d+$/.test(quantity)) {
      throw prerequisiteFailure(`Amount ${quantity} of RAM memory is not a number`, ErrorCode.invalid);
    }
    return String(Math.floor((Number(quantity) * bytes) / 1024 ** 2));
  }

  /** @throws Failure OpPrereqError for an amount of memory that can't be read */
  get backend(): BackendData {
    const cpu = this.#item('ResourceType', resourceTypes.vcpus);
    return {
      vcpus: (cpu === undefined ? undefined : orUndefined(textAt(cpu, rasd('VirtualQuantity')))) ?? auto,
      memory: this.#memory(),
      autoBalance: this.#ganetiText('AutoBalance') ?? auto,
    };
  }

  /**
   * One for each network. Its name tells the mode when one of "bridged" and "routed" is in it; Ganeti's section,
   * where there is one, knows better.
   */
  get networks(): NetworkData[] {
    const names = elementsAt(this.#root, ovf('NetworkSection'), ovf('Network')).flatMap(
      (network) => network.attributes.get(ovf('name')) ?? [],
    );
    return names.map((name) => {
      const item = this.#item('Connection', name);
      const nic = elementsAt(this.#root, ganeti('GanetiSection'), ganeti('Network'), ganeti('Nic')).find(
        (each) => each.attributes.get(ovf('name')) === name,
      );
      const own = (field: string) =>
        nic === undefined ? undefined : orUndefined(textAt(nic, ganeti(field)));
      const mode =
        own('Mode') ?? ['bridged', 'routed'].find((each) => name.toLowerCase().includes(each)) ?? auto;
      const address = item === undefined ? undefined : orUndefined(textAt(item, rasd('Address')));
      return {
        mode,
        mac: own('MACAddress') ?? address ?? auto,
        ip: own('IPAddress') ?? (mode === 'routed' ? auto : 'none'),
        link: own('Link') ?? auto,
        network: own('Net') ?? auto,
      };
    });
  }

  /** @throws Failure OpPrereqError for a disk whose file is not among the references, or that has no size */
  get disks(): (DiskFile | EmptyDisk)[] {
    const files = elementsAt(this.#root, ovf('References'), ovf('File'));
    return elementsAt(this.#root, ovf('DiskSection'), ovf('Disk')).map((disk) => {
      const id = disk.attributes.get(ovf('fileRef'));
      if (id === undefined) return emptyDisk(disk);
      const file = files.find((each) => each.attributes.get(ovf('id')) === id);
      const name = file?.attributes.get(ovf('href'));
      if (name === undefined) {
        throw prerequisiteFailure(
          `.ovf file corrupted - disk ${id} not found in references`,
          ErrorCode.environment,
        );
      }
      return { kind: 'file', name, compression: file!.attributes.get(ovf('compression')) };
    });
  }
}
