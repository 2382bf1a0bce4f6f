/**
 * What running guests use, for the monitoring daemon: light, since it is asked all the time, and without any effect on
 * the guests. A hypervisor that has no way of its own tells what its driver lists.
 */
import { createHypervisorDrivers } from './catalog.ts';
import type { DriverContext } from './contract.ts';

export interface GuestUsage {
  readonly name: string;
  readonly vcpus: number;
  readonly assignedBytes: number;
  /** Memory of the host that it really has; null where nobody can tell. */
  readonly residentBytes: number | null;
  readonly cpuSeconds: number;
  /** Interfaces of the host, by the index of the guest's. */
  readonly interfaces: readonly { readonly index: number; readonly device: string }[];
}

type Read = (context: DriverContext) => Promise<GuestUsage[]>;

const ownWays: Readonly<Record<string, () => Promise<Read>>> = {
  kvm: async () => (await import('./kvm/usage.ts')).kvmUsage,
};
const mebibyte = 1024 ** 2;

/** Guests of one hypervisor on this node. @throws Failure for an unknown one, or what its programs say */
export async function guestUsage(hypervisor: string, context: DriverContext): Promise<GuestUsage[]> {
  const own = Object.hasOwn(ownWays, hypervisor) ? ownWays[hypervisor] : undefined;
  if (own !== undefined) return await (await own())(context);
  const guests = await (await createHypervisorDrivers(context).driver(hypervisor)).list({});
  return guests
    .filter(({ state }) => state !== 'shutdown')
    .map(({ name, vcpus, memory, time }) => ({
      name,
      vcpus,
      assignedBytes: memory * mebibyte,
      residentBytes: null,
      cpuSeconds: time,
      interfaces: [],
    }));
}
