/** A guest to try drivers on: plain values that each test changes as it needs. */
import { defaultsOf } from '../model/params/family.ts';
import type { Guest, HypervisorAbout } from './contract.ts';

export function guestFor(about: HypervisorAbout, changes: Partial<Guest> = {}): Guest {
  return {
    uuid: '4f77526b-2ee2-43f3-a00e-c5914d8292c9',
    name: 'inst1.example.com',
    hvparams: defaultsOf(about.params),
    beparams: {
      minmem: 64,
      maxmem: 128,
      vcpus: 2,
      always_failover: false,
      auto_balance: true,
      spindle_use: 1,
    },
    disks: [],
    nics: [],
    networkPort: 11000,
    tags: [],
    primaryNode: 'node1.example.com',
    uidPool: [],
    clusterName: 'cluster.example.com',
    ...changes,
  };
}
