/** NIC parameters with their built-in defaults (constants.NICS_PARAMETERS). */
import type { ParameterFamily } from './family.ts';

export const nicParameters = {
  mode: { type: 'string', default: 'bridged', doc: 'How the interface is connected.' },
  link: { type: 'string', default: 'xen-br0', doc: 'Bridge, switch or routing table.' },
  vlan: { type: 'string', default: '', doc: 'VLAN of a switch port: ".100" untagged, ":100:200" trunk.' },
} as const satisfies ParameterFamily;
