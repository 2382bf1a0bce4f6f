/** The contract of NIC modes: what connects a guest's interface to the host's network. */
import type { Log } from '../kit/log.ts';
import type { Paths } from '../kit/paths.ts';

export interface NicOnHost {
  readonly uuid: string;
  readonly mac: string;
  readonly ip: string | null;
  readonly name: string | null;
  readonly mode: string;
  readonly link: string;
  readonly vlan: string;
  readonly network: Readonly<Record<string, unknown>> | null;
}

export interface NetworkAbout {
  /** The NIC mode. */
  readonly name: string;
  /** `link` names a device that must exist on the host. */
  readonly linkIsDevice: boolean;
  readonly vlan: boolean;
  /** An address must be given. */
  readonly needsIp: boolean;
  /** `link` is a Linux bridge, which scripts are also told as BRIDGE. */
  readonly linkIsBridge: boolean;
  /**
   * When the receiving node of a migration connects an interface: at once, only after the guest has
   * arrived (it would draw traffic away), or both times.
   */
  readonly onArrival: 'before' | 'after' | 'both';
  /** Nothing is built in: the administrator's script does it all, and hypervisors without one can't. */
  readonly scriptOnly?: boolean;
}

export interface NetworkDriver {
  readonly about: NetworkAbout;
  /** Connects the tap or interface `device` as the NIC asks; done already: fine. */
  connect(device: string, nic: NicOnHost): Promise<void>;
  disconnect(device: string, nic: NicOnHost): Promise<void>;
  /** Is the link there? */
  readonly linkExists: (link: string) => Promise<boolean>;
}

/** What a driver needs of the node it runs on. */
export interface NetworkContext {
  readonly paths: Paths;
  readonly log: Log;
}
