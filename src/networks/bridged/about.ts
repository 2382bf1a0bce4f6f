/** bridged: the guest's interface is a port of a Linux bridge. */
import type { NetworkAbout } from '../contract.ts';

export const about: NetworkAbout = {
  name: 'bridged',
  linkIsDevice: true,
  vlan: true,
  needsIp: false,
  linkIsBridge: true,
  onArrival: 'before',
};
