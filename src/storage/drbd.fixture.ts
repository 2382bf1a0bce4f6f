/**
 * DRBD 8.4 in memory, on as many machines as a test wants: minors that find each other by address and
 * secret, compare what they hold, copy, and part in a split brain. For tests.
 */
import type { FakeLvm } from './lvm.fixture.ts';
import type { Answer } from './machine.fixture.ts';

interface Minor {
  readonly resource: string;
  data?: string;
  meta?: string;
  sizeMiB: number;
  role: 'Primary' | 'Secondary';
  disk: 'Diskless' | 'Inconsistent' | 'UpToDate';
  connection: 'StandAlone' | 'WFConnection' | 'Connected' | 'SyncSource' | 'SyncTarget';
  ends?: readonly [string, string];
  twoPrimaries: boolean;
  secret?: string;
  percent: number;
  paused: boolean;
  resyncOptions: readonly string[];
}

/** What a metadata volume remembers when the device is down. */
interface Memory {
  fresh: boolean;
  /** Changes with every write that the other side doesn't see. */
  generation: string;
  readonly history: Set<string>;
}

const failed = (stderr: string, code = 10): Answer => ({ code, stdout: '', stderr });
const said = (stdout = ''): Answer => ({ code: 0, stdout, stderr: '' });
/** Percent of a disk that is copied in a second. */
const speed = 25;
let generations = 0;

export class FakeDrbd {
  readonly minors = new Map<number, Minor>();
  readonly log: string[] = [];
  readonly #memories = new Map<string, Memory>();
  readonly #lvm: FakeLvm;
  readonly #peers: () => readonly FakeDrbd[];
  /** Nothing goes over the network while it is cut. */
  cut = false;

  constructor(lvm: FakeLvm, peers: () => readonly FakeDrbd[]) {
    this.#lvm = lvm;
    this.#peers = peers;
  }

