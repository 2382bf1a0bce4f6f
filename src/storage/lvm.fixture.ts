/** Volume groups in memory, answering LVM's command lines as the real programs do. For tests. */
import type { Answer } from './machine.fixture.ts';

interface Physical {
  readonly name: string;
  readonly sizeMiB: number;
}

export interface Volume {
  sizeMiB: number;
  active: boolean;
  readonly tags: Set<string>;
  /** MiB on each physical volume. */
  readonly extents: Map<string, number>;
  readonly stripes: number;
  readonly origin?: string;
  /** Somebody has the device open: DRBD, a guest. */
  openedBy?: string;
}

const extentMiB = 4;
const failed = (stderr: string): Answer => ({ code: 5, stdout: '', stderr });
const said = (stdout = ''): Answer => ({ code: 0, stdout, stderr: '' });

export class FakeLvm {
  readonly groups = new Map<string, readonly Physical[]>();
  /** By "group/volume". */
  readonly volumes = new Map<string, Volume>();

  run([program, ...args]: readonly string[]): Answer {
    switch (program) {
      case 'lvs':
        return this.#lvs(args);
      case 'vgs':
        return said(this.#groupLines());
      case 'pvs':
        return said(this.#physicalLines());
      case 'lvcreate':
        return this.#create(args);
      case 'lvchange':
        return this.#change(args);
      case 'lvremove':
        return this.#remove(args.at(-1)!);
      case 'lvextend':
        return this.#extend(args);
      default:
        return this.#rename(args as [string, string, string]);
    }
  }

  /** The volume behind a device path. */
  at(path: string): Volume | undefined {
    return this.volumes.get(path.replace(/^\/dev\//, ''));
  }

  #free(group: string, physical: Physical): number {
    let used = 0;
    for (const [key, volume] of this.volumes) {
      if (key.startsWith(`${group}/`)) used += volume.extents.get(physical.name) ?? 0;
    }
    return physical.sizeMiB - used;
  }

  #groupLines(): string {
    const lines = [...this.groups].map(([name, physical]) => {
      const size = physical.reduce((sum, one) => sum + one.sizeMiB, 0);
      const free = physical.reduce((sum, one) => sum + this.#free(name, one), 0);
      return `  ${name}|${free.toFixed(2)}|wz--n-|${size.toFixed(2)}\n`;
    });
    return lines.join('');
  }

  #physicalLines(): string {
    const lines = [...this.groups].flatMap(([group, physical]) =>
      physical.map((one) => {
        const free = this.#free(group, one).toFixed(2);
        return `  ${one.name}|${group}|${free}|a--|${one.sizeMiB.toFixed(2)}|${one.name}\n`;
      }),
    );
    return lines.join('');
  }

  #lvs(args: readonly string[]): Answer {
    const wanted = args.filter((argument) => !argument.startsWith('-'));
    for (const name of wanted) {
      const [group = ''] = name.split('/');
      if (!this.groups.has(group))
        return failed(`  Volume group "${group}" not found\n  Cannot process volume group ${group}\n`);
      if (name.includes('/') && !this.volumes.has(name))
        return failed(`  Failed to find logical volume "${name}"\n`);
    }
    const lines = [...this.volumes]
      .filter(
        ([key]) => wanted.length === 0 || wanted.some((name) => key === name || key.startsWith(`${name}/`)),
      )
      .map(([key, volume]) => {
        const [group, name] = key.split('/');
        const attributes = `-wi-${volume.active ? 'a' : '-'}${volume.openedBy === undefined ? '-' : 'o'}----`;
        const devices = [...volume.extents.keys()].map((device) => `${device}(0)`).join(',');
        const numbers = volume.active ? '254|3' : '-1|-1';
        const sizes = `${extentMiB * 1024}.00|${volume.stripes}|${devices}|${volume.sizeMiB * 1024}.00`;
        return `  ${group}|${name}|${attributes}|${numbers}|${sizes}|${[...volume.tags].join(',')}\n`;
      });
    return said(lines.join(''));
  }

  #allocate(
    group: string,
    sizeMiB: number,
    devices: readonly string[],
    stripes: number,
  ): Map<string, number> | undefined {
    const physical = (this.groups.get(group) ?? []).filter(
      (one) => devices.length === 0 || devices.includes(one.name),
    );
    const extents = new Map<string, number>();
    let left = sizeMiB;
    for (const one of physical) {
      const share = stripes > 1 ? Math.ceil(sizeMiB / stripes) : left;
      const taken = Math.min(share, this.#free(group, one), left);
      if (stripes > 1 && taken < Math.min(share, left)) return undefined;
      if (taken > 0) extents.set(one.name, taken);
      left -= taken;
      if (left === 0) return extents;
    }
    return undefined;
  }

  #create(args: readonly string[]): Answer {
    const option = (prefix: string) =>
      args.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
    const name = option('-n')!;
    const size = Math.ceil(Number.parseInt(option('-L')!, 10) / extentMiB) * extentMiB;
    const tagAt = args.indexOf('--addtag');
    const tags = new Set(tagAt < 0 ? [] : [args[tagAt + 1]!]);
    const origin = args.includes('-s') ? args.at(-1)! : undefined;
    const rest = args.slice(tagAt < 0 ? 0 : tagAt + 2).filter((argument) => !argument.startsWith('-'));
    const group = origin === undefined ? rest[0]! : origin.split('/')[2]!;
    const stripes = Number(option('-i') ?? 1);
    if (this.volumes.has(`${group}/${name}`)) {
      return failed(`  Logical Volume "${name}" already exists in volume group "${group}"\n`);
    }
    const extents = this.#allocate(group, size, origin === undefined ? rest.slice(1) : [], stripes);
    if (extents === undefined) return failed(`  Volume group "${group}" has insufficient free space\n`);
    this.volumes.set(`${group}/${name}`, {
      ...{ sizeMiB: size, active: true, tags, extents, stripes },
      ...(origin === undefined ? {} : { origin }),
    });
    return said();
  }

