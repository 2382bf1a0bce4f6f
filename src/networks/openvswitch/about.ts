/** openvswitch: the guest's interface is a port of an Open vSwitch, with VLAN or trunk. */
import type { NetworkAbout } from '../contract.ts';

export const about: NetworkAbout = {
  name: 'openvswitch',
  linkIsDevice: true,
  vlan: true,
  needsIp: false,
  linkIsBridge: false,
  onArrival: 'before',
};
