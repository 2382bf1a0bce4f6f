/** Every hypervisor: its data at once, its driver when a node asks for it. One line an entry. */
import { ErrorCode, prerequisiteFailure } from '../kit/failure.ts';
import { about as chroot } from './chroot/about.ts';
import type { DriverContext, HypervisorAbout, HypervisorDriver } from './contract.ts';
import { about as fake } from './fake/about.ts';
import { about as kvm } from './kvm/about.ts';
import { about as lxc } from './lxc/about.ts';
import { hvmAbout, pvmAbout } from './xen/about.ts';

export { parseMultiCpuMask } from './checks.ts';

/** What is wrong with a filled set of a hypervisor's parameters, in Ganeti's words; for master and CLI. */
export { parameterFault as hypervisorParameterFault } from './parameters.ts';

interface Entry {
  readonly about: HypervisorAbout;
  readonly load: (context: DriverContext) => Promise<HypervisorDriver>;
}

const entries: readonly Entry[] = [
  { about: kvm, load: async (c) => (await import('./kvm/driver.ts')).kvmDriver(c) },
  { about: fake, load: async (c) => (await import('./fake/driver.ts')).fakeDriver(c) },
  { about: pvmAbout, load: async (c) => (await import('./xen/driver.ts')).xenDriver(pvmAbout, c) },
  { about: hvmAbout, load: async (c) => (await import('./xen/driver.ts')).xenDriver(hvmAbout, c) },
  { about: lxc, load: async (c) => (await import('./lxc/driver.ts')).lxcDriver(c) },
  { about: chroot, load: async (c) => (await import('./chroot/driver.ts')).chrootDriver(c) },
];

/** Names in alphabetical order. */
export const hypervisorNames: readonly string[] = entries.map((entry) => entry.about.name).sort();

/** What clusters start with when nobody says otherwise (constants.DEFAULT_ENABLED_HYPERVISOR). */
export const defaultHypervisor = pvmAbout.name;

function entryOf(name: string): Entry {
  const entry = entries.find((candidate) => candidate.about.name === name);
  if (entry === undefined) throw prerequisiteFailure(`Unknown hypervisor '${name}'`, ErrorCode.invalid);
  return entry;
}

/** @throws Failure OpPrereqError for a name that isn't in the catalog */
export function hypervisorAbout(name: string): HypervisorAbout {
  return entryOf(name).about;
}

export const hypervisorAbouts: readonly HypervisorAbout[] = entries.map((entry) => entry.about);

/** The drivers of one node, each loaded when first asked for. */
export interface HypervisorDrivers {
  /** @throws Failure OpPrereqError for a name that isn't in the catalog */
  driver(name: string): Promise<HypervisorDriver>;
}

export function createHypervisorDrivers(context: DriverContext): HypervisorDrivers {
  const loaded = new Map<string, Promise<HypervisorDriver>>();
  return {
    async driver(name) {
      const entry = entryOf(name);
      const driver = loaded.get(name) ?? entry.load(context);
      loaded.set(name, driver);
      return driver;
    },
  };
}