  #change(args: readonly string[]): Answer {
    const volume = this.at(args.at(-1)!);
    if (volume === undefined)
      return failed(`  Failed to find logical volume "${args.at(-1)!.replace('/dev/', '')}"\n`);
    for (const [index, argument] of args.entries()) {
      if (argument === '--addtag') volume.tags.add(args[index + 1]!);
      if (argument === '--deltag') volume.tags.delete(args[index + 1]!);
      if (argument === '-ay') volume.active = true;
    }
    return said();
  }

  #remove(key: string): Answer {
    const volume = this.volumes.get(key);
    if (volume === undefined) return failed(`  Failed to find logical volume "${key}"\n`);
    if (volume.openedBy !== undefined) return failed(`  Logical volume ${key} in use.\n`);
    this.volumes.delete(key);
    return said();
  }

  #extend(args: readonly string[]): Answer {
    const path = args.find((argument) => argument.startsWith('/dev/') && this.at(argument) !== undefined);
    const volume = this.at(path ?? '');
    if (volume === undefined || path === undefined) return failed('  Failed to find logical volume\n');
    const more = Number.parseInt(args[args.indexOf('-L') + 1]!.slice(1), 10) / 1024;
    const devices = args.slice(args.indexOf(path) + 1);
    const contiguous = args.includes('contiguous') ? [...volume.extents.keys()].slice(-1) : devices;
    const extents = this.#allocate(path.split('/')[2]!, more, contiguous, 1);
    if (extents === undefined) return failed('  Insufficient suitable allocatable extents\n');
    if (args.includes('--test')) return said();
    for (const [device, size] of extents)
      volume.extents.set(device, (volume.extents.get(device) ?? 0) + size);
    volume.sizeMiB += more;
    return said();
  }

  #rename([group, from, to]: [string, string, string]): Answer {
    const volume = this.volumes.get(`${group}/${from}`);
    if (volume === undefined)
      return failed(`  Existing logical volume "${from}" not found in volume group "${group}"\n`);
    if (this.volumes.has(`${group}/${to}`)) return failed(`  Logical Volume "${to}" already exists\n`);
    this.volumes.delete(`${group}/${from}`);
    this.volumes.set(`${group}/${to}`, volume);
    return said();
  }
}