  /** The guest writes to the primary. */
  write(minor: number): void {
    const own = this.minors.get(minor)!;
    const memory = this.#memoryOf(own);
    generations += 1;
    memory.history.add(memory.generation);
    memory.generation = `g${generations}`;
    const other = this.#otherSide(own);
    if (other !== undefined && own.connection === 'Connected') {
      Object.assign(other.drbd.#memoryOf(other.minor), { generation: memory.generation });
    }
  }

  /** The wire is cut: both sides look for each other from now on. */
  loseConnection(): void {
    this.cut = true;
    for (const minor of this.minors.values()) {
      if (minor.connection === 'StandAlone') continue;
      const other = this.#otherSide(minor);
      if (other !== undefined && other.minor.connection !== 'StandAlone')
        other.minor.connection = 'WFConnection';
      minor.connection = 'WFConnection';
    }
  }

  restoreConnection(): void {
    this.cut = false;
    for (const [number, minor] of this.minors) this.#meet(number, minor);
  }

  tick(milliseconds: number): void {
    for (const minor of this.minors.values()) {
      if (minor.connection !== 'SyncSource' || minor.paused) continue;
      const other = this.#otherSide(minor);
      if (other === undefined || other.minor.paused) continue;
      minor.percent = Math.min(100, minor.percent + (speed * milliseconds) / 1000);
      other.minor.percent = minor.percent;
      if (minor.percent < 100) continue;
      minor.connection = 'Connected';
      Object.assign(other.minor, { connection: 'Connected', disk: 'UpToDate' });
      const memory = this.#memoryOf(minor);
      Object.assign(other.drbd.#memoryOf(other.minor), { fresh: false, generation: memory.generation });
    }
  }

  proc(): string {
    const lines = ['version: 8.4.11 (api:1/proto:86-101)', 'srcversion: 211FB288A383ED945B83420 '];
    for (const [number, minor] of [...this.minors].sort(([a], [b]) => a - b))
      lines.push(...this.#procLines(number, minor));
    return `${lines.join('\n')}\n`;
  }

  #procLines(number: number, minor: Minor): string[] {
    if (minor.disk === 'Diskless' && minor.connection === 'StandAlone' && minor.role === 'Secondary') {
      return [`${number}: cs:Unconfigured`];
    }
    const other =
      minor.connection === 'WFConnection' || minor.connection === 'StandAlone'
        ? undefined
        : this.#otherSide(minor);
    const roles = `${minor.role}/${other?.minor.role ?? 'Unknown'}`;
    const disks = `${minor.disk}/${other?.minor.disk ?? 'DUnknown'}`;
    const head = ` ${number}: cs:${minor.connection} ro:${roles} ds:${disks} C r-----`;
    const counts = '    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0';
    if (!minor.connection.startsWith('Sync')) return [head, counts];
    return [
      head,
      counts,
      `\t[=>..................] sync'ed:${minor.percent.toFixed(1).padStart(5)}% (1/2)K`,
      '\tfinish: 0:00:04 speed: 64,800 (64,800) K/sec',
    ];
  }

  run([program, ...args]: readonly string[]): Answer {
    return program === 'drbdmeta' ? this.#metadata(args) : this.#setup(args[0]!, args.slice(1));
  }

  #metadata(args: readonly string[]): Answer {
    const [device, , meta] = args.filter((argument) => !argument.startsWith('--')) as [
      string,
      string,
      string,
    ];
    const number = Number(device.replace('/dev/drbd', ''));
    if (this.minors.get(number)?.disk !== undefined && this.minors.get(number)?.disk !== 'Diskless') {
      return failed(`Device '${number}' is configured!\n`, 20);
    }
    if (this.#lvm.at(meta) === undefined)
      return failed(`open(${meta}) failed: No such file or directory\n`, 20);
    if (args.at(-1) === 'create-md') {
      generations += 1;
      this.#memories.set(meta, { fresh: true, generation: `g${generations}`, history: new Set() });
    } else if (!this.#memories.has(meta)) {
      return failed('No valid meta data found\n', 255);
    }
    return said();
  }

  #setup(verb: string, args: readonly string[]): Answer {
    if (verb === 'new-resource') return said();
    if (verb === 'new-minor') return this.#newMinor(args[0]!, Number(args[1]));
    if (verb === 'connect' || verb === 'down') return this.#ofResource(verb, args);
    if (verb === 'disconnect' || verb === 'net-options') return this.#ofConnection(verb, args);
    const number = Number(args[0]);
    const minor = this.minors.get(number);
    if (minor === undefined) return failed(`${number}: Failure: (127) Device minor not allocated\n`);
    return this.#ofMinor(verb, number, minor, args);
  }

  #newMinor(resource: string, number: number): Answer {
    if (this.minors.has(number)) return said();
    this.minors.set(number, {
      ...{ resource, sizeMiB: 0, role: 'Secondary', disk: 'Diskless', connection: 'StandAlone' },
      ...{ twoPrimaries: false, percent: 0, paused: false, resyncOptions: [] },
    });
    return said();
  }

  #ofMinor(verb: string, number: number, minor: Minor, args: readonly string[]): Answer {
    switch (verb) {
      case 'show':
        return said(this.#show(number, minor));
      case 'attach':
        return this.#attach(number, minor, args);
      case 'disk-options':
        minor.resyncOptions = args.slice(1);
        return said();
      case 'detach':
        return this.#detach(number, minor);
      case 'primary':
        return this.#primary(number, minor, args.includes('--force'));
      case 'secondary':
        minor.role = 'Secondary';
        return said();
      case 'pause-sync':
      case 'resume-sync': {
        const pause = verb === 'pause-sync';
        if (minor.paused === pause)
          return failed(
            `${number}: Failure: (135) Sync-pause flag is already ${pause ? 'set' : 'cleared'}\n`,
          );
        minor.paused = pause;
        return said();
      }
      default:
        minor.sizeMiB = Number.parseInt(args[args.indexOf('--size') + 1]!, 10);
        return said();
    }
  }

