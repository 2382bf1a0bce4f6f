/** The answers of drivers that can't move guests or change their devices, in Ganeti's words. */
import { Failure } from '../kit/failure.ts';
import type { HypervisorDriver } from './contract.ts';

type Hotplug = Pick<HypervisorDriver, 'hotplug' | 'hotplugSupported' | 'resizeDisk'>;
type Migration = Pick<
  HypervisorDriver,
  'accept' | 'migrate' | 'migrationStatus' | 'cancelMigration' | 'finalizeSource' | 'finalizeTarget'
>;

const hotplugFailure = () => new Failure('HotplugError', ['Hotplug is not supported by this hypervisor']);

export const noHotplug: Hotplug = {
  hotplug: () => Promise.reject(hotplugFailure()),
  hotplugSupported: () => Promise.reject(hotplugFailure()),
  resizeDisk: () =>
    Promise.reject(new Failure('HotplugError', ['Disk resize is not supported by this hypervisor'])),
};

/** Taking back what never happened still succeeds. */
export function noMigration(hypervisor: string): Migration {
  const refuse = () =>
    Promise.reject(
      new Failure('HypervisorError', [`Migration not supported by the ${hypervisor} hypervisor`]),
    );
  return {
    accept: refuse,
    migrate: refuse,
    migrationStatus: refuse,
    cancelMigration: () => Promise.resolve(),
    finalizeSource: () => Promise.resolve(),
    finalizeTarget: () => Promise.resolve(),
  };
}
