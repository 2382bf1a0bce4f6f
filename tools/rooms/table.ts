/**
 * Who may import whom (architecture): each room's layer and what it may see beyond the general rule that
 * imports point to lower layers only.
 */

export interface Room {
  readonly layer: number;
  /** The only rooms it may import; without it, every room of a lower layer. */
  readonly only?: readonly string[];
  /** Rooms of its own layer that it may import; a path ending in .ts names one file. */
  readonly also?: readonly string[];
  /** Rooms of lower layers that it must not import. */
  readonly never?: readonly string[];
}

const contracts = [
  'hypervisors/contract.ts',
  'storage/contract.ts',
  'networks/contract.ts',
  'locks/contract.ts',
];
/** The face of driver rooms that is data only. */
export const driverRooms = ['hypervisors', 'storage', 'networks'] as const;
export const driverFaces = /^(catalog|contract|about|address-pool|[a-z]+\/about)\.ts$/;
/** Rooms that may load a driver's I/O. */
export const driverUsers = ['noded', 'monitoring', 'hypervisors', 'storage', 'networks'];

export const rooms: Readonly<Record<string, Room>> = {
  kit: { layer: 0 },
  'htools/core': { layer: 0, also: ['kit'] },
  model: { layer: 1 },
  hypervisors: { layer: 2, also: [...contracts, 'networks'] },
  storage: { layer: 2, also: contracts },
  networks: { layer: 2 },
  guests: { layer: 2 },
  locks: { layer: 2 },
  hooks: { layer: 2 },
  allocator: { layer: 2 },
  opcodes: { layer: 3 },
  noderpc: { layer: 3 },
  queries: { layer: 4 },
  config: { layer: 4 },
  jobs: { layer: 4 },
  luxi: { layer: 5 },
  operations: {
    layer: 5,
    also: ['htools/load/allocator.ts'],
    never: ['htools/load', 'htools/programs'],
  },
  'htools/load': { layer: 5, also: ['luxi'] },
  masterd: { layer: 6 },
  rapi: { layer: 6, never: ['config', 'jobs', 'operations'] },
  'confd/client': { layer: 3 },
  confd: { layer: 6 },
  'metadata/client': { layer: 3 },
  metadata: { layer: 6 },
  watcher: { layer: 6, never: ['config', 'jobs', 'operations'] },
  noded: { layer: 6, never: ['config', 'jobs', 'operations', 'queries', 'luxi'] },
  monitoring: { layer: 6, never: ['config', 'jobs', 'operations'] },
  cli: { layer: 6, never: ['config', 'jobs', 'operations'] },
  'htools/programs': { layer: 6, never: ['config', 'jobs', 'operations'] },
  web: { layer: 7, only: ['opcodes', 'queries'] },
};

/** Rooms that may start child processes. */
export const processStarters = [
  'kit',
  'hypervisors',
  'storage',
  'networks',
  'guests',
  'hooks',
  'allocator',
  'noded',
  'cli',
  'masterd',
  'monitoring',
  'watcher',
];