  #attach(number: number, minor: Minor, args: readonly string[]): Answer {
    const [, data, meta] = args as [string, string, string];
    const [dataVolume, metaVolume] = [this.#lvm.at(data), this.#lvm.at(meta)];
    if (minor.data !== undefined)
      return failed(`${number}: Failure: (124) Device is attached to a disk (use detach first)\n`);
    if (!dataVolume?.active || !metaVolume?.active)
      return failed(`${number}: Failure: (104) Can not open backing device.\n`);
    if (!this.#memories.has(meta))
      return failed(`${number}: Failure: (119) No valid meta-data signature found.\n`);
    Object.assign(dataVolume, { openedBy: minor.resource });
    Object.assign(metaVolume, { openedBy: minor.resource });
    Object.assign(minor, { data, meta, sizeMiB: Number.parseInt(args[args.indexOf('--size') + 1]!, 10) });
    minor.disk = this.#memories.get(meta)!.fresh ? 'Inconsistent' : 'UpToDate';
    this.#meet(number, minor);
    return said();
  }

  #detach(number: number, minor: Minor): Answer {
    const other = this.#otherSide(minor);
    if (minor.role === 'Primary' && other?.minor.disk !== 'UpToDate') {
      return failed(`${number}: State change failed: (-2) Need access to UpToDate data\n`, 17);
    }
    this.#release(minor);
    return said();
  }

