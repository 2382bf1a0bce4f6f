/** ext: a script of the administrator connects the interface; nothing is assumed of it. */
import type { NetworkAbout } from '../contract.ts';

export const about: NetworkAbout = {
  name: 'ext',
  linkIsDevice: false,
  vlan: false,
  needsIp: false,
  linkIsBridge: false,
};
