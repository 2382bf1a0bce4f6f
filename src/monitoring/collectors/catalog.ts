/**
 * Every collector by its name: how its data comes about. Those of processors need a past, which `Samples` keeps; the
 * others look when they are asked.
 */

import { Failure, messageOf } from '../../kit/failure.ts';
import { describeFailure } from '../../kit/process.ts';
import { type CollectorWorld, definitionOf, type Report, reportOf } from './collector.ts';
import { type CpuSample, cpuLoad, parseCpuWork, withSample } from './cpu-load.ts';
import { parseDiskStatistics } from './diskstats.ts';
import { drbdHealth, type Pairing, parseDrbd } from './drbd.ts';
import {
  type InstanceLike,
  instanceStatus,
  parseDomains,
  parseUptimes,
  withHung,
} from './instance-status.ts';
import { type InstanceDisks, lvsCommand, parseVolumes, withInstances } from './lv.ts';
import { type DomainSamples, domainLoads, parseXentop, withDomains } from './xen-cpu-load.ts';

/** Files in place of the machine's, for who tries a collector by hand. */
export interface Inputs {
  readonly file?: string | undefined;
  /** Minors and instances. */
  readonly pairing?: string | undefined;
  /** Instances with their disks. */
  readonly instances?: string | undefined;
}

/** What collectors of processor time remember. */
export class Samples {
  #cpu: readonly CpuSample[] = [];
  #domains: DomainSamples = new Map();

  /** Names of the collectors that must look again and again. */
  static readonly names = ['cpu-avg-load', 'xen-cpu-avg-load'];

  async take(name: string, world: CollectorWorld): Promise<void> {
    if (name === 'cpu-avg-load') {
      const work = parseCpuWork(await world.readText('/proc/stat'));
      this.#cpu = withSample(this.#cpu, { time: world.now(), work });
    } else if (name === 'xen-cpu-avg-load') {
      // Where there is no Xen there are no domains.
      const text = await outputOf(world, ['xentop', '-f', '-b', '-i', '1']).catch(() => undefined);
      const seconds = text === undefined ? new Map<string, number>() : parseXentop(text);
      this.#domains = withDomains(this.#domains, world.now(), seconds);
    }
  }

  get cpu(): unknown {
    return cpuLoad(this.#cpu);
  }

  get domains(): unknown {
    return domainLoads(this.#domains);
  }
}

/** @throws Failure CommandError */
async function outputOf(world: CollectorWorld, argv: readonly string[]): Promise<string> {
  const result = await world.run(argv);
  if (result.code !== 0) throw new Failure('CommandError', [describeFailure(result)]);
  return result.stdout;
}

/** Without a pairing mirrors have no instance, and all else of them is told. */
async function pairingOf(world: CollectorWorld, { pairing }: Inputs): Promise<Pairing> {
  try {
    if (pairing !== undefined) return JSON.parse(await world.readText(pairing)) as Pairing;
    return (await world.ask('nodeDrbd', world.hostname)) as Pairing;
  } catch (error) {
    world.log.warning(`Can't get pairing info: ${messageOf(error)}`);
    return [];
  }
}

async function drbd(world: CollectorWorld, inputs: Inputs): Promise<unknown> {
  const [text, pairing] = await Promise.all([
    world.readText(inputs.file ?? '/proc/drbd'),
    pairingOf(world, inputs),
  ]);
  const status = parseDrbd(text, pairing);
  return { status: drbdHealth(status), ...status };
}

async function instanceDisks(world: CollectorWorld, { instances }: Inputs): Promise<InstanceDisks[]> {
  if (instances !== undefined) return JSON.parse(await world.readText(instances)) as InstanceDisks[];
  const both = (await world.ask('nodeInstances', world.hostname)) as { name?: string; uuid: string }[][];
  return await Promise.all(
    both.flat().map(async (instance): Promise<InstanceDisks> => {
      const disks = (await world.ask('instanceDisks', instance.uuid)) as InstanceDisks[1];
      return [instance, disks];
    }),
  );
}

async function lv(world: CollectorWorld, inputs: Inputs): Promise<unknown> {
  const text =
    inputs.file === undefined ? await outputOf(world, lvsCommand) : await world.readText(inputs.file);
  const volumes = parseVolumes(text);
  return withInstances(volumes, volumes.length === 0 ? [] : await instanceDisks(world, inputs));
}

async function reasonsOf(world: CollectorWorld, name: string): Promise<readonly unknown[]> {
  try {
    const reasons: unknown = JSON.parse(await world.readText(world.reasonFile(name)));
    return Array.isArray(reasons) ? (reasons as unknown[]) : [];
  } catch {
    return [];
  }
}

async function instanceStatusOfXen(world: CollectorWorld): Promise<unknown> {
  const [primary] = (await world.ask('nodeInstances', world.hostname)) as [InstanceLike[], unknown];
  const first = parseDomains(await outputOf(world, ['xl', 'list']));
  const domains = withHung(first, parseDomains(await outputOf(world, ['xl', 'list'])));
  const uptimes = parseUptimes(await outputOf(world, ['xl', 'uptime']));
  const reasons = await Promise.all(
    primary.map(async ({ name }) => [name, await reasonsOf(world, name)] as const),
  );
  return instanceStatus(primary, { domains, uptimes, reasons: new Map(reasons) });
}

async function dataOf(
  name: string,
  world: CollectorWorld,
  samples: Samples,
  inputs: Inputs,
): Promise<unknown> {
  switch (name) {
    case 'cpu-avg-load':
      return samples.cpu;
    case 'xen-cpu-avg-load':
      return samples.domains;
    case 'diskstats':
      return parseDiskStatistics(await world.readText(inputs.file ?? '/proc/diskstats'));
    case 'drbd':
      return await drbd(world, inputs);
    case 'inst-status-xen':
      return await instanceStatusOfXen(world);
    case 'lv':
      return await lv(world, inputs);
    default:
      throw new RangeError(`there is no data collector '${name}'`);
  }
}

/** @throws what hinders the collector */
export async function collect(
  name: string,
  world: CollectorWorld,
  samples: Samples,
  inputs: Inputs = {},
): Promise<Report> {
  return reportOf(name, world.now(), await dataOf(name, world, samples, inputs));
}

/** A collector that can't do its work says why in its report; the others go on. */
export async function collectOrExplain(
  name: string,
  world: CollectorWorld,
  samples: Samples,
): Promise<Report> {
  try {
    return await collect(name, world, samples);
  } catch (error) {
    const message = messageOf(error);
    world.log.warning(`Data collector ${name}: ${message}`);
    const data = definitionOf(name).kind === 'status' ? { status: { code: 2, message } } : { error: message };
    return reportOf(name, world.now(), data);
  }
}