  #release(minor: Minor): void {
    for (const path of [minor.data, minor.meta]) {
      const volume = path === undefined ? undefined : this.#lvm.at(path);
      if (volume !== undefined) delete volume.openedBy;
    }
    delete minor.data;
    delete minor.meta;
    minor.disk = 'Diskless';
  }

  #primary(number: number, minor: Minor, force: boolean): Answer {
    const other = this.#otherSide(minor);
    const connected =
      other !== undefined && minor.connection !== 'WFConnection' && minor.connection !== 'StandAlone';
    if (connected && other.minor.role === 'Primary' && !(minor.twoPrimaries && other.minor.twoPrimaries)) {
      return failed(`${number}: State change failed: (-1) Multiple primaries not allowed by config\n`, 11);
    }
    const good = minor.disk === 'UpToDate' || (connected && other.minor.disk === 'UpToDate');
    if (!good && !force)
      return failed(`${number}: State change failed: (-2) Need access to UpToDate data\n`, 17);
    minor.role = 'Primary';
    if (!good) {
      minor.disk = 'UpToDate';
      this.#memoryOf(minor).fresh = false;
      if (connected) this.#beginSync(minor, other.minor);
    }
    return said();
  }

  #ofResource(verb: 'connect' | 'down', args: readonly string[]): Answer {
    const found = [...this.minors].find(([, minor]) => minor.resource === args[0]);
    if (found === undefined)
      return verb === 'down' ? said() : failed(`${args[0]}: Failure: (158) Unknown resource\n`);
    const [number, minor] = found;
    if (verb === 'down') {
      if (minor.role === 'Primary') minor.role = 'Secondary';
      this.#leave(minor);
      this.#release(minor);
      this.minors.delete(number);
      return said();
    }
    const secretAt = args.indexOf('--shared-secret');
    if (minor.ends !== undefined)
      return failed(`${args[0]}: Failure: (125) Device has a net-config (use disconnect first)\n`);
    minor.ends = [args[1]!, args[2]!];
    minor.secret = args[secretAt + 1]!;
    minor.twoPrimaries = args.includes('--allow-two-primaries');
    minor.connection = 'WFConnection';
    this.#meet(number, minor);
    return said();
  }

  #ofConnection(verb: 'disconnect' | 'net-options', args: readonly string[]): Answer {
    const minor = [...this.minors.values()].find(
      ({ ends }) => ends?.[0] === args[0] && ends?.[1] === args[1],
    );
    if (minor === undefined) return failed('Failure: (162) Invalid configuration request\n');
    if (verb === 'disconnect') this.#leave(minor);
    else minor.twoPrimaries = args.at(-1)!.endsWith('=yes');
    return said();
  }

  #leave(minor: Minor): void {
    const other = this.#otherSide(minor);
    if (other !== undefined && other.minor.connection !== 'StandAlone')
      other.minor.connection = 'WFConnection';
    minor.connection = 'StandAlone';
    delete minor.ends;
    delete minor.secret;
  }

  #memoryOf(minor: Minor): Memory {
    return (
      this.#memories.get(minor.meta ?? '') ?? { fresh: false, generation: 'diskless', history: new Set() }
    );
  }

  #otherSide(
    minor: Minor,
  ): { readonly drbd: FakeDrbd; readonly number: number; readonly minor: Minor } | undefined {
    if (minor.ends === undefined) return undefined;
    const [local, remote] = minor.ends;
    for (const drbd of this.#peers()) {
      for (const [number, other] of drbd.minors) {
        if (other !== minor && other.ends?.[0] === remote && other.ends[1] === local)
          return { drbd, number, minor: other };
      }
    }
    return undefined;
  }

  #meet(number: number, minor: Minor): void {
    const other = this.#otherSide(minor);
    if (other === undefined || this.cut || other.drbd.cut) return;
    if (minor.connection !== 'WFConnection' || other.minor.connection !== 'WFConnection') return;
    if (minor.secret !== other.minor.secret) {
      this.#refuse(number, minor, 'Authentication of peer failed, trying again.');
      return;
    }
    if (minor.twoPrimaries !== other.minor.twoPrimaries) {
      const words = 'incompatible allow-two-primaries settings';
      this.#refuse(number, minor, words);
      other.drbd.#refuse(other.number, other.minor, words);
      return;
    }
    if (minor.disk === 'Diskless' || other.minor.disk === 'Diskless') {
      minor.connection = 'Connected';
      other.minor.connection = 'Connected';
      return;
    }
    this.#compare(number, minor, other);
  }

  #compare(number: number, minor: Minor, other: { drbd: FakeDrbd; number: number; minor: Minor }): void {
    const [mine, theirs] = [this.#memoryOf(minor), other.drbd.#memoryOf(other.minor)];
    if (mine.generation === theirs.generation || (mine.fresh && theirs.fresh)) {
      minor.connection = 'Connected';
      other.minor.connection = 'Connected';
    } else if (theirs.fresh || mine.history.has(theirs.generation)) {
      this.#beginSync(minor, other.minor);
    } else if (mine.fresh || theirs.history.has(mine.generation)) {
      this.#beginSync(other.minor, minor);
    } else {
      const words = 'Split-Brain detected but unresolved, dropping connection!';
      this.#refuse(number, minor, words);
      other.drbd.#refuse(other.number, other.minor, words);
    }
  }

  #refuse(number: number, minor: Minor, words: string): void {
    this.log.push(`block drbd${number}: ${words}`);
    minor.connection = 'StandAlone';
    delete minor.ends;
  }

  #beginSync(source: Minor, target: Minor): void {
    Object.assign(source, { connection: 'SyncSource', percent: 0 });
    Object.assign(target, { connection: 'SyncTarget', percent: 0, disk: 'Inconsistent' });
  }

  #show(number: number, minor: Minor): string {
    const address = (text: string) => text.replace(/^(ipv[46]):/, '$1 ');
    const lines = ['resource resource0 {', '    options {', '    }', '    net {'];
    if (minor.twoPrimaries) lines.push('        allow-two-primaries\tyes;');
    lines.push('    }');
    if (minor.ends)
      lines.push('    _remote_host {', `        address\t\t\t${address(minor.ends[1])};`, '    }');
    lines.push('    _this_host {');
    if (minor.ends) lines.push(`        address\t\t\t${address(minor.ends[0])};`);
    lines.push('        volume 0 {', `            device\t\t\tminor ${number};`);
    if (minor.data)
      lines.push(`            disk\t\t\t"${minor.data}";`, `            meta-disk\t\t\t"${minor.meta}";`);
    lines.push(
      '            disk {',
      `                size\t\t\t${minor.sizeMiB * 2048}s; # bytes`,
      '            }',
      '        }',
      '    }',
      '}',
    );
    return `${lines.join('\n')}\n`;
  }
}
