/** routed: the host routes the guest's address to its interface; `link` is a routing table, or none. */
import type { NetworkAbout } from '../contract.ts';

export const about: NetworkAbout = {
  name: 'routed',
  linkIsDevice: false,
  vlan: false,
  needsIp: true,
  linkIsBridge: false,
  onArrival: 'after',
};
