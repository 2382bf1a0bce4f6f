/** What the handlers of node calls work with; made once by main.ts, and by tests on a temporary root. */
import { createHypervisorDrivers, type HypervisorDrivers } from '../hypervisors/catalog.ts';
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';
import { type Fence, openFence } from '../noderpc/fence.ts';
import { type JournalReplica, openReplica } from '../noderpc/journal-replica.ts';
import { createStorageDrivers, type StorageDrivers } from '../storage/catalog.ts';
import type { StorageDriver } from '../storage/contract.ts';
import type { StorageHost } from '../storage/host.ts';
import { type MetadataTeller, noMetadata } from './metadata.ts';
import { endOlderMaster } from './older-master.ts';
import { noRoleDaemons, type RoleDaemons } from './role-daemons.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface NodeContext {
  readonly paths: Paths;
  readonly log: Log;
  readonly env: Environment;
  /** This node's name; $GANETI_HOSTNAME on a virtual node. */
  readonly hostname: string;
  /** Programs and files of this machine. */
  readonly host: StorageHost;
  readonly storage: StorageDrivers;
  readonly hypervisors: HypervisorDrivers;
  /** This node's copy of the configuration's journal. */
  readonly replica: JournalReplica;
  /** Keeps older masters out. */
  readonly fence: Fence;
  storageDriver(template: string): Promise<StorageDriver>;
  /** Makes the daemon end once the request that runs has been answered. */
  readonly stopDaemon: () => void;
  /** Makes the server show the cluster certificate that is on disk now. */
  readonly certificateChanged: () => void;
  readonly roleDaemons: RoleDaemons;
  /** What instances may know of themselves. */
  readonly metadata: MetadataTeller;
}

export interface ContextOptions
  extends Pick<
    NodeContext,
    'paths' | 'log' | 'env' | 'hostname' | 'host' | 'stopDaemon' | 'certificateChanged'
  > {
  /** None when not given: nothing is started beside this process. */
  readonly roleDaemons?: RoleDaemons;
  /** Nobody is told when not given. */
  readonly metadata?: MetadataTeller;
}

export function createContext(options: ContextOptions): NodeContext {
  const storage = createStorageDrivers(options.host);
  return {
    roleDaemons: noRoleDaemons,
    metadata: noMetadata,
    ...options,
    storage,
    hypervisors: createHypervisorDrivers(options),
    replica: openReplica(options),
    fence: openFence(options.paths, (epoch) => endOlderMaster(options, epoch)),
    storageDriver: (template) => storage.driver(template),
  };
}
