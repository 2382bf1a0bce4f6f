/** ext: scripts of the administrator connect the interface; nothing is assumed of it. */
import type { NetworkAbout } from '../contract.ts';

export const about: NetworkAbout = {
  name: 'ext',
  linkIsDevice: false,
  vlan: false,
  needsIp: false,
  linkIsBridge: false,
  onArrival: 'both',
  scriptOnly: true,
};
