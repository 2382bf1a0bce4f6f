/** The contract of NIC modes: what connects a guest's interface to the host's network. */

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
}

export interface NetworkDriver {
  readonly about: NetworkAbout;
  /** Connects the tap or interface `device` as the NIC asks; done already: fine. */
  connect(device: string, nic: NicOnHost): Promise<void>;
  disconnect(device: string, nic: NicOnHost): Promise<void>;
  /** Is the link there? */
  linkExists(link: string): Promise<boolean>;
}
